"""The source package holds every file that the code is compiled with."""

from __future__ import annotations

import posixpath
import re
import tomllib
from fnmatch import fnmatch

from tests.tidy.tree import Fault, Source

__all__ = ["check"]

_INCLUDED = re.compile(r'\binclude_(?:str|bytes)!\(\s*"([^"]+)"')


def check(sources: list[Source]) -> list[Fault]:
    """Files outside the crates that a crate includes, and maturin is not told to pack."""
    manifest = next((source for source in sources if source.path == "pyproject.toml"), None)
    if manifest is None:
        return [Fault("pyproject.toml", "is missing", "the check reads from it what is packed")]
    packed = [
        row if isinstance(row, str) else row["path"]
        for row in tomllib.loads("\n".join(manifest.lines))["tool"]["maturin"].get("include", [])
        if isinstance(row, str) or "sdist" in row["format"]
    ]
    faults = []
    for source in sources:
        # Cargo packs each crate's own folder; a benchmark is no part of the package.
        crate = re.match(r"(rust/\w+|python)/src/", source.path)
        if source.suffix != ".rs" or crate is None:
            continue
        for found in _INCLUDED.finditer("\n".join(source.lines)):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(source.path), found[1]))
            if not path.startswith(f"{crate[1]}/") and not any(_matches(path, pattern) for pattern in packed):
                remedy = "name it in [tool.maturin] include of pyproject.toml"
                faults.append(Fault(source.path, f"includes {path}, which the source package lacks", remedy))
    return faults


def _matches(path: str, pattern: str) -> bool:
    # `**/` stands for any number of folders, none included.
    return fnmatch(path, pattern) or fnmatch(path, pattern.replace("**/", ""))
