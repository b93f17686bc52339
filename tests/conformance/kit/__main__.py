"""Runs the kit: `python -m tests.conformance.kit node client.js` prints a line a step; 1 where one failed."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from tests.conformance.kit.stage import stage
from tests.conformance.kit.steps import STEPS, Check


async def failure(command: Sequence[str], check: Check) -> str | None:
    """What a step found; None where the program passed it."""
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
        try:
            async with stage(command, Path(folder)) as built:
                await check(built)
        except AssertionError as error:
            return str(error) or "it did not do what the step says"
    return None


def main(command: Sequence[str]) -> int:
    """Runs all steps."""
    if not command:
        print("usage: python -m tests.conformance.kit PROGRAM [ARGUMENT ...]", file=sys.stderr)
        return 2
    failed = 0
    for name, check in STEPS:
        found = asyncio.run(failure(command, check))
        failed += found is not None
        print(f"{'ok    ' if found is None else 'FAILED'} {name}: {found or (check.__doc__ or '').strip()}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
