"""The check of the source package, and the reading of the tree."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.tidy import package, text
from tests.tidy.tree import Source, read_tree

ROOT = Path(__file__).parents[2]


def test_the_source_package_holds_what_the_code_includes():
    faults = package.check(read_tree(ROOT))
    assert not faults, "\n" + "\n".join(map(str, faults))


def test_an_included_file_that_is_not_packed_is_found():
    pages = Source("rust/hub/src/pages.rs", ('include_str!("../../../pages/a.html")', 'include_str!("own.sql")'))

    def faults(packed: str) -> list[str]:
        backend = Source(package.BACKEND, ("SOURCES = (", f'    "{packed}",', '    "rust",', ")"))
        return [fault.fault for fault in package.check([backend, pages])]

    assert faults("page") == ["includes pages/a.html, which the source package lacks"]
    assert faults("pages") == []


def test_the_tree_is_what_git_knows_and_does_not_ignore(tmp_path: Path):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("ignored.rs\n")
    for name in ("a.rs", "ignored.rs"):
        (tmp_path / name).write_text("fn a() {}\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0\0")
    assert [source.path for source in read_tree(tmp_path)] == [".gitignore", "a.rs"]
    assert [str(fault) for fault in text.check_heads(read_tree(tmp_path))] == [
        "a.rs: has no //! head; say what it is for and what it owns"
    ]
