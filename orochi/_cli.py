"""The native command line, which is installed with this package: where it is, and how it takes this process's place."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import NoReturn

__all__ = ["run"]


def run(*arguments: str) -> NoReturn:
    """Goes on as `orochi` with these arguments and then those of this process."""
    program = next((path for path in _places() if os.access(path, os.X_OK)), None)
    if program is None:
        sys.exit("Error: the program 'orochi' is missing from this installation; install scitex-orochi again")
    os.execv(program, ["orochi", *arguments, *sys.argv[1:]])


def _places() -> Iterator[Path]:
    """Paths at which the program may be, the likeliest first."""
    try:
        installed = files("scitex-orochi") or []
    except PackageNotFoundError:
        installed = []
    yield from (Path(str(path.locate())).resolve() for path in installed if path.name == "orochi")
    yield Path(sysconfig.get_path("scripts"), "orochi")
    # `pip install --target` puts it beside the packages and records another place.
    yield Path(__file__).parents[1] / "bin" / "orochi"
