"""0.1.0's client, unmodified, against this hub."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from tests.interop.old import Old
from tests.python.hub import DEADLINE, Hub


async def test_its_agents_talk_ask_and_answer(old: Old) -> None:
    said = await old.script("talk.py")
    heard = said["heard"]
    # Frames that it does not know would be among these: its listen() yields all but acks.
    assert [(msg["type"], msg["sender"], msg["channel"], msg["content"]) for msg in heard] == [
        ("message", "alice", "#general", "hello @bob"),
        ("message", "alice", "#builds", "only a mention: @bob"),
        ("message", "dave", "#general", "the end"),
    ]
    assert heard[0]["mentions"] == ["bob"]
    assert [msg["metadata"] for msg in heard] == [{"n": 1.5}, {}, {}]
    assert datetime.fromisoformat(heard[0]["ts"]).utcoffset() is not None
    assert [msg["content"] for msg in said["dave"]] == ["to dave", "never"]

    assert said["who"]["bob"] == ["#general"]
    assert said["who"]["carol"] == ["#general"]
    assert [row["content"] for row in said["builds"]] == ["not for the other"]
    assert [row["content"] for row in said["since"]] == ["hello @bob"]
    row = said["since"][0]
    assert set(row) >= {"msg_id", "ts", "channel", "sender", "content", "mentions", "metadata"}
    assert (row["channel"], row["sender"], row["mentions"], row["metadata"]) == (
        "#general",
        "alice",
        ["bob"],
        {"n": 1.5},
    )
    assert said["none"] == []


async def test_a_refusal_is_an_error_that_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    folder.mkdir()
    with Hub(folder, token="s3cret") as hub:
        said = await Old(hub, tmp_path).script("refused.py")
        # It sends its register before it reads: the close can be there first, as with its own server.
        assert "AUTH_FAILED" in said["wrong"] or "4001" in said["wrong"], said
        assert said["right"] == "connected"
        assert "INVALID_NAME" in said["name"]


async def test_it_and_this_client_talk_to_each_other(hub: Hub, old: Old) -> None:
    async with hub.client("watcher", channels=["#general", "#builds"]) as watcher:
        script = asyncio.create_task(old.script("talk.py"))
        seen = []
        async with asyncio.timeout(DEADLINE):
            async for msg in watcher.listen():
                seen.append((msg.sender, msg.channel, msg.content, list(msg.mentions), dict(msg.metadata)))
                if msg.content == "never":
                    break
        said = await script
    assert seen == [
        ("alice", "#general", "hello @bob", ["bob"], {"n": 1.5}),
        ("alice", "#builds", "only a mention: @bob", ["bob"], {}),
        ("alice", "#builds", "not for the other", [], {}),
        ("dave", "#general", "the end", [], {}),
        ("bob", "#general", "to dave", [], {}),
        ("bob", "#general", "never", [], {}),
    ]
    assert said["who"]["watcher"] == ["#builds", "#general"]
