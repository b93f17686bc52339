"""`python -m orochi`: the command line."""

from __future__ import annotations

from orochi._cli import run

__all__: list[str] = []

if __name__ == "__main__":
    run()
