"""A coding agent's session, as a process of its own: hooks and the resident find each other by it.

It reads one JSON command a line from stdin and answers with one line. What comes to its inbox socket is told as it
comes, under `wake`. It knows no client's dialect: `kit` reads the files that `orochi init` wrote, and checks outputs.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

_SAYING = threading.Lock()


def say(what: dict[str, Any]) -> None:
    """One line to the test."""
    with _SAYING:
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


class Session:
    """The session's processes."""

    def __init__(self, folder: str, inbox: str | None) -> None:
        self.folder = folder
        self.env = dict(os.environ)
        self.resident: subprocess.Popen[str] | None = None
        if inbox is not None:
            self.env["CLAUDE_CODE_MESSAGING_SOCKET"] = inbox
            self.env["CLAUDE_CODE_MESSAGING_TOKEN"] = "inbox-token"
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(inbox)
            listener.listen()
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            # Both clocks: this one is the hub's, too.
            at, wall = time.monotonic(), time.time()
            with connection, connection.makefile() as lines:
                frames = [json.loads(line) for line in lines]
            say({"wake": frames, "at": at, "wall": wall})

    def start(self, command: list[str], info: str) -> dict[str, Any]:
        """Spawns the resident and introduces itself, as an SDK does."""
        self.resident = subprocess.Popen(
            command, env=self.env, cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        introduced = self.request(
            "initialize",
            {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": info, "version": "1"}},
        )
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return introduced

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """One request to the resident, and its result."""
        assert self.resident is not None
        assert self.resident.stdout is not None
        self._write({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
        while True:
            line = self.resident.stdout.readline()
            if not line:
                return {"ended": True}
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == 7:
                return answer

    def _write(self, message: dict[str, Any]) -> None:
        assert self.resident is not None
        assert self.resident.stdin is not None
        self.resident.stdin.write(json.dumps(message) + "\n")
        self.resident.stdin.flush()

    def hook(self, command: str, text: str, kill_after: float | None) -> dict[str, Any]:
        """Runs a hook as clients do, through a shell; `kill_after` ends it after so many seconds."""
        began = time.monotonic()
        process = subprocess.Popen(
            ["sh", "-c", f"exec {command}"],
            env=self.env,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if kill_after is not None:
            threading.Timer(kill_after, process.kill).start()
        out, err = process.communicate(text)
        seconds = time.monotonic() - began
        return {"code": process.returncode, "out": out, "err": err, "seconds": seconds}

    def do(self, asked: dict[str, Any]) -> dict[str, Any]:
        """One command of the test."""
        match asked["do"]:
            case "start":
                return self.start(asked["command"], asked["info"])
            case "request":
                return self.request(asked["method"], asked["params"])
            case "hook":
                return self.hook(asked["command"], asked["text"], asked.get("kill_after"))
            case "kill":
                assert self.resident is not None
                self.resident.kill()
                self.resident.wait()
                return {}
            case "is_running":
                return {"running": self.resident is not None and self.resident.poll() is None}
            case "pid":
                assert self.resident is not None
                return {"pid": self.resident.pid}
            case "end":
                assert self.resident is not None
                assert self.resident.stdin is not None
                self.resident.stdin.close()
                return {"code": self.resident.wait()}
            case other:
                raise AssertionError(other)


def main() -> None:
    """Runs until stdin ends."""
    folder, inbox = sys.argv[1], sys.argv[2]
    session = Session(folder, inbox or None)
    for line in sys.stdin:
        say({"answer": session.do(json.loads(line))})
    if session.resident is not None:
        session.resident.kill()
        session.resident.wait()
    if inbox:
        Path(inbox).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
