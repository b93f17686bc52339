"""Runs the kit: `python -m tests.conformance.kit node client.js` prints a line a step; 1 where one failed."""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

from tests.conformance.kit.stage import stage
from tests.conformance.kit.steps import STEPS, Check

# Most of a step is waiting, so some run at the same time.
AT_ONCE = 4
USAGE = "usage: python -m tests.conformance.kit [--step NAME] PROGRAM [ARGUMENT ...]"


async def failure(command: Sequence[str], check: Check) -> str | None:
    """Runs one step. Returns its failure, with the last frames; None if the program passed."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            async with stage(command, Path(folder)) as built:
                try:
                    await check(built)
                except AssertionError as error:
                    return "\n         ".join([str(error), *built.proxy.last_frames()])
        except (AssertionError, OSError) as error:
            return str(error)
    return None


async def failures(command: Sequence[str], checks: Sequence[Check]) -> list[str | None]:
    """Runs the steps. Returns the failure of each."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(check: Check) -> str | None:
        async with room:
            return await failure(command, check)

    return list(await asyncio.gather(*(one(check) for check in checks)))


def main(arguments: Sequence[str]) -> int:
    """Runs all steps, or those whose names begin with the value of `--step`."""
    only, command = "", list(arguments)
    if command[:1] == ["--step"]:
        only, command = (command[1:2] or [""])[0], command[2:]
    steps = [(name, check) for name, check in STEPS if name.startswith(only)]
    if not command or not steps:
        print(USAGE, file=sys.stderr)
        print("steps: " + ", ".join(name for name, _ in STEPS), file=sys.stderr)
        return 2
    # The hubs' logs are shown only if a step failed.
    with redirect_stdout(io.StringIO()) as logs:
        found = asyncio.run(failures(command, [check for _, check in steps]))
    if any(found):
        print(logs.getvalue(), file=sys.stderr)
    for (name, check), fault in zip(steps, found, strict=True):
        print(f"{'FAILED' if fault else 'ok    '} {name}: {fault or (check.__doc__ or '').strip()}", flush=True)
    return 1 if any(found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
