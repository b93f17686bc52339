"""The console commands: all of them run the one command line of the native half."""

from __future__ import annotations

import sys

from orochi._native import run

__all__ = ["main", "serve_main"]


def main() -> int:
    """`orochi` and `scitex-orochi`."""
    return run(["orochi", *sys.argv[1:]])


def serve_main() -> int:
    """`orochi-server` and `python -m orochi.server`: starts a hub."""
    return run(["orochi", "serve", *sys.argv[1:]])
