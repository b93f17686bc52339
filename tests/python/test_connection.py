"""Messages and calls while the hub goes away and comes back, and while a client starts again."""

from __future__ import annotations

import asyncio

import pytest

from orochi import ConnectionLost, NotConnected
from tests.python.hub import DEADLINE


async def take(client, count):
    messages = client.listen()
    return [(await anext(messages)).content for _ in range(count)]


async def test_what_was_missed_while_away_comes_first(hub):
    async with hub.client("alice") as alice:
        async with hub.client("bob", resume="stored") as bob:
            for text in ("one", "two", "three"):
                await alice.send("#general", text)
            # Two is taken and not finished with: the program stops while it works on it.
            assert await take(bob, 2) == ["one", "two"]
        await alice.send("#general", "four")
        async with hub.client("bob", resume="stored") as bob:
            await alice.send("#general", "five")
            assert await take(bob, 4) == ["two", "three", "four", "five"]


async def test_caught_up_returns_when_what_was_missed_is_there(hub):
    async with hub.client("alice") as alice:
        await alice.caught_up()
        for number in range(3000):
            await alice.send("#general", f"{number}")
        async with hub.client("bob", resume=0) as bob:
            await bob.caught_up()
            await alice.send("#general", "later")
            assert await take(bob, 3001) == [f"{number}" for number in range(3000)] + ["later"]
            await bob.caught_up()


async def test_history_is_whole_however_many_answers_it_takes(hub):
    async with hub.client("alice") as alice:
        sent = [await alice.send("#big", f"{number}" + "x" * 250_000) for number in range(12)]
        rows = await alice.query_history("#big", limit=10)
        assert [row["seq"] for row in rows] == [receipt.seq for receipt in reversed(sent)][:10]
        assert len(await alice.query_history("#big", limit=1000)) == 12
        assert (await alice.who())["alice"] == ["#general"]
        assert (await alice.who(detail=True))["alice"]["online"]
        assert await alice.receipts(sent[0].seq) == {}


async def test_work_is_left_for_an_agent_that_never_was_there(hub):
    async with hub.client("alice") as alice:
        await alice.send("#general", "not for you")
        await alice.send("@bob", "for you")
        await alice.send("#jobs", "@bob too")
        async with hub.client("bob", resume="stored") as bob:
            assert await take(bob, 2) == ["for you", "@bob too"]


async def test_a_seq_says_from_where(hub):
    async with hub.client("alice") as alice:
        sent = [await alice.send("#general", text) for text in ("one", "two", "three")]
        async with hub.client("bob", resume=sent[0].seq) as bob:
            assert await take(bob, 2) == ["two", "three"]
        async with hub.client("carol") as carol:
            await alice.send("#general", "four")
            assert await take(carol, 1) == ["four"]


async def test_a_killed_hub_loses_and_doubles_nothing(hub):
    states: asyncio.Queue[str] = asyncio.Queue()
    count = 600
    async with hub.client("alice", on_state=states.put) as alice, hub.client("bob") as bob:
        heard = asyncio.create_task(take(bob, count))
        sending = [asyncio.ensure_future(alice.send("#general", f"{number}")) for number in range(count)]
        await sending[50]
        hub.kill()
        assert await states.get() == "reconnecting"
        hub.restart()
        receipts = await asyncio.gather(*sending)
        assert await states.get() == "connected"
        assert await heard == [f"{number}" for number in range(count)]
        seqs = [receipt.seq for receipt in receipts]
        assert seqs == sorted(set(seqs))
        rows = await alice.query_history("#general", limit=1000)
        assert [row["content"] for row in rows] == [f"{number}" for number in reversed(range(count))]
    assert await states.get() == "closed"


async def test_a_failing_on_state_is_reported_and_called_again(hub):
    faults: asyncio.Queue[str] = asyncio.Queue()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.put_nowait(context["message"]))

    async def fail(state):
        raise ValueError(state)

    async with hub.client("alice", on_state=fail):
        hub.restart()
        for state in ("reconnecting", "connected"):
            assert await faults.get() == f"on_state('{state}') of an OrochiClient raised"


async def test_on_state_may_close_the_client(hub):
    states = []

    async def leave(state):
        states.append(state)
        await client.disconnect()

    client = hub.client("alice", on_state=leave)
    await client.connect()
    hub.kill()
    messages = client.listen()
    assert [message async for message in messages] == []
    assert states == ["reconnecting"]


async def test_requests_wait_for_the_hub_to_come_back(hub):
    async with hub.client("alice", channels=["#general", "#left"], timeout=DEADLINE) as alice:
        await alice.subscribe("#joined")
        await alice.unsubscribe("#left")
        hub.kill()
        asked = [asyncio.ensure_future(alice.who()), asyncio.ensure_future(alice.query_history("#quiet"))]
        sent = asyncio.ensure_future(alice.send("#general", "when you are back"))
        hub.restart()
        # Only the channels that it is in now.
        assert (await asked[0])["alice"] == ["#general", "#joined"]
        assert await asked[1] == []
        assert (await sent).seq == 1


async def test_stopping_and_starting_a_hub_goes_unnoticed_by_listeners(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        messages = bob.listen()
        for turn in range(3):
            await alice.send("#general", f"{turn}")
            assert (await anext(messages)).content == f"{turn}"
            hub.restart()


async def test_who_does_not_want_to_come_back_is_told(hub):
    async with hub.client("alice", reconnect=False) as alice:
        await alice.send("#general", "one")
        waiting = asyncio.ensure_future(anext(alice.listen()))
        hub.kill()
        with pytest.raises(ConnectionLost, match=r"the connection to ws://127\.0\.0\.1:\d+ was lost: "):
            await waiting
        with pytest.raises(ConnectionLost):
            await alice.send("#general", "two")
        assert alice.state == "closed"


async def test_a_client_can_connect_again(hub):
    client = hub.client("alice")
    for _ in range(2):
        async with client:
            assert list(await client.who()) == ["alice"]
            await client.connect()
        assert client.state == "closed"
        await client.disconnect()
        with pytest.raises(NotConnected, match="Not connected"):
            await client.who()


async def test_listen_ends_quietly_when_the_client_is_closed(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        await alice.send("#general", "one")
        listening = asyncio.ensure_future(collect(bob))
        await alice.send("#general", "two")
        while (await alice.query_history("#general"))[0]["content"] != "two":
            pass
        first = bob.listen()
        await first.aclose()
        await alice.wait_seen(await alice.send("#general", "@bob three"))
        await bob.disconnect()
        assert await listening == ["one", "two", "@bob three"]


async def collect(client):
    return [message.content async for message in client.listen()]


async def test_the_newer_one_of_a_name_can_take_over(hub):
    async with hub.client("alice") as first:
        waiting = asyncio.ensure_future(anext(first.listen()))
        async with hub.client("alice", conflict="replace") as second:
            with pytest.raises(ConnectionLost, match="took this name over|replaced"):
                await waiting
            assert list(await second.who()) == ["alice"]
            assert first.state == "closed"


async def test_two_of_a_name_both_get_what_is_said(hub):
    async with hub.client("bob") as one, hub.client("bob") as two, hub.client("alice") as alice:
        await alice.send("#general", "hello")
        assert await take(one, 1) == await take(two, 1) == ["hello"]
        await one.disconnect()
        await alice.send("#general", "still")
        assert await take(two, 1) == ["still"]


async def test_an_agent_that_never_listens_can_work_for_ever(hub):
    async with hub.client("busy") as busy, hub.client("other") as other:
        for _ in range(20):
            await asyncio.gather(*[other.send("#general", "x" * 1000) for _ in range(100)])
            assert "other" in await busy.who()
        assert len(await busy.query_history("#general", limit=1000)) == 1000
        await busy.send("@other", "done")
        assert await take(other, 1) == ["done"]
