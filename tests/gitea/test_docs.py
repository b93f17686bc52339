"""docs/gitea.md names a test for each line of its tables, and each that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "gitea.md").read_text(encoding="utf-8")
# A test, or the beginning of its name; where the text goes on with " in `file`", the file too.
NAMED = re.compile(r"`(test_\w+)(…?)`(?:\s+in\s+`([\w/]+\.py)`)?")
FILE = re.compile(r"`((?:[\w.-]+/)*test_\w+\.(?:py|rs))`")


def defined(text: str) -> set[str]:
    """The tests in a file."""
    return set(re.findall(r"^\s*(?:async )?(?:def|fn) (test_\w+|\w+)\(", text, re.MULTILINE))


def named_by_file() -> dict[str, set[str]]:
    """The names in each Python file of tests, by its path."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return {str(file.relative_to(ROOT)): defined(file.read_text(encoding="utf-8")) for file in files}


def faults(text: str) -> list[str]:
    """Tests that the text names and that do not exist."""
    tests = named_by_file()
    found = []
    for name, goes_on, file in NAMED.findall(text):
        there = [names for path, names in tests.items() if not file or path.endswith(f"/{file}")]
        if not any(one == name or (goes_on and one.startswith(name)) for names in there for one in names):
            found.append(f"{name}{goes_on} in {file or 'any file'}")
    return found + [
        file for file in FILE.findall(text) if not any(path.endswith(f"/{file}") for path in ["/" + p for p in tests])
    ]


def rows_without_a_test(text: str) -> list[str]:
    """Lines of a table with a column for tests that have none."""
    found, has_tests, last = [], False, ""
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not cells:
            has_tests, last = False, ""
        elif not has_tests:
            has_tests = cells[-1].startswith("test")
        elif "test_" in cells[-1] or (cells[-1].startswith("the same") and last):
            last = cells[-1]
        elif not cells[-1] or set(cells[-1]) != {"-"}:
            found.append(line)
    return found


def test_docs_name_tests_that_are_there():
    assert len(NAMED.findall(TEXT)) > 30
    assert faults(TEXT) == []


def test_docs_name_a_test_for_each_line_of_their_tables():
    assert rows_without_a_test(TEXT) == []


def test_docs_that_name_what_is_not_there_are_found():
    text = "`test_nothing_like_it`, `test_docs_…` in `test_calls.py`, `test_docs_…`, `tests/gitea/test_gone.py`"
    assert faults(text) == [
        "test_nothing_like_it in any file",
        "test_docs_… in test_calls.py",
        "tests/gitea/test_gone.py",
    ]
    table = "| event | test |\n|---|---|\n| a | `test_a` |\n| b | the same |\n| c | |\n| d | yes |\n"
    assert rows_without_a_test(table) == ["| c | |", "| d | yes |"]
