"""Ctrl-C in a terminal: whatever runs the hub or a command that stays ends with its documented code, and quietly."""

from __future__ import annotations

import os
import pty
import select
import shutil
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.python.hub import DEADLINE, Hub, clean_environment

CHECKOUT = Path(__file__).parents[2]
OROCHI = Path(sysconfig.get_path("scripts"), "orochi")
CTRL_C = b"\x03"


def interrupted(command: Sequence[str | Path], ready: str, folder: Path, env: dict[str, str]) -> tuple[int, str]:
    """Types Ctrl-C once the command has printed `ready`; its exit code, or its signal below 0, and all it printed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execve(command[0], [str(word) for word in command], env)
    printed, typed, deadline = b"", False, time.monotonic() + DEADLINE
    try:
        while select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            try:
                more = os.read(terminal, 65536)
            except OSError:  # Linux says so at the end of a terminal.
                more = b""
            if not more:
                break
            printed += more
            if not typed and ready.encode() in printed:
                typed = os.write(terminal, CTRL_C) == 1
        else:
            os.kill(pid, 9)
    finally:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(terminal)
    return code, printed.decode()


def said_nothing_odd(printed: str) -> bool:
    return not any(odd in printed for odd in ("Traceback", "KeyboardInterrupt", "panicked", "***", "Error"))


@pytest.mark.parametrize(
    "command",
    [[OROCHI, "serve"], [OROCHI.with_name("orochi-server")], [sys.executable, "-m", "orochi.server"]],
    ids=["orochi serve", "orochi-server", "python -m orochi.server"],
)
def test_interrupted_hub_ends_well(tmp_path: Path, command: list[str | Path]) -> None:
    flags = ["--port=0", "--dashboard-port=0", f"--db={tmp_path}/orochi.db"]
    code, printed = interrupted([*command, *flags], "Ctrl-C or SIGTERM", tmp_path, clean_environment())
    assert code == 0, printed
    assert said_nothing_odd(printed), printed


@pytest.mark.parametrize("program", [[OROCHI], [sys.executable, "-m", "orochi"]], ids=["orochi", "python -m orochi"])
@pytest.mark.parametrize("words", ["listen", "login"])
def test_interrupted_listener_ends_well(hub: Hub, tmp_path: Path, program: list[str | Path], words: str) -> None:
    command = [*program, words, "--port", str(hub.port)]
    code, printed = interrupted(command, "Ctrl+C", tmp_path, clean_environment())
    assert code == 0, printed
    assert said_nothing_odd(printed), printed


@pytest.mark.parametrize("when", ["while it builds", "while it installs", "while the hub runs"])
def test_interrupted_make_run_is_quiet(tmp_path: Path, when: str) -> None:
    make = shutil.which("make")
    assert make is not None
    shutil.copy(CHECKOUT / "Makefile", tmp_path)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    # Stand for the minutes that cargo and pip take.
    for program, its_time in [(tmp_path / "cargo", "while it builds"), (programs / "python", "while it installs")]:
        program.write_text("#!/bin/sh\n" + ("echo at work; exec sleep 60\n" if when == its_time else "exit 0\n"))
        program.chmod(0o755)
    (programs / "orochi").symlink_to(OROCHI)
    env = {"OROCHI_PORT": "0", "OROCHI_DASHBOARD_PORT": "0", "OROCHI_DB": str(tmp_path / "orochi.db")}
    env["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
    ready = "Ctrl-C or SIGTERM" if when == "while the hub runs" else "at work"
    code, printed = interrupted([make, "run"], ready, tmp_path, clean_environment(env))
    if when == "while the hub runs":
        assert f"  {programs}/orochi listen general" in printed.replace("\r", "").splitlines()
    # make itself ends by the signal, which shells report as 130.
    assert code == -2, printed
    assert said_nothing_odd(printed), printed
