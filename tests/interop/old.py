"""scitex-orochi 0.1.0 in a virtual environment of its own: its command line, and scripts that import its client."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Any

from tests.python.hub import DEADLINE, Hub, clean_environment

__all__ = ["HOST_NAME", "SCRIPTS", "Old", "end", "line", "python"]

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "scripts"
# 0.1.0's name for an agent without a name.
HOST_NAME = socket.gethostname()


def python() -> Path:
    """The interpreter that has scitex-orochi 0.1.0; `make test-python` makes it."""
    path = Path(os.environ.get("OROCHI_OLD_PYTHON") or ROOT / "target/old-venv/bin/python")
    assert path.exists(), f"{path} is missing: `make test-python` makes it, or OROCHI_OLD_PYTHON names another"
    return path


class Old:
    """0.1.0's programs, told where `hub` is as its users tell it: by variables."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self._env = {"OROCHI_PORT": str(hub.port), "PYTHONUNBUFFERED": "1"}
        if hub.token:
            self._env["OROCHI_TOKEN"] = hub.token
        # Not the checkout: its folders have the names of 0.1.0's packages.
        self._folder = folder

    async def start(self, *args: str, **env: str) -> asyncio.subprocess.Process:
        """Starts its command line."""
        return await self._start(str(python().with_name("scitex-orochi")), *args, env=env)

    async def run(self, *args: str, **env: str) -> tuple[int, str, str]:
        """Runs its command line to the end: exit code, stdout, and stderr without its log of being connected."""
        code, out, err = await self._finish(await self.start(*args, **env))
        return code, out, "".join(line for line in err.splitlines(keepends=True) if " INFO Connected as " not in line)

    async def script(self, name: str, **env: str) -> Any:
        """Runs one of the scripts beside this file; the JSON that it prints."""
        process = await self._start(str(python()), str(SCRIPTS / name), env=env)
        code, out, err = await self._finish(process)
        assert code == 0, err
        return json.loads(out)

    async def _start(self, *command: str, env: dict[str, str]) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *command,
            env=clean_environment(self._env | env),
            cwd=self._folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def _finish(self, process: asyncio.subprocess.Process) -> tuple[int, str, str]:
        try:
            async with asyncio.timeout(DEADLINE):
                out, err = await process.communicate()
        finally:
            await end(process)
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()


async def end(process: asyncio.subprocess.Process) -> None:
    """Ends a process that may have ended."""
    if process.returncode is None:
        process.kill()
        await process.communicate()


async def line(stream: asyncio.StreamReader | None) -> str:
    """The next line that a process writes."""
    assert stream is not None
    async with asyncio.timeout(DEADLINE):
        return (await stream.readline()).decode().rstrip("\n")
