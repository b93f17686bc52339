"""Odd arguments: each is an OrochiError at once, whose text names the argument and the way out."""

from __future__ import annotations

import asyncio
import math
import re
import socket
from typing import Any

import pytest

from orochi import OrochiClient, OrochiError, RequestRefused
from tests.python.hub import DEADLINE

CIRCLE: dict[str, object] = {}
CIRCLE["self"] = CIRCLE

CALLS = {
    "content_surrogate": ("content holds a lone surrogate", lambda c: c.send("#general", "a \ud800 b")),
    "content_bytes": ("content is b'x'", lambda c: c.send("#general", b"x")),
    "content_large": ("content has .* at most 256 KiB", lambda c: c.send("#general", "x" * (256 * 1024 + 1))),
    "frame_large": ("frame has .* at most 1024 KiB", lambda c: c.send("#general", "\x01" * (250 * 1024))),
    "channel_none": ("channel is None", lambda c: c.send(None, "x")),
    "channel_surrogate": ("channel holds a lone surrogate", lambda c: c.send("#\udfff", "x")),
    "metadata_nan": ("metadata can't be written as JSON", lambda c: c.send("#general", "x", {"a": math.nan})),
    "metadata_object": ("metadata can't be written as JSON", lambda c: c.send("#general", "x", {"a": object()})),
    "metadata_circle": ("metadata can't be written as JSON", lambda c: c.send("#general", "x", CIRCLE)),
    "metadata_surrogate": ("metadata holds a lone surrogate", lambda c: c.send("#general", "x", {"a": "\ud800"})),
    "metadata_list": (r"metadata is \[1\]: give a dict", lambda c: c.send("#general", "x", [1])),
    "metadata_large": ("metadata has .* at most 64 KiB", lambda c: c.send("#general", "x", {"a": "x" * 70000})),
    "reply_to_negative": ("reply_to is -1", lambda c: c.send("#general", "x", reply_to=-1)),
    "reply_to_huge": ("reply_to is 1180591620717411303424", lambda c: c.send("#general", "x", reply_to=2**70)),
    "reply_to_text": ("reply_to is '1'", lambda c: c.send("#general", "x", reply_to="1")),
    "id_number": ("id is 7", lambda c: c.send("#general", "x", id=7)),
    "id_empty": ("id", lambda c: c.send("#general", "x", id="")),
    "timeout_nan": ("timeout is nan", lambda c: c.send("#general", "x", timeout=math.nan)),
    "timeout_negative": ("timeout is -1", lambda c: c.send("#general", "x", timeout=-1)),
    "timeout_text": ("timeout is '5'", lambda c: c.send("#general", "x", timeout="5")),
    "ask_timeout": ("timeout is -1", lambda c: c.ask("alice", "x", timeout=-1)),
    "gitea_timeout": ("timeout is nan", lambda c: c.gitea("get_version", timeout=math.nan)),
    "gitea_params": ("params can't be written as JSON", lambda c: c.gitea("get_issue", {"a": object()})),
    "progress_nan": ("progress is nan", lambda c: c.update_status(progress=math.nan)),
    "progress_text": ("progress is '1'", lambda c: c.update_status(progress="1")),
    "status_number": ("status is 5", lambda c: c.update_status(5)),
    "task_surrogate": ("current_task holds a lone surrogate", lambda c: c.update_status("busy", "\ud800")),
    "subscribe_none": ("channel is None", lambda c: c.subscribe(None)),
    "unsubscribe_surrogate": ("channel holds a lone surrogate", lambda c: c.unsubscribe("\ud800")),
    "history_object": ("since can't be written as JSON", lambda c: c.query_history("#general", object())),
    "history_surrogate": ("search holds a lone surrogate", lambda c: c.search("\ud800")),
    "receipts_none": ("seq", lambda c: c.receipts(None)),
}

SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "name_surrogate": ("name holds a lone surrogate", {"name": "a\ud800"}),
    "name_number": ("name is 5", {"name": 5}),
    "name_empty": ("INVALID_NAME", {"name": ""}),
    "host_with_port": ("host is '127.0.0.1:9559': .*port=", {"host": "127.0.0.1:9559"}),
    "host_with_scheme": ("host is 'ws://hub'", {"host": "ws://hub"}),
    "host_with_path": ("host is 'hub/x'", {"host": "hub/x"}),
    "host_empty": ("host is ''", {"host": ""}),
    "host_zone": ("zone", {"host": "fe80::1%eth0"}),
    "port_zero": ("port is 0: give a number from 1 to 65535", {"port": 0}),
    "port_large": ("port is 65536", {"port": 65536}),
    "port_text": ("port is '9559'", {"port": "9559"}),
    "channels_text": (r"channels is '#general': give a list, as \['#general'\]", {"channels": "#general"}),
    "channels_number": (r"channels\[1\] is 5|channels is", {"channels": ["#a", 5]}),
    "token_surrogate": ("token holds a lone surrogate", {"token": "\ud800"}),
    "machine_surrogate": ("machine holds a lone surrogate", {"machine": "\ud800"}),
    "machine_large": ("TOO_LARGE: machine", {"machine": "x" * 300}),
    "events_text": ("events is 'presence_change'", {"events": "presence_change"}),
    "events_word": ("events are", {"events": ["joined"]}),
    "resume_word": ("resume is None", {"resume": "all"}),
    "resume_negative": ("resume is", {"resume": -1}),
    "resume_huge": ("resume is", {"resume": 2**70}),
    "conflict_word": ("conflict is", {"conflict": "steal"}),
    "timeout_nan": ("timeout is nan", {"timeout": math.nan}),
    "timeout_negative": ("timeout is -1", {"timeout": -1}),
}


@pytest.mark.parametrize("case", CALLS)
async def test_odd_argument_of_a_call_is_named(hub, case):
    text, call = CALLS[case]
    async with hub.client("alice", timeout=DEADLINE) as alice, hub.client("bob") as bob:
        with pytest.raises(OrochiError, match=text):
            await call(alice)
        # Nothing was sent, and the client goes on.
        await alice.send("#general", "next")
        assert (await anext(bob.listen())).content == "next"


@pytest.mark.parametrize("case", SETTINGS)
async def test_odd_setting_is_named(hub, case):
    text, setting = SETTINGS[case]
    settings: dict[str, Any] = {"name": "alice", "host": "127.0.0.1", "port": hub.port, **setting}
    with pytest.raises(OrochiError, match=text):
        await OrochiClient(**settings).connect()


async def test_odd_timeouts_have_their_meaning(hub):
    async with hub.client("alice", timeout=math.inf) as alice:
        assert (await alice.send("#general", "x", timeout=math.inf)).seq == 1
        assert (await alice.send("#general", "x", timeout=5)).seq == 2
        with pytest.raises(OrochiError, match="within 0 s"):
            await alice.send("#general", "x", timeout=0)


@pytest.mark.parametrize("host", ["::1", "[::1]"])
async def test_odd_host_of_ipv6_gets_its_brackets(start_hub, host):
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("this machine has no IPv6")
    hub = start_hub(env={"OROCHI_HOST": "::1"})
    client = OrochiClient("alice", host, hub.port)
    assert re.fullmatch(r"ws://\[::1\]:\d+", client.uri)
    async with client:
        assert list(await client.who()) == ["alice"]


async def test_odd_requests_never_wait_longer_than_their_timeout():
    answering: list[asyncio.Task[None]] = []

    async def mute(reader, writer):
        task = asyncio.current_task()
        assert task is not None
        answering.append(task)
        await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = OrochiClient("alice", "127.0.0.1", port, timeout=0.2)
    connecting = [client.connect() for _ in range(3)]
    for ended in await asyncio.gather(*connecting, return_exceptions=True):
        assert isinstance(ended, OrochiError), ended
    await client.disconnect()
    server.close()
    await asyncio.gather(*answering)
    assert not isinstance(RequestRefused("A", "b"), ConnectionError)
