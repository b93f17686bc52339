"""The source package: it is whole, and the same sources make the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.tidy.tree import read_tree

CHECKOUT = Path(__file__).parents[2]
BUILD = "import sys; import orochi_build; print(orochi_build.build_sdist(sys.argv[1]))"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder, as pip unpacks it."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build(folder)) as archive:
        archive.extractall(folder, filter="data")
    return next(path for path in folder.iterdir() if path.is_dir())


def build(folder: Path) -> Path:
    """The file of the source package, made as pip makes it."""
    # maturin's program is beside this Python.
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "packaging"), "PATH": path}
    command = [sys.executable, "-c", BUILD, str(folder)]
    made = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=True)
    return folder / made.stdout.splitlines()[-1]


def test_sdist_is_the_same_each_time(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert build(tmp_path / "a").read_bytes() == build(tmp_path / "b").read_bytes()


def test_sdist_holds_the_workspace_under_its_own_lock_file(unpacked: Path) -> None:
    command = ["cargo", "metadata", "--locked", "--format-version=1", "--no-deps"]
    told = subprocess.run(command, cwd=unpacked, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    # Resolving reads the lock file as a whole.
    command = ["cargo", "tree", "--locked", "--workspace", "--prefix=none"]
    told = subprocess.run(command, cwd=unpacked, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr


def test_sdist_holds_how_cargo_is_to_build(unpacked: Path) -> None:
    # Without it SQLite waits for more than the data at each commit.
    config = Path(".cargo/config.toml")
    assert (unpacked / config).read_bytes() == (CHECKOUT / config).read_bytes()


def test_sdist_holds_what_git_knows_of_its_folders(unpacked: Path) -> None:
    tops = {path.name for path in unpacked.iterdir()}
    known = {source.path for source in read_tree(CHECKOUT) if source.path.split("/")[0] in tops - {"bench"}}
    missing = {path for path in known if not (unpacked / path).is_file()}
    assert not missing
    assert (unpacked / "PKG-INFO").read_text().startswith("Metadata-Version: ")
