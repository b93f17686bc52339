"""The source package holds every file that the code is compiled with."""

from __future__ import annotations

import ast
import posixpath
import re

from tests.tidy.tree import Fault, Source

__all__ = ["check"]

BACKEND = "packaging/orochi_build.py"

_INCLUDED = re.compile(r'\binclude_(?:str|bytes)!\(\s*"([^"]+)"')


def check(sources: list[Source]) -> list[Fault]:
    """Files that a crate includes and the source package lacks."""
    backend = next((source for source in sources if source.path == BACKEND), None)
    found = re.search(r"^SOURCES = (\(.*?^\))", "\n".join(backend.lines) if backend else "", re.MULTILINE | re.DOTALL)
    if found is None:
        return [Fault(BACKEND, "has no SOURCES", "the check reads from it what is packed")]
    packed: tuple[str, ...] = ast.literal_eval(found[1])
    faults = []
    for source in sources:
        # A benchmark is no part of the package.
        if source.suffix != ".rs" or not re.match(r"(rust/\w+|python)/src/", source.path):
            continue
        for found in _INCLUDED.finditer("\n".join(source.lines)):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(source.path), found[1]))
            if not any(path == top or path.startswith(f"{top}/") for top in packed):
                remedy = f"name it in SOURCES of {BACKEND}"
                faults.append(Fault(source.path, f"includes {path}, which the source package lacks", remedy))
    return faults
