"""The package as programs import it: names, the constructor's arguments, messages by themselves, settings, entry
points.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import os
import subprocess
import sys
import sysconfig
import time
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import pytest

import orochi
import scitex_orochi
from orochi import Message, OrochiClient
from tests.python.hub import DEADLINE, clean_environment

MODULES = ["", ".client", ".config", ".exceptions", ".models", ".server", "._cli", ".__main__"]
CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", MODULES)
def test_public_is_what_all_names(name):
    module = importlib.import_module(f"orochi{name}")
    named = module.__all__
    assert list(named) == sorted(set(named))
    assert all(hasattr(module, one) for one in named)
    own = {
        one
        for one, value in vars(module).items()
        if not one.startswith("_")
        and not inspect.ismodule(value)
        and getattr(value, "__module__", "") == module.__name__
    }
    # A class or function that is made here is named, or is called `_so`.
    assert own - {"Frame"} <= set(named)


def test_both_import_names_are_one_package():
    assert scitex_orochi.OrochiClient is orochi.OrochiClient is importlib.import_module("orochi.client").OrochiClient
    assert scitex_orochi.Message is orochi.Message is importlib.import_module("orochi.models").Message
    assert scitex_orochi.__version__ == orochi.__version__
    for package in ("orochi", "scitex_orochi"):
        assert files(package).joinpath("py.typed").is_file()


def test_the_clients_arguments_come_in_the_order_that_programs_rely_on():
    parameters = list(inspect.signature(OrochiClient).parameters.values())
    positional = [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    assert positional == ["name", "host", "port", "channels", "token", "machine", "role", "agent_id", "project"]
    for method, expected in {
        "send": ["self", "channel", "content", "metadata"],
        "update_status": ["self", "status", "current_task"],
        "query_history": ["self", "channel", "since", "limit"],
        "subscribe": ["self", "channel"],
    }.items():
        taken = inspect.signature(getattr(OrochiClient, method)).parameters.values()
        assert [one.name for one in taken if one.kind is one.POSITIONAL_OR_KEYWORD] == expected
    client = OrochiClient("a", "example.org", 1, ["#x"], "t", "m", "r", "", "p")
    assert (client.uri, client.channels, client.agent_id) == ("ws://example.org:1", ["#x"], "a@m")
    assert (client.machine, client.role, client.project, client.state) == ("m", "r", "p", "closed")
    assert "t" not in client.uri.removeprefix("ws://example.org")


def test_a_message_of_ones_own():
    message = Message("message", "alice", {"channel": "#x", "content": "hi @bob, @bob and me@host.com"})
    assert (message.channel, message.content, message.mentions) == ("#x", message.payload["content"], ["bob"])
    assert (message.metadata, message.reply_to, message.seq) == ({}, None, None)
    assert UUID(message.id)
    assert datetime.fromisoformat(message.ts).utcoffset() is not None
    assert message.id != Message("message", "alice").id
    empty = Message(type="heartbeat", sender="alice")
    assert (empty.payload, empty.channel, empty.content, empty.mentions) == ({}, "", "", [])
    # Each has a payload of its own.
    empty.payload["x"] = 1
    assert Message("heartbeat", "alice").payload == {}


def test_a_message_comes_back_from_its_json_as_it_was():
    message = Message("message", "älice", {"channel": "#x", "content": "🐍", "metadata": {"n": [1, None]}}, seq=7)
    for raw in (message.to_json(), message.to_json().encode()):
        again = Message.from_json(raw)
        assert again == message
        assert again is not message
        assert repr(again) == repr(message)
    assert list(json.loads(message.to_json())) == ["type", "sender", "payload", "id", "ts", "seq"]
    assert list(json.loads(Message("ack", "x").to_json())) == ["type", "sender", "payload", "id", "ts"]
    assert message != Message("message", "älice", message.payload, message.id, message.ts, seq=8)
    assert message != "message"
    assert "🐍" in repr(message)
    bare = Message.from_json('{"type": "x"}')
    assert (bare.type, bare.sender, bare.payload, bare.seq) == ("x", "unknown", {}, None)


async def test_a_received_message_is_the_same_however_it_is_looked_at(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        heard = bob.listen()
        for text in ("plain", 'with "quotes" and \\ and \n', "🐍 @bob"):
            sent = await alice.send("#general", text, {"k": text})
            message = await anext(heard)
            # First the parts, then the whole, then the parts again.
            for _ in range(2):
                assert (message.sender, message.channel, message.content) == ("alice", "#general", text)
                assert (message.seq, message.id, message.ts, message.type) == (sent.seq, sent.id, sent.ts, "message")
                assert message.payload["content"] == text
                assert message.metadata == {"k": text}
            assert Message.from_json(message.to_json()) == message
            # Changes by the program stay.
            message.payload["content"] = "mine"
            assert message.content == "mine"


SHOW = """
import json, orochi.config as c
print(json.dumps({name: getattr(c, name) for name in c.__all__ if name.isupper()}))
"""


def settings(**env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SHOW], env=clean_environment(env), capture_output=True, text=True, timeout=DEADLINE
    )


def test_settings_come_from_the_environment():
    assert json.loads(settings().stdout) == {
        "DASHBOARD_PORT": 8559,
        "DB_PATH": "/data/orochi.db",
        "GITEA_TOKEN": "",
        "GITEA_URL": "http://localhost:3000",
        "HOST": "127.0.0.1",
        "OROCHI_TOKEN": "",
        "PORT": 9559,
    }
    said = json.loads(
        settings(
            OROCHI_HOST="one", SCITEX_OROCHI_HOST="two", OROCHI_PORT="1", SCITEX_OROCHI_PORT="", OROCHI_TOKEN="t"
        ).stdout
    )
    assert (said["HOST"], said["PORT"], said["OROCHI_TOKEN"]) == ("two", 1, "t")


USE = """
import orochi, orochi.client, scitex_orochi
orochi.OrochiClient("alice", port=1)
try:
    orochi.OrochiClient("alice")
except orochi.OrochiError as error:
    print(error)
"""


@pytest.mark.parametrize("port", ["ninety", "65536", "-1", "9" * 5000])
def test_variable_that_is_no_port_is_said_when_it_is_used(port, tmp_path):
    env = clean_environment({"OROCHI_PORT": port, "OROCHI_DASHBOARD_PORT": port})
    said = subprocess.run([sys.executable, "-c", USE], env=env, capture_output=True, text=True, timeout=DEADLINE)
    assert said.stderr == ""
    assert said.stdout == f"OROCHI_PORT is {port!r}: expected a port number from 0 to 65535\n"
    assert json.loads(settings(OROCHI_PORT=port).stdout)["PORT"] == 9559
    for command in (["orochi", "who"], ["orochi.server"]):
        said = subprocess.run(
            [sys.executable, "-m", *command], env=env, capture_output=True, text=True, timeout=DEADLINE
        )
        sentence = f'Error: OROCHI_PORT is "{port}"; expected a port number from 0 to 65535\n'
        assert (said.returncode, said.stderr) == (2, sentence)


def test_commands_are_the_native_program(tmp_path):
    scripts = Path(sysconfig.get_path("scripts"))
    assert (scripts / "orochi").read_bytes().startswith(b"\x7fELF")
    for name in ("orochi", "scitex-orochi", "orochi-server", "orochi-mcp"):
        # As pipx links it from elsewhere.
        (tmp_path / name).symlink_to(scripts / name)
        for program in (scripts / name, tmp_path / name):
            words = [] if name in ("orochi-server", "orochi-mcp") else ["who"]
            told = run(str(program), "--port", "x", *words, folder=tmp_path)
            sentence = 'Error: --port is "x"; expected a port number from 0 to 65535\n'
            assert (told.returncode, told.stderr) == (2, sentence), program
    for name, command in (("orochi-server", "serve"), ("orochi-mcp", "mcp")):
        assert (
            run(str(scripts / name), "--help", folder=tmp_path).stdout
            == run(str(scripts / "orochi"), command, "--help", folder=tmp_path).stdout
        )


def test_licences_of_the_crates_are_installed():
    text = Path(sysconfig.get_path("data"), "share/doc/scitex-orochi/LICENCES").read_text(encoding="utf-8")
    assert all(f"\n{crate} " in text for crate in ("tokio", "rusqlite", "pyo3", "ring"))


def test_hub_started_by_python_is_the_native_program(tmp_path):
    flags = ["--port", "0", "--dashboard-port", "0", "--db", str(tmp_path / "orochi.db")]
    command = [sys.executable, "-m", "orochi.server", *flags, "--ready-file", str(tmp_path / "ready")]
    # With 0 to 2 closed the first files that a program opens would be taken for its input and output.
    closed = ["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh", *command]
    with subprocess.Popen(closed, env=clean_environment()) as hub:
        try:
            deadline = time.monotonic() + DEADLINE
            while not (tmp_path / "ready").exists():
                assert hub.poll() is None
                assert time.monotonic() < deadline
            process = Path(f"/proc/{hub.pid}")
            assert (process / "exe").resolve() == Path(sysconfig.get_path("scripts"), "orochi").resolve()
            assert [os.readlink(process / "fd" / str(number)) for number in range(3)] == ["/dev/null"] * 3
        finally:
            hub.terminate()
        assert hub.wait(DEADLINE) == 0


@pytest.mark.parametrize("folder", [CHECKOUT, Path("/")], ids=["in the checkout", "elsewhere"])
def test_modules_run_where_one_is(folder):
    # A checkout has an orochi/ without the native module: the installed one is found beside it.
    version = run(sys.executable, "-m", "orochi", "--version", folder=folder)
    assert (version.returncode, version.stdout.strip()) == (0, f"orochi {orochi.__version__}")
    serve = run(sys.executable, "-m", "orochi.server", "--help", folder=folder)
    assert serve.returncode == 0
    assert "--dashboard-port" in serve.stdout
    unknown = run(sys.executable, "-m", "orochi.server", "--no-such-flag", folder=folder)
    assert unknown.returncode == 2
    assert "--no-such-flag" in unknown.stderr
    assert "Traceback" not in unknown.stderr


def run(program: str, *args: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *args], env=clean_environment(), cwd=folder, capture_output=True, text=True, timeout=DEADLINE
    )


async def test_the_token_may_be_set_before_the_client_is_made(start_hub, monkeypatch):
    hub = start_hub(token="s3cret")
    monkeypatch.setenv("OROCHI_TOKEN", "s3cret")
    async with OrochiClient("alice", port=hub.port) as alice:
        assert list(await alice.who()) == ["alice"]


async def test_waiting_for_messages_keeps_no_other_task_from_running(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        counting = asyncio.create_task(count())
        heard = bob.listen()
        for number in range(20):
            before = turns
            message = asyncio.ensure_future(anext(heard))
            await alice.send("#general", f"{number}")
            assert (await message).content == f"{number}"
            assert turns > before
        counting.cancel()
