"""Ctrl-C in a terminal: every way to run the hub or a lasting command ends with its documented code, and quietly."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from contextlib import suppress
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
        # A pytest that a shell started in the background ignores it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
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


def interrupted_after(
    command: Sequence[str | Path], delay: float, folder: Path, env: dict[str, str]
) -> tuple[int, str]:
    """Sends Ctrl-C to all of the command `delay` seconds after it began; its exit code, and what it printed."""
    program = subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # A pytest that a shell started in the background ignores it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    # It may end before that.
    with suppress(subprocess.TimeoutExpired):
        program.wait(delay)
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGINT)
    printed, _ = program.communicate(timeout=DEADLINE)
    return program.returncode, printed


def delays(runs: int, most: float) -> list[float]:
    return [most * run / runs for run in range(runs)]


@pytest.mark.parametrize("module", ["orochi", "orochi.server"])
def test_interrupted_start_of_python_is_quiet(tmp_path: Path, module: str) -> None:
    command = [sys.executable, "-m", module, "--help"]
    began = time.monotonic()
    subprocess.run(command, env=clean_environment(), check=True, capture_output=True)
    ended = []
    for delay in delays(40, time.monotonic() - began):
        code, printed = interrupted_after(command, delay, tmp_path, clean_environment())
        # Output of Python before it reaches the package is Python's own.
        assert not re.search(r'File ".*/orochi/', printed), printed
        ended.append(code)
    # By the signal, as the native program is; 130 is the same where Python's own handler was still there.
    assert set(ended) <= {-signal.SIGINT, 130, 0, 1}, ended
    assert -signal.SIGINT in ended


def make_in(folder: Path, slow: str = "", venv: bool = True) -> tuple[list[str | Path], dict[str, str]]:
    """`make run` in a folder in which cargo and pip do nothing, and their environment; `slow` names one that does it
    for ever."""
    make = shutil.which("make")
    assert make is not None
    shutil.copy(CHECKOUT / "Makefile", folder)
    programs = folder / ".venv" / "bin"
    stubs = [folder / "cargo"]
    if venv:
        programs.mkdir(parents=True)
        stubs += [programs / "python", programs / "pip"]
        (programs / "orochi").symlink_to(OROCHI)
    for stub in stubs:
        # pip is Python, which prints a traceback at Ctrl-C.
        slowly = (
            "exec sleep 60" if stub.name == "cargo" else f"exec {sys.executable} -c 'import signal; signal.pause()'"
        )
        stub.write_text(f"#!/bin/sh\n{slowly if stub.name == slow else ''}\n")
        stub.chmod(0o755)
    env = {"OROCHI_PORT": "0", "OROCHI_DASHBOARD_PORT": "0", "OROCHI_DB": str(folder / "orochi.db")}
    return [make, "run"], clean_environment({**env, "PATH": f"{folder}:{os.environ['PATH']}"})


def test_interrupted_make_run_is_quiet_whenever(tmp_path: Path) -> None:
    for run, delay in enumerate(delays(20, 1.5)):
        folder = tmp_path / str(run)
        folder.mkdir()
        # While it looks for programs and makes the real environment.
        command, env = make_in(folder, "cargo", venv=False)
        code, printed = interrupted_after(command, delay, folder, env)
        assert code == -signal.SIGINT, printed
        assert said_nothing_odd(printed), printed


@pytest.mark.parametrize(
    ("slow", "ready"), [("cargo", "1 of 2"), ("python", "2 of 2"), ("", "Ctrl-C or SIGTERM")], ids=lambda word: word
)
def test_interrupted_make_run_is_quiet(tmp_path: Path, slow: str, ready: str) -> None:
    command, env = make_in(tmp_path, slow)
    code, printed = interrupted(command, ready, tmp_path, env)
    # make itself ends by the signal, which shells report as 130.
    assert code == -signal.SIGINT, printed
    assert said_nothing_odd(printed), printed
    if not slow:
        assert f"  {tmp_path}/.venv/bin/orochi listen general" in printed.replace("\r", "").splitlines()


def test_make_run_says_why_it_failed(tmp_path: Path) -> None:
    command, env = make_in(tmp_path)
    (tmp_path / ".venv" / "bin" / "python").write_text("#!/bin/sh\necho 'ERROR: no space left' >&2\nexit 1\n")
    ran = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "ERROR: no space left" in ran.stderr
