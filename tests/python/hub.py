"""A real hub in a process of its own, that tests can kill and start again."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from orochi import OrochiClient

__all__ = ["DEADLINE", "Hub", "clean_environment", "orochi_command"]

# The longest wait of a test for an event, enough for a busy machine.
DEADLINE = 30.0


def clean_environment(more: Mapping[str, str] = {}) -> dict[str, str]:
    """The environment without a setting of the project, and then `more`."""
    kept = {name: value for name, value in os.environ.items() if "OROCHI" not in name and "GITEA" not in name}
    return {**kept, **more}


def orochi_command() -> list[str]:
    """The command line: the installed package's, or the binary that OROCHI_TEST_BINARY names."""
    binary = os.environ.get("OROCHI_TEST_BINARY")
    return [binary] if binary else [sys.executable, "-m", "orochi"]


class Hub:
    """One hub: its process, its log in `folder`, and its ports, which stay the same over restarts."""

    def __init__(self, folder: Path, *, token: str = "", env: Mapping[str, str] = {}) -> None:
        self.token = token
        self.db = folder / "orochi.db"
        self.stderr: list[str] = []
        self._env = clean_environment({"OROCHI_TOKEN": token, **env})
        self._ports = (0, 0)
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> Hub:
        """Starts it, and returns when it answers."""
        assert self._process is None
        agents, dashboard = self._ports
        flags = ["--port", str(agents), "--dashboard-port", str(dashboard), "--db", str(self.db)]
        self._process = subprocess.Popen(
            [*orochi_command(), "serve", *flags], env=self._env, cwd=self.db.parent, stderr=subprocess.PIPE, text=True
        )
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, args=(self._process, lines), daemon=True)
        self._reader.start()
        said: dict[str, str] = {}
        # The block that it prints when it is ready ends with how to stop it.
        while "stop" not in said:
            line = lines.get(timeout=DEADLINE)
            if line is None:
                self.kill()
                raise AssertionError("the hub did not start:\n" + "".join(self.stderr))
            what, _, value = line.strip().partition(" ")
            said[what] = value.strip()
        self._ports = (urlsplit(said["agents"]).port or 0, urlsplit(said["dashboard"]).port or 0)
        return self

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Stops it in order; its exit code."""
        return self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Starts it again on the same log and the same ports."""
        if self._process is not None:
            self.stop()
        self.start()

    def use_token(self, token: str) -> None:
        """Sets the token from its next start on."""
        self.token = token
        self._env["OROCHI_TOKEN"] = token

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def port(self) -> int:
        """The port for agents."""
        return self._ports[0]

    @property
    def dashboard_port(self) -> int:
        """The port for people."""
        return self._ports[1]

    def client(self, name: str, **options: Any) -> OrochiClient:
        """A client of this hub, not connected yet."""
        options.setdefault("token", self.token or None)
        return OrochiClient(name, "127.0.0.1", self.port, **options)

    def __enter__(self) -> Hub:
        return self.start()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()
        # pytest shows this where the test failed.
        print("the hub's stderr:\n" + "".join(self.stderr))

    def _end(self, by: signal.Signals) -> int:
        process, reader = self._process, self._reader
        assert process is not None
        assert reader is not None
        self._process = self._reader = None
        process.send_signal(by)
        try:
            return process.wait(DEADLINE)
        finally:
            process.kill()
            reader.join(DEADLINE)
            if process.stderr is not None:
                process.stderr.close()

    def _read(self, process: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
        for line in process.stderr or ():
            self.stderr.append(line)
            lines.put(line)
        lines.put(None)
