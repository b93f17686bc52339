"""Cancelling any call leaves the client usable, and a client always closes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest

from orochi import ConnectionLost, NotConnected, OrochiClient
from tests.python.hub import DEADLINE, clean_environment

CALLS: dict[str, Callable[[OrochiClient], object]] = {
    "send": lambda client: client.send("#general", "cancelled"),
    "who": lambda client: client.who(),
    "who_detail": lambda client: client.who(detail=True),
    "query_history": lambda client: client.query_history("#general"),
    "search": lambda client: client.search("word"),
    "subscribe": lambda client: client.subscribe("#more"),
    "unsubscribe": lambda client: client.unsubscribe("#more"),
    "update_status": lambda client: client.update_status("busy"),
    "heartbeat": lambda client: client.heartbeat(),
    "receipts": lambda client: client.receipts(1),
    "ask": lambda client: client.ask("alice", "?"),
    "gitea": lambda client: client.gitea("get_version"),
    "listen": lambda client: anext(client.listen()),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_cancelled_call_leaves_the_client_usable(hub, call):
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        await alice.send("#general", "first")
        assert (await anext(bob.listen())).content == "first"
        # At once, after each of the first turns of the loop, and wherever else it is by then.
        for turns in range(8):
            task = asyncio.ensure_future(call(bob))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        await alice.send("#general", "last")
        assert (await anext(bob.listen(channel="#general"))).content == "last"
        receipt = await bob.send("#general", "answer")
        assert (await bob.query_history("#general"))[0]["seq"] == receipt.seq
        assert "bob" in await bob.who()


async def test_cancelled_listeners_lose_nothing(hub):
    count = 300
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        heard = []

        async def listen():
            async for message in bob.listen():
                heard.append(message.content)

        sending = asyncio.gather(*[alice.send("#general", f"{number}") for number in range(count)])
        while len(heard) < count:
            listening = asyncio.create_task(listen())
            for _ in range(3):
                await asyncio.sleep(0)
            listening.cancel()
            await asyncio.wait([listening])
        await sending
        assert heard == [f"{number}" for number in range(count)]


async def test_a_cancelled_connect_leaves_nothing_behind(hub):
    client = hub.client("alice")
    for turns in range(8):
        task = asyncio.create_task(client.connect())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        await client.disconnect()
    async with hub.client("watcher") as watcher:
        while await watcher.who() != {"watcher": ["#general"]}:
            pass
        async with client:
            assert sorted(await client.who()) == ["alice", "watcher"]


async def test_connecting_twice_at_once_is_one_connection(hub):
    client = hub.client("alice")
    await asyncio.gather(client.connect(), client.connect())
    await client.disconnect()
    async with hub.client("watcher") as watcher:
        while await watcher.who() != {"watcher": ["#general"]}:
            pass


@pytest.mark.parametrize("end", ["raise", "cancel"])
async def test_leaving_the_block_closes_however_it_is_left(hub, end):
    client = hub.client("alice")
    inside = asyncio.Event()

    async def work():
        async with client:
            inside.set()
            if end == "raise":
                raise ValueError("the body's own")
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    if end == "cancel":
        task.cancel()
    with pytest.raises(ValueError if end == "raise" else asyncio.CancelledError):
        await task
    assert client.state == "closed"
    async with hub.client("watcher") as watcher:
        while "alice" in await watcher.who():
            pass


async def test_calls_that_wait_end_when_the_client_is_closed(hub):
    async with hub.client("alice") as alice, hub.client("bob"):
        asking = asyncio.create_task(alice.ask("bob", "?"))
        listening = asyncio.create_task(anext(alice.listen(), "the end"))
        while not await alice.query_history("@bob"):
            pass
        # The question's ack is on its way to the task that asks.
        await alice.who()
        await alice.disconnect()
        with pytest.raises(NotConnected, match="closed"):
            await asking
        assert await listening == "the end"


async def test_a_question_ends_with_a_connection_that_does_not_come_back(hub):
    async with hub.client("alice", reconnect=False) as alice, hub.client("bob"):
        asking = asyncio.create_task(alice.ask("bob", "?", timeout=None))
        while not await alice.query_history("@bob"):
            pass
        hub.kill()
        with pytest.raises(ConnectionLost):
            await asking


async def test_seen_waits_for_every_listener_that_is_at_work(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        sent = [await alice.send("#general", f"@bob {number}") for number in range(3)]
        slow, quick = bob.listen(), bob.listen()
        assert (await anext(slow)).content == "@bob 0"
        assert (await anext(quick)).content == "@bob 1"
        assert (await anext(quick)).content == "@bob 2"
        waiting = asyncio.ensure_future(anext(quick))
        end = await alice.send("@bob", "not before the slow one is done")
        assert (await waiting).seq == end.seq
        # Twice the pause between two words about it, in which the hub hears of what it may hear.
        with pytest.raises(TimeoutError):
            await alice.wait_seen(sent[1], timeout=0.5)
        assert (await alice.receipts(sent[0].seq))["bob"] == "delivered"
        # Leaving off is not finishing, but keeps nothing else back.
        await slow.aclose()
        waiting = asyncio.ensure_future(anext(quick))
        assert await alice.wait_seen(end, timeout=DEADLINE) == {"bob": "seen"}
        waiting.cancel()


FORGETFUL = """\
import asyncio, sys
from orochi.client import OrochiClient

async def main():
    client = OrochiClient("forgetful", on_state=print)
    await client.connect()
    asyncio.ensure_future(anext(client.listen()))
    asyncio.ensure_future(client.ask("nobody", "?"))
    await client.send("#general", "done")
    # And ends without a word.

asyncio.run(main())
"""


async def test_a_program_that_forgets_to_close_ends_quietly(hub):
    env = clean_environment({"OROCHI_PORT": str(hub.port)})
    ran = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", FORGETFUL], env=env, capture_output=True, text=True, timeout=DEADLINE
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    async with hub.client("watcher") as watcher:
        while "forgetful" in await watcher.who():
            pass
