"""A machine with a hub and coding agents on it: a home of its own, and the fakes of the clients."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import tomllib
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

__all__ = ["DEADLINE", "KINDS", "Fake", "Hub", "Machine", "until"]

_T = TypeVar("_T")

# The longest wait of a test for an event, enough for a busy machine.
DEADLINE = 30.0

# A client of each kind: its word for `init`, and MCP's clientInfo.
KINDS = {
    "claude-code": "claude-code",
    "codex": "codex-mcp-client",
    "cursor": "cursor-vscode",
    "gemini": "gemini-cli-mcp-client",
    "opencode": "opencode",
}

# The `claude` and `codex` commands that `init` calls keep servers where the real ones do.
_CLAUDE = """#!/bin/sh
exec {python} - "$@" <<'END'
import json, os, sys
path = os.path.expanduser("~/.claude.json")
if sys.argv[1:] == ["--version"]:
    print("2.1.295 (Claude Code)"); sys.exit()
servers = json.load(open(path)) if os.path.exists(path) else {{"mcpServers": {{}}}}
match sys.argv[1:]:
    case ["mcp", "add-json", "--scope", "user", name, entry]:
        if name in servers["mcpServers"]:
            sys.exit("already exists")
        servers["mcpServers"][name] = json.loads(entry)
    case ["mcp", "remove", "--scope", "user", name]:
        if servers["mcpServers"].pop(name, None) is None:
            sys.exit("no such server")
    case other:
        sys.exit(f"unknown: {{other}}")
json.dump(servers, open(path, "w"))
END
"""

# Codex's command, as far as its documentation tells: an argument that it does not know is an error.
_CODEX = """#!/bin/sh
exec {python} - "$@" <<'END'
import json, os, sys
folder = os.path.expanduser("~/.codex")
config = os.path.join(folder, "config.toml")
match sys.argv[1:]:
    case ["--version"]:
        print("codex-cli 0.156.0")
    case ["mcp", "add", name, "--", command, *args]:
        os.makedirs(folder, exist_ok=True)
        with open(config, "a") as file:
            file.write(f"[mcp_servers.{{name}}]\\ncommand = {{json.dumps(command)}}\\nargs = {{json.dumps(args)}}\\n")
    case ["queue", "--thread", thread, text] if text.startswith("--message="):
        with open(os.path.join(folder, "queue.jsonl"), "a") as file:
            file.write(json.dumps({{"thread": thread, "message": text.removeprefix("--message=")}}) + "\\n")
    case other:
        sys.exit(f"error: unexpected argument found: {{other}}")
END
"""
_OPENCODE = """#!/bin/sh
test "$*" = --version && echo {version}
"""


def program() -> str:
    """The command line: the installed package's, or the binary that OROCHI_TEST_BINARY names."""
    return os.environ.get("OROCHI_TEST_BINARY") or str(Path(sys.executable).parent / "orochi")


def until(look: Callable[[], _T | None]) -> _T:
    """Polls until there is a result."""
    pause = threading.Event()
    for _ in range(int(DEADLINE / 0.05)):
        found = look()
        if found:
            return found
        pause.wait(0.05)
    raise AssertionError("it did not happen in time")


class Hub:
    """A hub in a process of its own."""

    def __init__(self, folder: Path, token: str) -> None:
        self.folder, self.token, self.ports = folder, token, (0, 0)
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> Hub:
        """Starts it, on the same ports as before."""
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        flags = [
            "--port",
            str(self.ports[0]),
            "--dashboard-port",
            str(self.ports[1]),
            "--db",
            str(self.folder / "o.db"),
        ]
        env = {**_clean(), "OROCHI_TOKEN": self.token}
        self.process = subprocess.Popen([program(), "serve", *flags], env=env, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        said: dict[str, str] = {}
        while "stop" not in said:
            line = self.process.stderr.readline()
            assert line, "the hub did not start"
            what, _, value = line.strip().partition(" ")
            said[what] = value.strip()
        self._drain = threading.Thread(target=self.process.stderr.read, daemon=True)
        self._drain.start()
        self.ports = (urlsplit(said["agents"]).port or 0, urlsplit(said["dashboard"]).port or 0)
        return self

    def kill(self) -> None:
        """Ends it as a power cut would."""
        assert self.process is not None
        assert self.process.stderr is not None
        self.process.kill()
        self.process.wait()
        self._drain.join()
        self.process.stderr.close()

    @property
    def url(self) -> str:
        """Its address for programs: the dashboard's, which people know."""
        return f"http://127.0.0.1:{self.ports[1]}"

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """A request to its API."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return json.load(answer)

    def post(self, channel: str, content: str, sender: str = "alice", intent: str | None = None) -> int:
        """Posts a message. Returns its seq."""
        body: dict[str, Any] = {"channel": channel, "content": content, "sender": sender}
        if intent:
            body["metadata"] = {"intent": intent}
        seq: int = self.ask("/api/messages", body)["seq"]
        return seq

    def receipt(self, seq: int, agent: str, asker: str = "alice") -> str:
        """Returns a message's receipt for an agent."""
        found: str = self.ask(f"/api/messages/{seq}/receipts?agent={asker}")["agents"].get(agent, "none")
        return found

    def row(self, agent: str) -> dict[str, Any] | None:
        """An agent's row, where it is online."""
        return next((row for row in self.ask("/api/agents") if row["name"] == agent), None)


def _clean() -> dict[str, str]:
    kept = ("OROCHI", "CLAUDE", "CODEX", "XDG", "GITEA")
    return {name: value for name, value in os.environ.items() if not any(word in name for word in kept)}


class Machine:
    """A user's home, with the clients' programs on its path."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.hub, self.home, self.project = hub, folder / "home", folder / "api"
        for made in (self.home / "bin", self.project / ".git", folder / "run"):
            made.mkdir(parents=True)
        self._install("claude", _CLAUDE.format(python=sys.executable))
        self.env = {
            **_clean(),
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "PATH": f"{self.home / 'bin'}:/usr/bin:/bin",
        }
        self.sessions: list[Fake] = []

    def install_codex(self) -> Path:
        """Puts `codex` on the path. Returns the file of the queued prompts."""
        self._install("codex", _CODEX.format(python=sys.executable))
        return self.home / ".codex" / "queue.jsonl"

    def install_opencode(self, version: str) -> None:
        """Puts `opencode` on the path."""
        self._install("opencode", _OPENCODE.format(version=version))

    def _install(self, name: str, script: str) -> None:
        path = self.home / "bin" / name
        path.write_text(script)
        path.chmod(0o755)

    def run(self, *args: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of ours in the project."""
        return subprocess.run(
            [program(), *args],
            env={**self.env, **env},
            cwd=self.project,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=DEADLINE * 2,
            check=False,
        )

    def init(self, client: str, *more: str) -> str:
        """Sets a client up, as a user does. Returns the output."""
        done = self.run("init", client, "--url", self.hub.url, "--yes", *more, OROCHI_TOKEN=self.hub.token)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def session(self, kind: str, ident: str = "s1") -> Fake:
        """A session of a client that was set up."""
        fake = Fake(self, kind, ident)
        self.sessions.append(fake)
        return fake

    def close(self) -> None:
        """Ends what runs."""
        for session in self.sessions:
            session.close()


class Fake:
    """A session of one client, by the files that `init` wrote."""

    def __init__(self, machine: Machine, kind: str, ident: str) -> None:
        self.machine, self.kind, self.ident = machine, kind, ident
        has_inbox = kind == "claude-code"
        self.inbox = str(machine.home.parent / f"{ident}.in") if has_inbox else ""
        env = {**machine.env}
        if has_inbox:
            env["CLAUDE_CODE_SESSION_ID"] = ident
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "session.py"), str(machine.project), self.inbox],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.wakes: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        # When the last wake came, by the monotonic clock and by the hub's.
        self.woken_at = self.woken_wall = 0.0
        # The duration of the last hook, its shell included.
        self.hook_seconds = 0.0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            if "wake" in told:
                self.wakes.put(told)
            else:
                self._answers.put(told["answer"])

    def do(self, **asked: Any) -> dict[str, Any]:
        """One command to the session's process."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return self._answers.get(timeout=DEADLINE)

    def start(self) -> str:
        """Spawns the resident that the client's file names; its instructions."""
        introduced = self.do(do="start", command=self._server(), info=KINDS[self.kind])
        told: str = introduced["result"]["instructions"]
        return told

    def call(self, tool: str, **arguments: Any) -> str:
        """Calls a tool; its text."""
        answer = self.do(do="request", method="tools/call", params={"name": tool, "arguments": arguments})
        text: str = answer["result"]["content"][0]["text"]
        return text

    def hook(self, event: str, kill_after: float | None = None, **more: Any) -> str | None:
        """Runs a hook with the client's own input; the context that the client takes from its output."""
        command = self._hook_command(event)
        given = {**self._common(event), **more}
        ran = self.do(do="hook", command=command, text=json.dumps(given), kill_after=kill_after)
        self.hook_seconds = ran["seconds"]
        if kill_after is None:
            assert ran["code"] == 0, ran
        if not ran["out"].strip():
            return None
        return self._taken(event, json.loads(ran["out"]))

    def wake(self) -> str:
        """The next text that is posted to Claude Code's inbox socket, its frames checked."""
        told = self.wakes.get(timeout=DEADLINE)
        self.woken_at, self.woken_wall = told["at"], told["wall"]
        auth, user = told["wake"]
        assert auth == {"type": "auth", "token": "inbox-token"}
        assert set(user) == {"type", "message", "from", "msg_id"}
        assert user["type"] == "user"
        assert user["message"]["role"] == "user"
        assert user["from"].startswith("orochi:")
        text: str = user["message"]["content"]
        assert isinstance(text, str)
        assert len(text.encode("utf-16-le")) // 2 <= 4000
        return text

    def close(self) -> None:
        """Ends the session's process and what it spawned."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=DEADLINE)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _common(self, event: str) -> dict[str, Any]:
        folder = str(self.machine.project)
        common: dict[str, Any] = {"hook_event_name": event, "session_id": self.ident, "cwd": folder}
        match self.kind:
            case "claude-code":
                common |= {"prompt_id": "p", "transcript_path": "/t", "permission_mode": "default"}
            case "codex":
                common |= {"turn_id": "t", "transcript_path": None, "model": "gpt-5.5", "permission_mode": "default"}
            case "cursor":
                del common["session_id"], common["cwd"]
                common |= {"conversation_id": self.ident, "workspace_roots": [folder], "cursor_version": "2026.09"}
            case "gemini":
                common |= {"timestamp": "2026-01-15T10:30:00Z", "transcript_path": "/t"}
        return common

    def _taken(self, event: str, output: dict[str, Any]) -> str | None:
        """Returns the text that the client shows its model; as strict as the client."""
        specific = {"hookSpecificOutput": {"hookEventName": event, "additionalContext": ...}}
        at_stop: dict[tuple[str, str], dict[str, Any]] = {
            ("codex", "Stop"): {"decision": "block", "reason": ...},
            ("gemini", "AfterAgent"): {"decision": "deny", "reason": ...},
            ("cursor", "stop"): {"followup_message": ...},
            ("cursor", "beforeSubmitPrompt"): {"continue": True},
        }
        default = {"additional_context": ...} if self.kind == "cursor" else specific
        shape = at_stop.get((self.kind, event), default)
        text = _match(shape, output)
        if text is not None:
            units = len(text.encode("utf-16-le")) // 2
            assert units <= 6000, f"{units} UTF-16 units"
        return text

    def _server(self) -> list[str]:
        home = self.machine.home
        if self.kind == "opencode":
            return _opencode_server(json.loads((home / ".config" / "opencode" / "opencode.json").read_text()))
        if self.kind == "codex":
            entry = tomllib.loads((home / ".codex" / "config.toml").read_text())["mcp_servers"]["orochi"]
            assert set(entry) <= {"command", "args", "env_vars", "startup_timeout_sec", "tool_timeout_sec"}
        else:
            files = {"claude-code": ".claude.json", "cursor": ".cursor/mcp.json", "gemini": ".gemini/settings.json"}
            entry = json.loads((home / files[self.kind]).read_text())["mcpServers"]["orochi"]
        return [entry["command"], *entry["args"]]

    def _hook_command(self, event: str) -> str:
        home = self.machine.home
        files = {
            "claude-code": ".claude/settings.json",
            "codex": ".codex/hooks.json",
            "cursor": ".cursor/hooks.json",
            "gemini": ".gemini/settings.json",
        }
        entry = json.loads((home / files[self.kind]).read_text())["hooks"][event][-1]
        handler = entry if self.kind == "cursor" else entry["hooks"][0]
        command: str = handler["command"]
        return command


def _opencode_server(config: dict[str, Any]) -> list[str]:
    """Our server, as each of opencode's versions reads it: it takes no key that it does not know."""
    assert set(config) == {"mcp"}
    if "servers" in config["mcp"]:
        entry = config["mcp"]["servers"]["orochi"]
        assert set(entry) == {"type", "command"}
    else:
        entry = config["mcp"]["orochi"]
        assert set(entry) == {"type", "command", "enabled"}
        assert entry["enabled"] is True
    assert entry["type"] == "local"
    command: list[str] = entry["command"]
    return command


def _match(shape: Any, output: Any) -> str | None:
    """The text at `...`; an unknown key, a missing one or another value is an error."""
    if shape is ...:
        assert isinstance(output, str)
        return output
    if not isinstance(shape, dict):
        assert output == shape
        return None
    assert isinstance(output, dict)
    assert set(output) == set(shape), f"unknown keys: {output}"
    found = [_match(shape[key], output[key]) for key in shape]
    return next((text for text in found if text is not None), None)
