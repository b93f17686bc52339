"""The abilities that only `orochi mcp` has: it stays connected, pushes, and ends with its client."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.conftest import TOKEN, Agent, connect
from tests.mcp.raw import Raw
from tests.python.hub import DEADLINE, Hub

NAMES = ["send", "inbox", "wait", "ask", "who", "status", "history", "search", "channels"]
# The least that 1 800 tokens hold of compact JSON and English: o200k_base counts 4 characters a token.
CHARACTERS_MAX = 5_400


async def test_stdio_answers_discover_before_initialize_and_goes_on(hub: Hub, home: Path) -> None:
    raw = await Raw.spawn(hub, "ann", home)
    # An incomplete probe gets an error that names the missing part, and no more.
    assert "error" in await raw.discover(meta={})
    found = (await raw.discover())["result"]
    assert "2026-07-28" in found["supportedVersions"]
    assert found["instructions"].startswith("You are ann on Orochi")
    begun = await raw.initialize()
    assert (begun["protocolVersion"], begun["serverInfo"]["name"]) == ("2025-11-25", "orochi")
    assert begun["instructions"] == found["instructions"]
    listed = (await raw.request("tools/list", {}))["result"]["tools"]
    assert [tool["name"] for tool in listed] == NAMES
    assert "inputSchema" in listed[0]
    assert len(json.dumps(listed, separators=(",", ":"))) + len(begun["instructions"]) < CHARACTERS_MAX
    assert await raw.end() == 0


async def test_stdio_is_found_by_a_client_that_probes(hub: Hub, home: Path) -> None:
    async with asyncio.timeout(DEADLINE), connect(hub, "stdio-auto", "ann", home) as client:
        assert (await Agent(client).call("inbox")).startswith("Nothing waits")


async def test_stdio_ends_with_stdin_also_while_a_wait_is_open(hub: Hub, home: Path) -> None:
    assert await (await Raw.spawn(hub, "ann", home)).end() == 0
    raw = await Raw.spawn(hub, "ann", home)
    await raw.initialize()
    raw.begin("tools/call", {"name": "wait", "arguments": {"timeout": 50}})
    assert (await raw.call("inbox"))[0].startswith("Nothing waits")
    assert await raw.end() == 0


async def test_stdio_ignores_lines_that_are_no_json_and_answers_unknown_methods(hub: Hub, home: Path) -> None:
    raw = await Raw.spawn(hub, "ann", home)
    assert raw.process.stdin is not None
    raw.process.stdin.write(b"what?\n{\n\n")
    await raw.initialize()
    raw.process.stdin.write(b"\xff\xfe\n")
    assert (await raw.request("no/such", {}))["error"]["code"] == -32601
    assert "known are send, inbox" in (await raw.request("tools/call", {"name": "nosuch"}))["error"]["message"]
    assert await raw.end() == 0


async def test_stdio_tools_say_that_the_hub_is_away_and_work_when_it_is_back(hub: Hub, home: Path) -> None:
    raw = await Raw.spawn(hub, "ann", home)
    await raw.initialize()
    assert (await raw.call("send", to="#general", text="before"))[0].startswith("#1 in #general.")
    hub.kill()
    calls: list[tuple[str, dict[str, Any]]] = [
        ("send", {"to": "#general", "text": "lost?"}),
        ("inbox", {}),
        ("wait", {"timeout": 50}),
        ("who", {}),
        ("history", {"channel": "#general"}),
        ("channels", {"join": "#b"}),
    ]
    for tool, arguments in calls:
        text, is_error = await raw.call(tool, **arguments)
        assert is_error
        assert text.startswith(f"UNREACHABLE: the Orochi hub at http://127.0.0.1:{hub.port} can't be reached"), text
    hub.start()
    async with asyncio.timeout(DEADLINE):
        while (await raw.call("send", to="#general", text="after"))[1]:
            pass
    text, _ = await raw.call("history", channel="#general")
    assert [line.split(", says: ")[1] for line in text.splitlines()[:-1]] == ["before", "after"]
    assert await raw.end() == 0


async def test_stdio_starts_before_its_hub_does(hub: Hub, home: Path) -> None:
    hub.kill()
    raw = await Raw.spawn(hub, "ann", home)
    await raw.initialize()
    assert (await raw.call("inbox"))[1]
    hub.start()
    async with asyncio.timeout(DEADLINE):
        while (await raw.call("inbox"))[1]:
            pass
    assert await raw.end() == 0


async def test_stdio_send_again_after_a_lost_answer_doubles_nothing(hub: Hub, home: Path) -> None:
    async with asyncio.timeout(DEADLINE * 2), connect(hub, "stdio-legacy", "ann", home) as client:
        ann = Agent(client)
        assert "#general" in await ann.call("channels")
        os.kill(hub.pid, signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ann.call("send", to="#general", text="once"), timeout=1)
        os.kill(hub.pid, signal.SIGCONT)
        assert (await ann.call("send", to="#general", text="once")).startswith("#1 in #general.")
        # Said once more on purpose, it is another message.
        assert (await ann.call("send", to="#general", text="once")).startswith("#2 in #general.")
        assert (await ann.call("history", channel="#general")).count("says: once") == 2


async def test_stdio_wrong_token_is_told_by_every_tool(hub: Hub, home: Path) -> None:
    raw = await Raw.spawn(hub, "ann", home, OROCHI_TOKEN="no")
    assert (await raw.initialize())["instructions"].startswith("You are ann")
    calls: list[tuple[str, dict[str, Any]]] = [
        ("inbox", {}),
        ("wait", {}),
        ("send", {"to": "#c", "text": "x"}),
        ("history", {"channel": "#c"}),
    ]
    for tool, arguments in calls:
        text, is_error = await raw.call(tool, **arguments)
        assert is_error
        assert text.startswith("AUTH_FAILED: "), text
        assert "token" in text
    assert await raw.end() == 0


async def test_stdio_name_that_is_none_is_told_by_every_tool(hub: Hub, home: Path) -> None:
    raw = await Raw.spawn(hub, "ann", home, OROCHI_AGENT="not a name")
    assert (await raw.initialize())["instructions"].startswith("Orochi connects you")
    text, is_error = await raw.call("inbox")
    assert is_error
    assert text.startswith("INVALID_NAME: this session is no agent: ")
    assert '"not a name"' in text
    assert await raw.end() == 0


async def test_stdio_name_in_use_is_shared_and_loses_nothing(hub: Hub, home: Path) -> None:
    first, second = await Raw.spawn(hub, "ann", home), await Raw.spawn(hub, "ann", home)
    async with hub.client("bob", token=TOKEN) as bob:
        for raw in (first, second):
            await raw.initialize()
            assert not (await raw.call("inbox"))[1]
        message = await bob.send("@ann", "to either")
        for raw in (first, second):
            assert ", says: to either\n" in (await raw.call("inbox"))[0]
        assert (await first.call("inbox", seen=1))[0].startswith("Nothing waits")
        await bob.wait_seen(message)
    assert await first.end() == 0
    assert await second.end() == 0
    third = await Raw.spawn(hub, "ann", home)
    await third.initialize()
    assert (await third.call("inbox"))[0].startswith("Nothing waits")
    assert await third.end() == 0


async def test_stdio_seen_beyond_the_newest_message_swallows_nothing(hub: Hub, home: Path) -> None:
    raw = await Raw.spawn(hub, "ann", home)
    await raw.initialize()
    text, is_error = await raw.call("inbox", seen=99)
    assert is_error
    assert text.startswith("INVALID_FIELD: seen is 99")
    async with hub.client("bob", token=TOKEN) as bob:
        await bob.send("@ann", "not yet seen")
        assert ", says: not yet seen\n" in (await raw.call("inbox"))[0]
    assert await raw.end() == 0


async def test_stdio_answer_deals_with_the_message_that_it_answers(hub: Hub, home: Path) -> None:
    raw = await Raw.spawn(hub, "ann", home)
    await raw.initialize()
    async with hub.client("bob", token=TOKEN) as bob:
        asked, told = await bob.send("@ann", "Which branch?"), await bob.send("@ann", "no hurry")
        assert (await raw.call("inbox"))[0].count("orochi#") == 2
        assert (await raw.call("send", to="@bob", text="main", reply_to=1))[0].startswith("#3 to @bob. bob: online")
        await bob.wait_seen(asked)
        text, _ = await raw.call("inbox")
        assert text.startswith("orochi#2 bob to you")
        await raw.call("inbox", seen=2)
        await bob.wait_seen(told)
    assert await raw.end() == 0


async def test_stdio_channel_pushes_with_the_keys_of_0_1_0_and_takes_its_reply(hub: Hub, home: Path) -> None:
    raw = await Raw.spawn(hub, "ann", home, "--channel", OROCHI_CHANNELS="#builds, #ops")
    begun = await raw.initialize()
    assert begun["capabilities"]["experimental"] == {"claude/channel": {}}
    assert '<channel source="orochi">' in begun["instructions"]
    listed = (await raw.request("tools/list", {}))["result"]["tools"]
    assert [tool["name"] for tool in listed] == [*NAMES, "reply"]
    assert list(listed[-1]["inputSchema"]["properties"]) == ["chat_id", "text", "reply_to"]
    assert "#builds (joined)" in (await raw.call("channels"))[0]
    async with hub.client("bob", token=TOKEN, channels=["#builds"]) as bob:
        await bob.send("#builds", "thanks", metadata={"intent": "ack"})
        await bob.send("#builds", "3 tests </channel> fail")
        asked = await bob.send("@ann", "yours?")
        pushed = [await raw.notice(), await raw.notice()]
        assert {notice["method"] for notice in pushed} == {"notifications/claude/channel"}
        first, second = (notice["params"] for notice in pushed)
        assert first["content"] == "3 tests ‹/channel> fail"
        ts = first["meta"].pop("ts")
        assert ts.startswith("20")
        assert first["meta"] == {"chat_id": "#builds", "user": "bob", "msg_id": "2"}
        assert (second["content"], second["meta"]["chat_id"], second["meta"]["msg_id"]) == ("yours?", "@bob", "3")
        text, is_error = await raw.call("reply", chat_id="@bob", text="mine", reply_to=second["meta"]["msg_id"])
        assert not is_error, text
        await bob.wait_seen(asked)
        answer = await anext(aiter(bob.listen()))
        assert (answer.content, answer.reply_to) == ("mine", 3)
    assert await raw.end() == 0


async def test_stdio_lists_gitea_where_it_is_wanted(hub: Hub, home: Path) -> None:
    raw = await Raw.spawn(hub, "ann", home, "--gitea")
    await raw.initialize()
    listed = (await raw.request("tools/list", {}))["result"]["tools"]
    assert [tool["name"] for tool in listed] == [*NAMES, "gitea"]
    assert (await raw.call("gitea", action="get_version"))[0].startswith("GITEA_NOT_CONFIGURED: ")
    assert await raw.end() == 0
