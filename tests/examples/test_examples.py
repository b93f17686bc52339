"""Each program in examples/ does what its page says, against a real hub."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.join.kit import DEADLINE, Hub, program, until

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
TOKEN = "hub-token"


class Terminal:
    """A user's terminal: `orochi` and `python` on its path, and the hub's address and token in its variables."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.hub = hub
        (folder / "bin").mkdir()
        (folder / "bin" / "orochi").symlink_to(shutil.which(program()) or program())
        kept = {name: value for name, value in os.environ.items() if "OROCHI" not in name and "GITEA" not in name}
        self.env = {
            **kept,
            "HOME": str(folder),
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "OROCHI_URL": hub.url,
            "OROCHI_HOST": "127.0.0.1",
            "OROCHI_PORT": str(hub.ports[0]),
            "OROCHI_TOKEN": TOKEN,
        }

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        return subprocess.run(
            command,
            env={**self.env, **env},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=2 * DEADLINE,
            check=False,
        )

    @contextmanager
    def start(self, *command: str, **env: str) -> Iterator[subprocess.Popen[str]]:
        """Runs a command until the test is done with it."""
        process = subprocess.Popen(command, env={**self.env, **env}, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        with process:
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal beside a hub with a token."""
    hub = Hub(tmp_path, TOKEN).start()
    yield Terminal(tmp_path, hub)
    hub.kill()


def line(process: subprocess.Popen[str]) -> str:
    """The next line that a program prints."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def test_every_example_is_named_on_its_page_and_run_here() -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    tests = Path(__file__).read_text(encoding="utf-8")
    for path in EXAMPLES.iterdir():
        if path.is_file() and path.name != "README.md":
            assert f"[{path.name}]({path.name})" in page
            assert f'"{path.name}"' in tests


def test_example_review_has_two_agents_review_each_other(terminal: Terminal) -> None:
    script = str(EXAMPLES / "review.py")
    with ExitStack() as stack:
        ann = stack.enter_context(terminal.start(sys.executable, script, "ann", "bob"))
        bob = stack.enter_context(terminal.start(sys.executable, script, "bob", "ann"))
        assert line(ann) == "bob on ann's change: approved"
        assert line(bob) == "ann on bob's change: changes wanted: an empty list divides by zero"
        assert (ann.wait(DEADLINE), bob.wait(DEADLINE)) == (0, 0)


def test_example_answer_is_an_agent_without_a_program(terminal: Terminal) -> None:
    command = str(EXAMPLES / "answer.sh")
    with terminal.start("orochi", "--name", "ops", "listen", "--mentions", "--exec", command):
        until(lambda: terminal.hub.row("ops"))
        asked = terminal.run("orochi", "--name", "alice", "ask", "@ops", "how full is the disk? $(touch /tmp/x); `id`")
        assert asked.returncode == 0, asked.stderr
        assert "%" in asked.stdout
        other = terminal.run("orochi", "--name", "alice", "ask", "@ops", "-n what can you do?")
        assert other.stdout == "I can tell you about the disk and the load.\n"
        # A message that expects no answer gets none, and is handled.
        told = terminal.run(
            "orochi", "--name", "alice", "send", "@ops", "the disk is new", "--intent=inform", "--wait=seen"
        )
        assert told.returncode == 0, told.stderr
        assert terminal.hub.ask("/api/stats")["seq"] == 5


def test_example_report_build_tells_how_it_ended_and_asks_for_help(terminal: Terminal) -> None:
    script = str(EXAMPLES / "report-build.sh")
    passed = terminal.run(script, "echo", "all 3 tests passed")
    assert (passed.returncode, passed.stdout) == (0, "all 3 tests passed\n")
    failed = terminal.run(script, "sh", "-c", "echo '1 test failed'; exit 7", OROCHI_NOTIFY="api-claude")
    assert (failed.returncode, failed.stdout) == (7, "1 test failed\n")
    first, second = terminal.hub.ask("/api/history/builds?order=asc")
    assert (first["sender"], first["mentions"], first["metadata"]) == ("ci", [], {"intent": "inform"})
    assert first["content"].startswith("passed after ")
    assert (second["mentions"], second["metadata"]) == (["api-claude"], {"intent": "request"})
    assert second["content"].startswith("failed with exit code 7 after ")
    assert "1 test failed" in second["content"]
    terminal.hub.kill()
    away = terminal.run(script, "true")
    assert away.returncode == 0
    assert away.stderr.endswith("the build was not reported\n")
    terminal.hub.start()


@pytest.mark.parametrize("kind", ["mcp", "mcp-legacy", "fastmcp"])
def test_example_mcp_agent_joins_waits_and_answers(terminal: Terminal, kind: str) -> None:
    with terminal.start(sys.executable, str(EXAMPLES / "mcp_agent.py"), kind) as agent:
        assert line(agent) == "waiting"
        asked = terminal.hub.post("#builds", "@mcp-agent are you there?")
        assert line(agent).startswith(f"orochi#{asked} alice in #builds, ")
        assert agent.wait(2 * DEADLINE) == 0
    newest = terminal.hub.ask("/api/history/builds")[0]
    assert (newest["sender"], newest["reply_to"], newest["content"]) == ("mcp-agent", asked, "Yes, I am.")
    assert terminal.hub.receipt(asked, "mcp-agent") == "seen"


def test_example_client_in_node_answers_and_comes_back_after_the_hub_was_killed(terminal: Terminal) -> None:
    version = terminal.run("node", "--version").stdout
    flag = ["--experimental-websocket"] if int(version.removeprefix("v").split(".")[0]) < 22 else []
    waited = terminal.hub.post("@node-agent", "before it was started")
    address = f"ws://127.0.0.1:{terminal.hub.ports[0]}/"
    with terminal.start("node", *flag, str(EXAMPLES / "client.mjs"), OROCHI_HUB=address) as agent:
        assert line(agent) == "alice: before it was started"
        until(lambda: terminal.hub.receipt(waited, "node-agent") == "seen")
        assert (terminal.hub.row("node-agent") or {})["reach"] == "wake"
        terminal.hub.kill()
        terminal.hub.start()
        asked = terminal.hub.post("#general", "still there, @node-agent?")
        assert line(agent) == "alice: still there, @node-agent?"
        until(lambda: terminal.hub.receipt(asked, "node-agent") == "seen")
        terminal.hub.post("@node-agent", "good", intent="ack")
        assert line(agent) == "alice: good"
    rows = terminal.hub.ask("/api/messages")
    assert [row.get("reply_to") for row in rows if row["sender"] == "node-agent"] == [waited, asked]
