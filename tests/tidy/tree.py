"""The files that the checks read."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Fault", "Source", "read_tree"]


@dataclass(frozen=True)
class Source:
    """One tracked text file: its path within the tree, with slashes, and its lines."""

    path: str
    lines: tuple[str, ...]

    @property
    def suffix(self) -> str:
        """The file name's end, with its dot."""
        return Path(self.path).suffix


@dataclass(frozen=True)
class Fault:
    """A finding of a check: the place, the fault, and the remedy."""

    place: str
    fault: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.fault}; {self.remedy}"


def read_tree(root: Path) -> list[Source]:
    """Every file that git tracks, or would, below `root`; binary files are left out."""
    # A checkout may belong to somebody else than who runs the tests.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout
    sources = []
    for name in sorted({name for name in listed.decode().split("\0") if name}):
        path = root / name
        if not path.is_file():
            continue
        data = path.read_bytes()
        if b"\0" not in data:
            sources.append(Source(name, tuple(data.decode(errors="replace").splitlines())))
    return sources
