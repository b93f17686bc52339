"""`python -m orochi.server`: starts a hub, as `orochi serve` does, with the same flags and variables."""

from __future__ import annotations

from orochi._cli import run

__all__: list[str] = []

if __name__ == "__main__":
    run("serve")
