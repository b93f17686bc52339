"""A client and event loops: more than one, none any more, and a client that the program drops."""

from __future__ import annotations

import asyncio
import gc
import threading
import time

import pytest

from orochi import NotConnected, OrochiError
from tests.python.hub import DEADLINE


def offline(hub, name: str) -> bool:
    """Waits for the hub to list the agent as offline. Returns true if it does."""

    async def look() -> bool:
        async with hub.client("watcher") as watcher:
            until = time.monotonic() + DEADLINE / 2
            while name in await watcher.who():
                if time.monotonic() > until:
                    return False
            return True

    return asyncio.run(look(), debug=True)


def test_loop_after_loop_serves_one_client(hub):
    client = hub.client("alice")
    unanswered: list[object] = []

    async def first() -> None:
        await client.connect()
        await client.send("#general", "one")
        unanswered.append(asyncio.ensure_future(client.send("#general", "two")))
        await asyncio.sleep(0)

    async def second() -> None:
        async with hub.client("bob") as bob:
            await bob.send("@alice", "are you there?")
        message = await asyncio.wait_for(anext(client.listen()), DEADLINE)
        assert message.content == "are you there?"
        async with hub.client("carol") as carol:
            answering = asyncio.create_task(answer(carol))
            assert (await client.ask("carol", "?")).content == "!"
            await answering

    async def answer(agent) -> None:
        await (await anext(agent.listen())).reply("!")

    asyncio.run(first(), debug=True)
    asyncio.run(second(), debug=True)
    asyncio.run(client.disconnect(), debug=True)
    assert client.state == "closed"
    assert offline(hub, "alice")


def test_loop_of_another_thread_keeps_its_client_and_can_be_disconnected_from(hub):
    client = hub.client("alice")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(client.connect(), loop).result(DEADLINE)
        listening = asyncio.run_coroutine_threadsafe(anext(client.listen(), "the end"), loop)

        async def elsewhere() -> None:
            calls = [client.send("#general", "x"), client.ask("bob", "?"), anext(client.listen()), client.connect()]
            for call in calls:
                with pytest.raises(OrochiError, match="event loop of another thread"):
                    await call
            await client.disconnect()

        asyncio.run(elsewhere(), debug=True)
        assert listening.result(DEADLINE) == "the end"
        assert offline(hub, "alice")
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DEADLINE)
        loop.close()


@pytest.mark.parametrize("where", ["here", "in another thread", "after its loop"])
def test_dropped_clients_close_and_warn(hub, where):
    clients = []
    dropped = threading.Event()

    async def drop() -> None:
        clients.append(client := hub.client("dropped", on_state=None))
        await client.connect()
        listener = client.listen()
        waiting = asyncio.ensure_future(anext(listener))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        del client, listener, waiting
        if where == "here":
            clear()
        elif where == "in another thread":
            await asyncio.to_thread(clear)
        if where != "after its loop":
            assert dropped.is_set()
            # The loop goes on, with other clients at the same descriptors.
            for _ in range(3):
                async with hub.client("next") as other:
                    await other.send("#general", "x")

    def release() -> None:
        clients.clear()
        gc.collect()

    def clear() -> None:
        with pytest.warns(ResourceWarning, match="OrochiClient 'dropped' was dropped while connected"):
            release()
        dropped.set()

    asyncio.run(drop(), debug=True)
    if where == "after its loop":
        clear()
    assert offline(hub, "dropped")


async def test_connect_that_waits_for_another_ends_when_disconnect_is_called_meanwhile(hub):
    client = hub.client("alice")
    connecting = [asyncio.create_task(client.connect()) for _ in range(2)]
    # The first one has connected, and the second one has not noticed.
    while client.state != "connected":
        await asyncio.sleep(0)
    await client.disconnect()
    first, second = await asyncio.gather(*connecting, return_exceptions=True)
    assert first is None
    assert isinstance(second, NotConnected)
    assert client.state == "closed"


async def test_connect_ends_when_disconnect_is_called_meanwhile(hub):
    client = hub.client("alice")
    for turns in range(1, 40):
        connecting = [asyncio.create_task(client.connect()) for _ in range(2)]
        for _ in range(turns):
            await asyncio.sleep(0)
        await client.disconnect()
        for ended in await asyncio.gather(*connecting, return_exceptions=True):
            assert ended is None or isinstance(ended, NotConnected), ended
        assert client.state == "closed"
    async with hub.client("watcher") as watcher:
        while "alice" in await watcher.who():
            pass
    async with client:
        assert client.state == "connected"


async def test_listener_survives_a_wait_that_times_out(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        heard: list[str] = []
        messages = bob.listen()
        for number in range(40):
            sending = asyncio.ensure_future(alice.send("#general", f"{number}"))
            while len(heard) <= number:
                try:
                    heard.append((await asyncio.wait_for(anext(messages), 0.001)).content)
                except TimeoutError:
                    continue
            await sending
        assert heard == [f"{number}" for number in range(40)]
        await bob.disconnect()
        with pytest.raises(StopAsyncIteration):
            await anext(messages)


async def test_wait_seen_waits_for_known_agents_only(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        receipt = await alice.send("#general", "@bob look at\n@pytest.mark.slow")
        assert receipt.delivery["bob"] == "online"
        messages = bob.listen()
        await anext(messages)
        reading = asyncio.ensure_future(anext(messages, None))
        seen = await alice.wait_seen(receipt)
        assert seen.pop("bob") == "seen"
        assert seen
        assert set(seen.values()) == {"unknown"}
        nobody = await alice.send("#general", "@nobody-at-all")
        assert (await alice.wait_seen(nobody))["nobody-at-all"] == "unknown"
        reading.cancel()
