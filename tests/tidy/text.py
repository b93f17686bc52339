"""Module heads, leftovers, and texts that do not belong into the project."""

from __future__ import annotations

import ast
import re

from tests.tidy.tree import Fault, Source

__all__ = ["check_heads", "check_leftovers", "check_widths"]

# Written in pieces, so that this file does not match itself.
_LEFT = [rf"\b{word}!\(" for word in ("todo", "unimplemented", "dbg")] + [r"#\[ignore", r"\bFIX" + "ME", r"\bXX" + "X"]
_LEFTOVER = re.compile("|".join(_LEFT))
# Giving way to the other tasks, with 0, is no wait.
_SLEEP = re.compile(r"(?<!def )\bsleep(?:_until|_ms)?\((?!0\))")
_MACHINE = re.compile(r"(?<![\w.:/])/(?:root|work|home)/[a-z]")
# The source of packages is the user's affair: the project only names packages.
_INDEX = re.compile(
    "|".join(["index[-_]" + "url", "files.python" + "hosted", "registry.npm" + "js", "replace-" + "with"])
)
_LOCK_SOURCE = re.compile(r'^source = "(?!registry\+https://github\.com/rust-lang/crates\.io-index")')
_WIDTH_MAX = 120
_CODE = {".rs", ".py", ".js", ".css", ".toml", ".md", ".yml", ".html", ""}


def check_heads(sources: list[Source]) -> list[Fault]:
    """Finds modules without a head that says their purpose."""
    faults = []
    for source in sources:
        first = next((line for line in source.lines if line.strip()), "")
        if source.suffix == ".rs" and not first.startswith("//!"):
            faults.append(Fault(source.path, "has no //! head", "say what it is for and what it owns"))
        if source.suffix == ".py" and source.lines and ast.get_docstring(ast.parse("\n".join(source.lines))) is None:
            faults.append(Fault(source.path, "has no docstring", "say what it is for and what it owns"))
        if source.suffix == ".js" and not first.startswith(("//", "/*")):
            faults.append(Fault(source.path, "has no comment at its head", "say what it is for and what it owns"))
    return faults


def check_leftovers(sources: list[Source]) -> list[Fault]:
    """Finds leftovers, sleeps in tests, and paths of one machine."""
    faults = []
    for source in sources:
        if source.path == "Cargo.lock":
            for number, line in enumerate(source.lines, 1):
                if _LOCK_SOURCE.search(line):
                    remedy = "depend on a published crate from crates.io"
                    faults.append(Fault(f"Cargo.lock:{number}", f"another registry, {line}", remedy))
        if source.suffix not in _CODE:
            continue
        is_test = "/tests/" in f"/{source.path}"
        for number, line in enumerate(source.lines, 1):
            # From here on a Rust file holds its own tests.
            is_test = is_test or (source.suffix == ".rs" and line.startswith("mod tests {"))
            place = f"{source.path}:{number}"
            if _LEFTOVER.search(line):
                faults.append(Fault(place, "a leftover", "finish it or take it out"))
            if is_test and source.suffix in {".rs", ".py"} and _SLEEP.search(line):
                faults.append(Fault(place, "sleeps", "wait for the event, with a deadline"))
            if _INDEX.search(line):
                faults.append(Fault(place, "a package index", "name the package only"))
            if _MACHINE.search(line):
                faults.append(Fault(place, "a path of one machine", "the project speaks only of itself"))
    return faults


def check_widths(sources: list[Source]) -> list[Fault]:
    """Finds lines that are too long in files without a formatter: the page's files, and comments in Rust."""
    faults = []
    for source in sources:
        for number, line in enumerate(source.lines, 1):
            is_held = source.suffix in {".js", ".css"} or (source.suffix == ".rs" and line.lstrip().startswith("//"))
            if is_held and len(line) > _WIDTH_MAX:
                faults.append(Fault(f"{source.path}:{number}", f"{len(line)} characters", f"at most {_WIDTH_MAX}"))
    return faults
