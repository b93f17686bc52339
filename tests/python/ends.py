"""Programs that end in every way a program can end, and interpreters to run them with."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orochi._native
from tests.python.hub import DEADLINE, Hub, clean_environment

__all__ = ["ENDS", "End", "interpreters", "package_folder", "run_end"]

_OLDEST = (3, 11)
# A program that a shell started in the background inherits that SIGINT is ignored.
_PREAMBLE = """\
import asyncio, os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from orochi import AuthenticationFailed, HubUnreachable, OrochiClient

def client(**options):
    return OrochiClient("ender", "127.0.0.1", int(os.environ["PORT"]), **options)
"""


@dataclass(frozen=True)
class End:
    """One way to end: the program, its exit code, and whether it waits for Ctrl-C."""

    program: str
    code: int
    stderr_has: str = ""
    is_interrupted: bool = False
    has_hub: bool = True
    has_wrong_token: bool = False


ENDS = {
    "normal": End(
        """\
async def main():
    async with client() as c:
        await c.send("#general", "hi")
asyncio.run(main())
""",
        0,
    ),
    "exception": End(
        """\
async def main():
    async with client() as c:
        await c.send("#general", "hi")
        raise ValueError("the program's own")
asyncio.run(main())
""",
        1,
        stderr_has="ValueError: the program's own",
    ),
    "sys_exit": End(
        """\
async def main():
    async with client() as c:
        await c.send("#general", "hi")
        sys.exit(7)
asyncio.run(main())
""",
        7,
    ),
    "refused_token": End(
        """\
async def main():
    try:
        await client(token="wrong").connect()
    except AuthenticationFailed:
        sys.exit(3)
asyncio.run(main())
""",
        3,
        has_wrong_token=True,
    ),
    "no_hub": End(
        """\
async def main():
    try:
        await client().connect()
    except HubUnreachable:
        sys.exit(4)
asyncio.run(main())
""",
        4,
        has_hub=False,
    ),
    "never_disconnected": End(
        """\
async def main():
    c = client()
    await c.connect()
    await c.send("#general", "hi")
    asyncio.ensure_future(c.send("#general", "on its way"))
    await asyncio.sleep(0)
asyncio.run(main())
""",
        0,
    ),
    "interrupted_listen": End(
        """\
async def main():
    async with client() as c:
        print("ready", flush=True)
        async for message in c.listen():
            pass
asyncio.run(main())
""",
        -signal.SIGINT,
        stderr_has="KeyboardInterrupt",
        is_interrupted=True,
    ),
    "interrupted_send": End(
        """\
async def main():
    async with client() as c:
        print("ready", flush=True)
        while True:
            await asyncio.gather(*[c.send("#general", "hi") for _ in range(16)])
asyncio.run(main())
""",
        -signal.SIGINT,
        stderr_has="KeyboardInterrupt",
        is_interrupted=True,
    ),
}


def run_end(end: End, python: str, package: Path, hub: Hub) -> str | None:
    """Runs the program once; a sentence on what was wrong with its end, or None."""
    # Port 9 is discard's: nobody listens there.
    port = hub.port if end.has_hub else 9
    # Without the loop's debug mode, which writes to stderr where the machine is slow.
    env = clean_environment({"PORT": f"{port}", "PYTHONPATH": f"{package}", "PYTHONASYNCIODEBUG": ""})
    program = subprocess.Popen(
        [python, "-c", _PREAMBLE + end.program],
        env=env,
        cwd=package,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        if end.is_interrupted and program.stdout is not None:
            program.stdout.readline()
            program.send_signal(signal.SIGINT)
        _, stderr = program.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        program.kill()
        return f"still running after {DEADLINE} s; stderr: {program.communicate()[1]}"
    if program.returncode != end.code:
        return f"exit code {program.returncode} in place of {end.code}; stderr: {stderr}"
    if end.stderr_has not in stderr or (not end.stderr_has and stderr):
        return f"stderr: {stderr!r}"
    return None


@functools.cache
def interpreters() -> dict[str, str]:
    """Every CPython from 3.11 on that is there: this one, those on the PATH, and pyenv's; by version."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = {f"{sys.version_info[0]}.{sys.version_info[1]}": sys.executable}
    named = [shutil.which(f"python3.{minor}") for minor in range(_OLDEST[1], 20)]
    for python in [*filter(None, named), *map(str, sorted(pyenv.glob("*/bin/python3")))]:
        version = _version(python)
        if version is not None:
            found.setdefault(version, python)
    return found


def _version(python: str) -> str | None:
    # A build without a GIL has another ABI; shims of pyenv may name a version that is not there.
    code = "import sys, sysconfig as s; print(*sys.version_info[:2], s.get_config_var('Py_GIL_DISABLED') or 0)"
    ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    words = ran.stdout.split()
    if ran.returncode or len(words) != 3 or words[2] != "0":
        return None
    version = (int(words[0]), int(words[1]))
    return f"{version[0]}.{version[1]}" if version >= _OLDEST else None


@contextmanager
def package_folder() -> Iterator[Path]:
    """A folder with the installed package and nothing else, for the path of any interpreter."""
    installed = Path(orochi._native.__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "orochi").symlink_to(installed)
        yield Path(folder)


def main(runs: int) -> int:
    """Counts the runs of each way to end that went wrong, on each interpreter."""
    bad = 0
    with tempfile.TemporaryDirectory() as folder, package_folder() as package:
        for name in ("open", "locked"):
            (Path(folder) / name).mkdir()
        with Hub(Path(folder) / "open") as hub, Hub(Path(folder) / "locked", token="right") as locked:
            for version, python in interpreters().items():
                for name, end in ENDS.items():
                    began = time.monotonic()
                    faults = [
                        run_end(end, python, package, locked if end.has_wrong_token else hub) for _ in range(runs)
                    ]
                    wrong = [fault for fault in faults if fault is not None]
                    bad += len(wrong)
                    print(
                        f"{version} {name}: {runs - len(wrong)} of {runs} ended well, {time.monotonic() - began:.0f} s"
                    )
                    print("".join(f"    {fault}\n" for fault in sorted(set(wrong))[:3]), end="", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
