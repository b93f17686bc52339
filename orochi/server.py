"""`python -m orochi.server`: starts a hub, as `orochi serve` does, with the same flags and variables."""

from __future__ import annotations

import sys

from orochi._cli import serve_main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(serve_main())
