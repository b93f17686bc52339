"""Agents' use of messages: send, look up, write directly, answer, ask, and see which were handled."""

from __future__ import annotations

import asyncio

import pytest

from orochi import Message, RequestRefused, RequestTimeout
from tests.python.hub import DEADLINE


async def test_a_receipt_says_where_the_message_is_and_whom_it_reaches(hub):
    async with hub.client("alice") as alice, hub.client("bob"):
        await (client := hub.client("carol")).connect()
        await client.disconnect()
        while "carol" in await alice.who():
            pass
        first = await alice.send("#general", "@bob @carol @dave @alice go")
        assert first.delivery == {"bob": "online", "carol": "offline", "dave": "unknown"}
        assert not first.duplicate
        second = await alice.send("#general", "next")
        assert first.seq is not None
        assert second.seq == first.seq + 1
        assert first.ts is not None
        assert second.ts is not None
        assert first.ts <= second.ts
        assert (second.delivery, len(second.id)) == ({}, 36)


async def test_an_agent_that_listens_is_told_of_as_awake_also_after_the_hub_was_killed(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        assert (await alice.send("@bob", "do you look?")).reach == {"bob": "poll"}
        heard = bob.listen()
        assert (await anext(heard)).content == "do you look?"
        while (await alice.who(detail=True))["bob"]["reach"] != "wake":
            pass
        assert (await alice.send("@bob", "again")).reach == {"bob": "wake"}
        await anext(heard)
        hub.kill()
        hub.start()
        while (await alice.who(detail=True)).get("bob", {}).get("reach") != "wake":
            pass
        assert (await alice.send("@carol", "nobody there")).reach == {}


async def test_sending_again_under_the_same_id_is_one_message(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        first = await alice.send("#general", "once", id="build-42")
        again = await alice.send("#general", "once", id="build-42")
        assert (again.seq, again.duplicate) == (first.seq, True)
        await alice.send("#general", "last")
        heard = bob.listen()
        assert [(await anext(heard)).content for _ in range(2)] == ["once", "last"]
        with pytest.raises(RequestRefused) as refused:
            await alice.send("#general", "other", id="build-42")
        assert refused.value.code == "ID_REUSED"


async def test_who_and_history_are_right_directly_after_a_send(hub):
    async with hub.client("alice", channels=["#general", "#builds"]) as alice, hub.client("bob"):
        for number in range(5):
            receipt = await alice.send("#builds", f"{number}", {"number": number})
            assert await alice.who() == {"alice": ["#builds", "#general"], "bob": ["#general"]}
            newest = (await alice.query_history("#builds"))[0]
            assert (newest["content"], newest["metadata"]) == (f"{number}", {"number": number})
            assert (newest["seq"], newest["msg_id"], newest["ts"]) == (receipt.seq, receipt.id, receipt.ts)


async def test_history_can_be_narrowed(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        sent = [await alice.send("#general", text) for text in ("red one", "green one", "green two")]
        answer = await bob.send("#general", "blue", reply_to=sent[1].seq)

        async def contents(**narrowed):
            return [row["content"] for row in await alice.query_history("#general", **narrowed)]

        assert await contents() == ["blue", "green two", "green one", "red one"]
        assert await contents(limit=1) == ["blue"]
        assert await contents(since=sent[2].ts) == ["blue", "green two"]
        assert await contents(until=sent[0].ts) == ["red one"]
        assert await contents(before=sent[1].seq) == ["red one"]
        assert await contents(after=sent[2].seq) == ["blue"]
        assert await contents(sender="bob") == ["blue"]
        assert await contents(reply_to=sent[1].seq) == ["blue"]
        assert await contents(search="green") == ["green two", "green one"]
        assert [row["content"] for row in await alice.search("green two")] == ["green two"]
        assert (await alice.query_history("#general"))[0]["reply_to"] == sent[1].seq
        assert answer.seq is not None


async def test_a_direct_message_is_between_two(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob, hub.client("eve") as eve:
        receipt = await alice.send("@bob", "only for you, @eve is not here")
        assert receipt.delivery == {"bob": "online"}
        question = await anext(bob.listen(channel="@alice"))
        assert (question.channel, question.sender) == ("@alice", "alice")
        await question.reply("thanks")
        assert (await anext(alice.listen())).channel == "@bob"
        both = [row["content"] for row in await alice.query_history("@bob")]
        assert both == ["thanks", "only for you, @eve is not here"]
        await alice.send("#general", "for all")
        assert (await anext(eve.listen())).content == "for all"
        assert await eve.query_history("@bob") == []


async def test_an_answer_names_what_it_answers(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        question = await alice.send("#general", "who is up?")
        await (await anext(bob.listen())).reply("me", {"since": 5})
        answer = await anext(alice.listen())
        assert (answer.reply_to, answer.content, answer.metadata) == (question.seq, "me", {"since": 5})


async def test_ask_returns_the_answer_and_leaves_the_rest_to_listen(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob:

        async def answer():
            async for message in bob.listen():
                await bob.send("#general", "noise")
                await message.reply(f"{message.content.upper()}!")

        answering = asyncio.create_task(answer())
        answers = await asyncio.gather(*[alice.ask(name, text) for name, text in [("bob", "a"), ("@bob", "b")]])
        assert [(one.content, one.sender) for one in answers] == [("A!", "bob"), ("B!", "bob")]
        heard = alice.listen()
        assert [(await anext(heard)).content for _ in range(2)] == ["noise", "noise"]
        answering.cancel()


async def test_an_answer_that_comes_too_late_comes_to_listen(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        with pytest.raises(RequestTimeout, match="no answer from bob within 0.5 s"):
            await alice.ask("bob", "quick!", timeout=0.5)
        await (await anext(bob.listen())).reply("sorry")
        assert (await anext(alice.listen())).content == "sorry"


async def test_seen_is_what_a_listener_finished_with(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        receipt = await alice.send("#general", "@bob please")
        assert receipt.seq is not None
        messages = bob.listen()
        await anext(messages)
        # Receiving a message does not mark it as handled; requesting the next one does.
        with pytest.raises(RequestTimeout):
            await alice.wait_seen(receipt, timeout=0.5)
        assert await alice.receipts(receipt.seq) == {"bob": "delivered"}
        following = asyncio.ensure_future(anext(messages))
        assert await alice.wait_seen(receipt, timeout=DEADLINE) == {"bob": "seen"}
        await alice.send("#general", "end")
        assert (await following).content == "end"


async def test_a_client_that_leaves_has_told_what_it_finished_with(hub):
    async with hub.client("alice") as alice:
        async with hub.client("bob") as bob:
            first = await alice.send("#general", "@bob one")
            last = await alice.send("#general", "@bob two")
            messages = bob.listen()
            await anext(messages)
            await anext(messages)
        assert await alice.receipts(first.seq) == {"bob": "seen"}
        assert (await alice.receipts(last.seq))["bob"] != "seen"


async def test_listen_can_be_narrowed(hub):
    async with (
        hub.client("alice") as alice,
        hub.client("bob", channels=["#general", "#builds"]) as bob,
        hub.client("carol") as carol,
    ):
        for channel, text in [
            ("#general", "a"),
            ("builds", "b"),
            ("@bob", "c"),
            ("#other", "@bob d"),
            ("#builds", "e"),
        ]:
            await alice.send(channel, text)
        assert (await anext(bob.listen(channel="builds"))).content == "b"
        for_me = bob.listen(mentions_only=True)
        assert [(await anext(for_me)).content for _ in range(2)] == ["c", "@bob d"]
        assert (await anext(bob.listen())).content == "e"
        assert (await anext(carol.listen())).content == "a"


async def test_channels_are_joined_and_left(hub):
    async with hub.client("alice") as alice, hub.client("bob", channels=[]) as bob:
        await bob.subscribe("#news")
        assert (await alice.who())["bob"] == ["#news"]
        await alice.send("#news", "one")
        await bob.unsubscribe("news")
        await alice.send("#news", "two")
        await alice.send("@bob", "three")
        heard = bob.listen()
        assert [(await anext(heard)).content for _ in range(2)] == ["one", "three"]


async def test_status_and_presence_come_as_frames_to_who_asks(hub):
    async with hub.client("watcher", events=["presence_change", "status_update"]) as watcher:
        events = watcher.listen()
        assert (await anext(events)).payload["agent"] == "watcher"
        async with hub.client("bob", project="backend", model="m1") as bob:
            joined = await anext(events)
            assert (joined.type, joined.seq) == ("presence_change", None)
            assert (joined.payload["agent"], joined.payload["event"]) == ("bob", "connected")
            await bob.update_status("busy", "tests", progress=0.5)
            status = await anext(events)
            assert (status.type, status.payload["status"], status.payload["progress"]) == ("status_update", "busy", 0.5)
            await bob.update_status(progress=None)
            status = await anext(events)
            assert (status.payload["current_task"], status.payload["progress"]) == ("tests", None)
            await bob.heartbeat()
            row = (await watcher.who(detail=True))["bob"]
            assert (row["status"], row["model"], row["project"]) == ("busy", "m1", "backend")
        assert (await anext(events)).payload["event"] == "disconnected"


async def test_the_senders_own_keys_and_scripts_arrive_whole(hub):
    text = '日本語 🐍 \u2028 "quoted" \\ \x7f'
    metadata = {"nested": {"list": [1, 2.5, None, True]}, "ключ": "значение"}
    async with hub.client("ålice-1.x") as alice, hub.client("ボブ") as bob:
        await alice.send("#канал", f"@ボブ {text}", metadata)
        message = await anext(bob.listen())
        assert (message.channel, message.sender, message.content) == ("#канал", "ålice-1.x", f"@ボブ {text}")
        assert (message.metadata, message.mentions) == (metadata, ["ボブ"])
        assert Message.from_json(message.to_json()) == message
