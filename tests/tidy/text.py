"""Module heads, leftovers, and what the project does not speak of."""

from __future__ import annotations

import ast
import re

from tests.tidy.tree import Fault, Source

__all__ = ["check_heads", "check_leftovers"]

# Written apart, so that this file does not hold what it looks for.
_LEFT = [rf"\b{word}!\(" for word in ("todo", "unimplemented", "dbg")] + [r"#\[ignore", r"\bFIX" + "ME", r"\bXX" + "X"]
_LEFTOVER = re.compile("|".join(_LEFT))
_SLEEP = re.compile(r"\b(?:thread::sleep|time::sleep|time\.sleep|asyncio\.sleep)\((?!0\))")
_MACHINE = re.compile(r"(?<![\w.:/])/(?:root|work|home|farm)/[a-z]")
_CODE = {".rs", ".py", ".js", ".css", ".toml", ".md", ".yml", ".html", ""}


def check_heads(sources: list[Source]) -> list[Fault]:
    """Modules that do not say what they are for."""
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
    """What was meant to go before it was committed, sleeps in tests, and paths of one machine."""
    faults = []
    for source in sources:
        if source.suffix not in _CODE:
            continue
        is_test = "/tests/" in f"/{source.path}"
        for number, line in enumerate(source.lines, 1):
            place = f"{source.path}:{number}"
            if _LEFTOVER.search(line):
                faults.append(Fault(place, "a leftover", "finish it or take it out"))
            if is_test and source.suffix in {".rs", ".py"} and _SLEEP.search(line):
                faults.append(Fault(place, "sleeps", "wait for the event, with a deadline"))
            if _MACHINE.search(line):
                faults.append(Fault(place, "a path of one machine", "the project speaks only of itself"))
    return faults
