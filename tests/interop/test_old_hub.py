"""This client against 0.1.0's server, unmodified."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orochi import OrochiClient
from orochi.exceptions import UnsupportedByHub
from tests.interop.old import SCRIPTS, end, line, python
from tests.python.hub import DEADLINE, clean_environment


@pytest.fixture
async def old_port(tmp_path: Path) -> AsyncIterator[int]:
    """The agent port of a 0.1.0 hub."""
    process = await asyncio.create_subprocess_exec(
        str(python()),
        str(SCRIPTS / "hub.py"),
        str(tmp_path / "old.db"),
        env=clean_environment(),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield int(await line(process.stdout))
    finally:
        await end(process)


async def test_agents_talk_ask_and_answer_through_an_old_hub(old_port: int) -> None:
    async with (
        OrochiClient("alice", "127.0.0.1", old_port, channels=["#general"]) as alice,
        OrochiClient("bob", "127.0.0.1", old_port, channels=["#ops"]) as bob,
    ):
        for n in range(3):
            receipt = await alice.send("#general", f"number {n} @bob", {"n": n})
            assert receipt.seq is None
            # Right after a send: 0.1.0's own client would read the send's ack here.
            assert await alice.who() == {"alice": ["#general"], "bob": ["#ops"]}
            history = await alice.query_history("#general")
            assert [row["metadata"]["n"] for row in history] == list(range(n, -1, -1))
        await bob.subscribe("#general")
        await bob.update_status("busy", "listening")
        await alice.send("#general", "the end")
        heard = []
        async with asyncio.timeout(DEADLINE):
            async for msg in bob.listen():
                heard.append((msg.type, msg.sender, msg.channel, msg.content, msg.seq))
                if msg.content == "the end":
                    break
        contents = ["number 0 @bob", "number 1 @bob", "number 2 @bob", "the end"]
        assert heard == [("message", "alice", "#general", content, None) for content in contents]


async def test_what_an_old_hub_cannot_do_is_said(old_port: int) -> None:
    async with OrochiClient("alice", "127.0.0.1", old_port) as alice:
        with pytest.raises(UnsupportedByHub):
            await alice.search("words")
        # And the client goes on.
        assert await alice.who() == {"alice": ["#general"]}
