"""Message is what scitex-orochi 0.1.0's was, and a little more."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from orochi import Message


def test_it_is_made_as_before():
    message = Message("message", "alice")
    assert (message.type, message.sender, message.payload, message.seq) == ("message", "alice", {}, None)
    assert str(uuid.UUID(message.id)) == message.id
    assert datetime.fromisoformat(message.ts).utcoffset() == timedelta(0)
    assert message.payload is not Message("message", "alice").payload
    by_place = Message("message", "alice", {"channel": "#a"}, "1", "2026-01-01")
    by_name = Message(type="message", sender="alice", payload={"channel": "#a"}, id="1", ts="2026-01-01")
    assert by_place == by_name
    assert by_place != Message("message", "alice", {"channel": "#a"}, "1", "2026-01-01", seq=1)
    assert by_place != "message"


def test_it_is_written_as_before():
    message = Message("message", "alice", {"channel": "#a", "content": "é"}, "1", "2026-01-01")
    text = '{"type": "message", "sender": "alice", "payload": {"channel": "#a", "content": "\\u00e9"}, '
    assert message.to_json() == text + '"id": "1", "ts": "2026-01-01"}'
    assert repr(message).startswith("Message(type='message', sender='alice', payload={")


@pytest.mark.parametrize("encode", [str, str.encode], ids=["text", "bytes"])
def test_reading_what_was_written_gives_the_same(encode):
    for message in (Message("message", "a", {"content": "é"}), Message("ack", "b", seq=7)):
        assert Message.from_json(encode(message.to_json())) == message


def test_what_is_left_out_is_filled_in():
    message = Message.from_json('{"type": "presence"}')
    assert (message.sender, message.payload, message.seq) == ("unknown", {}, None)
    assert uuid.UUID(message.id)
    assert datetime.fromisoformat(message.ts)
    assert (message.channel, message.content, message.metadata, message.mentions) == ("", "", {}, [])
    assert message.reply_to is None


@pytest.mark.parametrize(
    ("content", "mentions"),
    [
        ("@alice and @bob, @alice again", ["alice", "bob"]),
        ("mail me@host.com", []),
        ("@gpu-1.lab, done.", ["gpu-1.lab"]),
        ("ask @ボブ.", ["ボブ"]),
        ("@", []),
    ],
)
def test_mentions_follow_the_protocol(content, mentions):
    assert Message("message", "a", {"content": content}).mentions == mentions


def test_mentions_are_those_of_the_table_where_nobody_is_registered():
    cases = json.loads((Path(__file__).parents[1] / "words" / "mentions.json").read_text("utf-8"))
    for case in cases:
        if not case.get("registered"):
            assert Message("message", "a", {"content": case["content"]}).mentions == case["mentions"], case


def test_the_hubs_list_of_mentions_counts():
    assert Message("message", "a", {"content": "@x", "mentions": ["y"]}).mentions == ["y"]


async def test_a_received_message_reads_the_same_however_it_is_looked_at(hub):
    texts = ["plain", 'with "quotes" and\nlines', "日本語 @bob", "\\u0041 \u2028 \x00", ""]
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        messages = bob.listen()
        for text in texts:
            receipt = await alice.send("#general", text, {"k": text})
            quick = await anext(messages)
            # The parts that are read first, before and after the whole frame was decoded.
            parts = (quick.sender, quick.channel, quick.content)
            assert parts == ("alice", "#general", text)
            assert (quick.seq, quick.id, quick.ts, quick.type) == (receipt.seq, receipt.id, receipt.ts, "message")
            assert quick.metadata == {"k": text}
            assert (quick.sender, quick.channel, quick.content) == parts
            assert Message(**json.loads(quick.to_json())) == quick


async def test_a_received_messages_payload_can_be_changed(hub):
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        await alice.send("#general", "before")
        message = await anext(bob.listen())
        assert message.content == "before"
        message.payload["content"] = "after"
        assert message.content == "after"
        assert '"after"' in message.to_json()
