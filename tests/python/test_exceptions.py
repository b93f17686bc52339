"""Each exception, provoked for real, with the text that its reader gets."""

from __future__ import annotations

import asyncio
import json
import socket

import pytest

import orochi
from orochi import (
    AuthenticationFailed,
    HubUnreachable,
    Message,
    NotConnected,
    OrochiClient,
    OrochiError,
    RegistrationRefused,
    RequestRefused,
    RequestTimeout,
)


def test_every_exception_is_the_packages_and_pythons_own():
    families = {"ConnectionError", "RuntimeError", "TimeoutError"}
    for name in orochi.__all__:
        one = getattr(orochi, name)
        if isinstance(one, type) and issubclass(one, Exception) and one is not OrochiError:
            assert issubclass(one, OrochiError)
            assert families & {base.__name__ for base in one.__mro__}


async def test_nobody_answers_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(HubUnreachable) as failed:
            await OrochiClient("alice", "127.0.0.1", port).connect()
    assert str(failed.value) == (
        f"cannot reach the Orochi hub at ws://127.0.0.1:{port}: connection refused; "
        "start it with 'orochi serve', or check host and port"
    )


async def test_somebody_else_answers_there():
    async def answer(_, writer):
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(HubUnreachable, match=r"it answered HTTP 404 Not Found: is this the agent port\?"):
            await OrochiClient("alice", "127.0.0.1", port).connect()


async def test_the_dashboards_port_is_not_the_agents(hub):
    with pytest.raises(HubUnreachable, match=r"is this the agent port\?"):
        await OrochiClient("alice", "127.0.0.1", hub.dashboard_port).connect()


async def test_who_answers_says_nothing():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        client = OrochiClient("alice", "127.0.0.1", silent.getsockname()[1], timeout=0.1)
        with pytest.raises(HubUnreachable, match=r"no answer within 0\.1 s"):
            await client.connect()


@pytest.mark.parametrize("token", ["wrong", None])
async def test_a_wrong_token(start_hub, token):
    hub = start_hub(token="right")
    client = OrochiClient("alice", "127.0.0.1", hub.port, token=token)
    with pytest.raises(AuthenticationFailed) as failed:
        await client.connect()
    assert str(failed.value) == (
        f"the hub at ws://127.0.0.1:{hub.port} refused the token: "
        "set OROCHI_TOKEN, or pass token=, to the one the hub was started with"
    )
    assert "wrong" not in repr(client.uri)


async def test_a_token_of_any_characters(start_hub):
    token = "a+b%20/?&#é~"
    async with start_hub(token=token).client("alice") as alice:
        assert list(await alice.who()) == ["alice"]


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        ("two words", {}, "INVALID_NAME"),
        ("", {}, "INVALID_NAME"),
        ("orochi-server", {}, "INVALID_NAME"),
        ("alice", {"channels": ["#two words"]}, "INVALID_CHANNEL"),
        ("alice", {"channels": [f"#{n}" for n in range(257)]}, "TOO_LARGE"),
        ("alice", {"resume": 7}, "RESUME_BEYOND"),
        ("alice", {"resume": "yesterday"}, "INVALID_FIELD"),
        ("alice", {"resume": -1}, "INVALID_FIELD"),
        ("alice", {"conflict": "fight"}, "INVALID_FIELD"),
        ("alice", {"events": ["everything"]}, "INVALID_FIELD"),
    ],
)
async def test_a_registration_that_is_refused(hub, name, options, code):
    client = hub.client(name, **options)
    with pytest.raises(RegistrationRefused) as refused:
        await client.connect()
    assert refused.value.code == code
    assert str(refused.value) == f"{code}: {refused.value.detail}"
    assert client.state == "closed"


async def test_a_name_in_use(hub):
    async with hub.client("alice"):
        with pytest.raises(RegistrationRefused) as refused:
            await hub.client("alice", conflict="refuse").connect()
        assert refused.value.code == "NAME_IN_USE"
        assert "alice" in refused.value.detail


async def test_a_request_that_is_refused_and_the_next_one_that_is_not(hub):
    async with hub.client("alice") as alice:
        refused = [
            (lambda: alice.send("#two words", "x"), "INVALID_CHANNEL"),
            (lambda: alice.send("@alice", "to myself"), "INVALID_CHANNEL"),
            (lambda: alice.send("#general", "x" * (256 * 1024 + 1)), "TOO_LARGE"),
            (lambda: alice.send("#general", "x", {"not": float("nan")}), "INVALID_FIELD"),
            (lambda: alice.send("#general", "x", reply_to=99), "INVALID_FIELD"),
            (lambda: alice.send("#general", "x", id=""), "INVALID_FIELD"),
            (lambda: alice.subscribe("@bob"), "INVALID_CHANNEL"),
            (lambda: alice.query_history("#general", "yesterday"), "INVALID_FIELD"),
            (lambda: alice.query_history("#general", limit=0), "INVALID_FIELD"),
            (lambda: alice.receipts(99), "INVALID_FIELD"),
            (lambda: alice.update_status("x" * 33), "TOO_LARGE"),
            (lambda: alice.update_status(progress=2.0), "INVALID_FIELD"),
            (lambda: alice.gitea("get_version"), "GITEA_NOT_CONFIGURED"),
        ]
        for call, code in refused:
            with pytest.raises(RequestRefused) as failed:
                await call()
            assert failed.value.code == code
            assert len(failed.value.detail) > 10
            assert list(await alice.who()) == ["alice"]


async def test_no_answer_in_time(hub):
    async with hub.client("alice", timeout=0.05) as alice:
        hub.kill()
        text = r"no answer from the hub within 0\.05 s \((re)?connect(ed|ing)\): try again, with the same id where"
        with pytest.raises(RequestTimeout, match=text):
            await alice.who()
        with pytest.raises(TimeoutError):
            await alice.send("#general", "x", timeout=0.05)


async def test_before_connecting():
    client = OrochiClient("alice")
    text = "Not connected: use 'async with OrochiClient"
    for call in (client.send("#general", "x"), client.who(), client.heartbeat(), anext(client.listen())):
        with pytest.raises(NotConnected, match=text):
            await call
    with pytest.raises(RuntimeError, match=r"client\.send"):
        await Message("message", "bob", {"channel": "#general"}).reply("x")


def test_a_frame_that_is_none():
    with pytest.raises(json.JSONDecodeError):
        Message.from_json("{")
    with pytest.raises(KeyError):
        Message.from_json("{}")
