"""The ten steps as checks. Each fails with a sentence that names the frame or the event that is wrong."""

from __future__ import annotations

import itertools
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tests.conformance.kit.program import Program
from tests.conformance.kit.proxy import Frame
from tests.conformance.kit.stage import CHANNEL, Stage, friend_of

__all__ = ["STEPS"]

FRAME_BYTES_MAX = 1024 * 1024
# Each of fifteen cuts takes a client some two seconds.
CUTS_PATIENCE = 120.0
ODD = 'a\u0000b \u2028 \u202e \U0001f980 e\u0301 交给@friendさん "\\/ \ud7ff\ue000'


async def connects(stage: Stage) -> None:
    """A wrong token is final; the right one is shown in the address or the handshake."""
    async with Program(stage.command) as wrong:
        await stage.join(wrong, token="wrong")
        await wrong.event("final", code="AUTH_FAILED")
        # It must not come again; a client that does takes less than this.
        with suppress(AssertionError):
            await stage.proxy.until("another connection", lambda proxy: len(proxy.links) > 1, patience=2)
        assert len(stage.proxy.links) == 1, "it connected again with a token that is wrong"
    await stage.joined()


async def registers(stage: Stage) -> None:
    """`register` is the first frame of each connection, with a resume, and the ack is waited for."""
    await stage.joined()
    await again(stage)
    for link in stage.proxy.links:
        first = link.sent[0]
        assert first["type"] == "register", f"the first frame is {first}"
        assert first["sender"] == "kit", f"the register's sender is {first.get('sender')!r}"
        assert CHANNEL in first["payload"]["channels"], f"the register names {first['payload'].get('channels')}"
        assert first["payload"].get("resume") is not None, f"without resume messages are lost: {first}"


async def keeps_a_position(stage: Stage) -> None:
    """An ack's seq is no position: messages before it are requested again."""
    await stage.joined()
    # The program's own message is acked while the friend's earlier one is held back, and then the line is cut.
    stage.proxy.rewrite = lambda frame: None if frame["type"] == "message" else frame
    await stage.friend.say("held back")
    await stage.program.do("send", key="own", channel=CHANNEL, content="own")
    await stage.program.event("acked", key="own")
    stage.proxy.rewrite = lambda frame: frame
    await again(stage)
    await stage.program.event("message", content="held back")


async def takes_each_once(stage: Stage) -> None:
    """Through fifteen cuts, most of them in a replay, every message comes once and in order, also delivered twice."""
    # A library that does not notice each cut is saved by step 7, here within seconds.
    stage.proxy.rewrite = beating_each_second
    await stage.joined()
    stage.proxy.repeats = True
    chance = random.Random(16)
    stage.proxy.cuts = [chance.randint(4, 12) for _ in range(15)]
    for number in range(200):
        await stage.friend.say(str(number))
    await stage.program.until(
        "all 200 messages", lambda _: any(one["content"] == "199" for one in stage.program.messages()), CUTS_PATIENCE
    )
    assert not stage.proxy.cuts, f"it was cut less often than it should be: {stage.proxy.cuts} are left"
    received = [(event["seq"], event["content"]) for event in stage.program.messages()]
    expected = [(seq, str(seq - 1)) for seq in range(1, 201)]
    wrong = next((at for at, one in enumerate(received) if at >= 200 or one != expected[at]), len(received))
    before, after = ([seq for seq, _ in part] for part in (received[:wrong][-3:], received[wrong:][:3]))
    assert received == expected, f"it received seqs {before} and then {after}"


async def makes_ids(stage: Stage) -> None:
    """Ids are new in each run of the program: a second run's messages are no repetitions of the first's."""
    for run in range(2):
        async with Program(stage.command) as program:
            await stage.join(program)
            for number in range(5):
                await program.do("send", key=str(number), channel=CHANNEL, content=f"{run} {number}")
            for number in range(5):
                await program.event("acked", key=str(number))
            assert await program.close() == 0, "it did not end with 0"
    ids = [frame["id"] for frame in stage.proxy.sent("message")]
    assert len(set(ids)) == 10, f"ids were used again: {ids}"
    assert all(len(one) >= 16 for one in ids), f"too short to be new in the world: {ids}"
    heard = [message["payload"]["content"] for message in await stage.friend.hear(10)]
    assert heard == [f"{run} {number}" for run in range(2) for number in range(5)], f"others got {heard}"


async def beats(stage: Stage) -> None:
    """A heartbeat comes at the interval of the ack, and `seen` reports the handled messages."""
    stage.proxy.rewrite = beating_each_second
    await stage.joined()
    seq = await stage.friend.say("deal with this")
    await stage.program.event("message", seq=seq)
    await stage.program.do("seen", seq=seq)
    beats = stage.proxy.sent
    await stage.proxy.until(
        f"a heartbeat with 'seen': {seq}",
        lambda _: any(beat["payload"].get("seen") == seq for beat in beats("heartbeat")),
    )
    before = len(beats("heartbeat"))
    await stage.proxy.until("two more heartbeats, one a second", lambda _: len(beats("heartbeat")) >= before + 2)


async def notices_silence(stage: Stage) -> None:
    """A silence of three heartbeats means that the hub is dead, although the connection is open; a shorter one does
    not.
    """
    stage.proxy.rewrite = beating_each_second
    await stage.joined()
    beats = stage.proxy.sent
    await stage.proxy.until(
        "four heartbeats, one a second", lambda it: len(beats("heartbeat")) >= 4 or len(it.links) > 1
    )
    assert len(stage.proxy.links) == 1, "it left a hub that answered each heartbeat"
    stage.proxy.fall_silent()
    seq = await stage.friend.say("said in the silence")
    # A slow machine has its time too; a client that waits for a minute has not.
    await stage.proxy.until("a new connection, three seconds into the silence", lambda it: len(it.links) > 1, 20)
    # Not from the beginning of the silence: an answer may have been held then, and so be missed for longer.
    waited = stage.proxy.links[1].began - stage.proxy.links[0].heard
    assert waited > 1.5, f"it took the hub for dead {waited:.1f} s after its last frame, with a heartbeat of 1 s"
    await stage.program.event("message", seq=seq)


async def comes_back(stage: Stage) -> None:
    """Turned away three times, it waits longer each time, and then is there."""
    await stage.joined()
    stage.proxy.refusing = 3
    await again(stage)
    times = [*stage.proxy.refused, stage.proxy.links[-1].began]
    waits = [round(later - earlier, 2) for earlier, later in itertools.pairwise(times)]
    assert len(waits) == 3, f"it came {len(waits)} times"
    assert waits[-1] > 1.3 * waits[0], f"it does not wait longer each time: {waits} s"
    # The page's rule gives 7 to 14 s. A client that begins with shorter waits is still polite.
    assert sum(waits) > 0.65, f"it hammers a hub that is away: {waits} s"


async def waits_to_register(stage: Stage) -> None:
    """A register that is refused with `retry_after` is not repeated before that time."""
    await stage.joined()
    stage.proxy.answer = lambda frame: refusal(frame, "RATE_LIMITED", 3) if frame["type"] == "register" else None
    refused = len(stage.proxy.sent("register"))
    stage.proxy.cut()
    await stage.proxy.until("a register", lambda proxy: len(proxy.sent("register")) > refused)
    first = time.monotonic()
    stage.proxy.answer = lambda frame: None
    await stage.proxy.until("another register", lambda proxy: len(proxy.sent("register")) > refused + 1)
    waited = time.monotonic() - first
    assert waited > 2.7, f"retry_after was 3 s; it registered again after {waited:.1f} s"
    await stage.program.until("a register", lambda _: count(stage.program, "registered") > 1)


async def resumes(stage: Stage) -> None:
    """The register after a cut has the position and the epoch; RESUME_BEYOND is answered with `stored`."""
    await stage.joined()
    seq = await stage.friend.say("one")
    await stage.program.event("message", seq=seq)
    await again(stage)
    payload = stage.proxy.links[-1].sent[0]["payload"]
    epoch = next(frame["payload"]["epoch"] for frame in stage.proxy.links[0].received if "epoch" in frame["payload"])
    assert payload.get("resume") == seq, f"its position is {seq}, the register says {payload}"
    assert payload.get("epoch") == epoch, f"the epoch is {epoch}, the register says {payload}"

    def beyond(frame: Frame) -> Frame | None:
        has_position = frame["type"] == "register" and isinstance(frame["payload"].get("resume"), int)
        return refusal(frame, "RESUME_BEYOND") if has_position else None

    stage.proxy.answer = beyond
    await again(stage)
    last = stage.proxy.sent("register")[-1]
    assert last["payload"].get("resume") == "stored", f"after RESUME_BEYOND it registered with {last}"
    stage.proxy.answer = lambda frame: None
    seq = await stage.friend.say("two")
    await stage.program.event("message", seq=seq)


async def resumes_what_it_joined(stage: Stage) -> None:
    """A channel that was joined later is joined again, from there on: `joined` says so in the register."""
    await stage.joined()
    # Before the program has a position, and after.
    for channel in ("#early", "#later"):
        before = await stage.friend.say("before it joined", channel)
        await stage.program.do("join", channel=channel)
        await stage.program.event("joined", channel=channel)
        # The next message is lost with the connection, so the position stays before the join.
        stage.proxy.rewrite = lambda frame: None if frame["type"] == "message" else frame
        after = await stage.friend.say("after it joined", channel)
        stage.proxy.rewrite = lambda frame: frame
        await again(stage)
        await stage.program.event("message", seq=after)
        register = stage.proxy.links[-1].sent[0]
        assert channel in register["payload"]["channels"], f"the register leaves {channel} out: {register}"
        seqs = [event["seq"] for event in stage.program.messages()]
        assert before not in seqs, f"{channel} was joined after seq {before}; it received {seqs}, after {register}"


async def survives_another_log(stage: Stage) -> None:
    """A hub with another log begins its seqs again: its messages are not taken for old ones."""
    await stage.joined()
    for number in range(5):
        await stage.friend.say(f"old {number}")
    await stage.program.event("message", content="old 4")
    stage.hub.stop()
    for file in stage.folder.glob("orochi*"):
        file.unlink()
    registered = count(stage.program, "registered")
    stage.hub.start()
    await stage.program.until("a register", lambda _: count(stage.program, "registered") > registered)
    await stage.program.do("send", key="new", channel=CHANNEL, content="new")
    await stage.program.event("acked", key="new")
    async with friend_of(stage.hub) as friend:
        await friend.say("in the other log")
    await stage.program.event("message", content="in the other log")


async def sends_again(stage: Stage) -> None:
    """Unanswered requests are sent again under their ids, in order; those that can't be sent are refused at once."""
    await stage.joined()
    stage.proxy.rewrite = lambda frame: None if frame["type"] == "ack" and "delivery" in frame["payload"] else frame
    for number in range(20):
        await stage.program.do("send", key=str(number), channel=CHANNEL, content=str(number))
    await stage.proxy.until("a message", lambda proxy: bool(proxy.sent("message")))
    stage.proxy.rewrite = lambda frame: frame
    await again(stage)
    # No ack has passed, so all of them are sent on the second connection.
    resent = stage.proxy.links[-1].sent
    await stage.proxy.until("the last message again", lambda _: any(is_message(frame, "19") for frame in resent))
    ids: dict[str, str] = {}
    for frame in stage.proxy.sent("message"):
        known = ids.setdefault(frame["payload"]["content"], frame["id"])
        assert frame["id"] == known, f"it was sent as {known} before, and is sent again under another id: {frame}"
    for number in range(20):
        await stage.program.event("acked", key=str(number))
    heard = [message["payload"]["content"] for message in await stage.friend.hear(20)]
    assert heard == [str(number) for number in range(20)], f"others got {heard}"
    await stage.program.do("send", key="large", channel=CHANNEL, content="x" * (FRAME_BYTES_MAX + 1))
    await stage.program.event("refused", key="large")
    largest = max(link.largest for link in stage.proxy.links)
    assert largest <= FRAME_BYTES_MAX, f"it sent a frame of {largest} bytes"


async def waits_to_send(stage: Stage) -> None:
    """A message that is refused with `retry_after` is given up, or sent again under its id after that time."""
    await stage.joined()
    refused: list[Frame] = []

    def once(frame: Frame) -> Frame | None:
        if frame["type"] != "message" or refused:
            return None
        refused.append(frame)
        return refusal(frame, "STORE_UNAVAILABLE", 3)

    stage.proxy.answer = once
    first = time.monotonic()
    await stage.program.do("send", key="1", channel=CHANNEL, content="the disk was full")
    answers = ("acked", "refused")
    await stage.program.until("acked or refused", lambda events: any(one["event"] in answers for one in events))
    waited = time.monotonic() - first
    frames = stage.proxy.sent("message")
    assert len(frames) == 1 or waited > 2.7, f"retry_after was 3 s; it sent the message again after {waited:.1f} s"
    assert len({frame["id"] for frame in frames}) == 1, f"it sent the message again under another id: {frames}"


async def speaks_unicode(stage: Stage) -> None:
    """Every character arrives as it was sent, in both directions."""
    await stage.joined()
    await stage.friend.say(ODD)
    await stage.program.event("message", content=ODD)
    await stage.program.do("send", key="odd", channel=CHANNEL, content=ODD)
    await stage.program.event("acked", key="odd")
    heard = (await stage.friend.hear(1))[0]["payload"]["content"]
    assert heard == ODD, f"others got {heard!r}, not {ODD!r}"


def is_message(frame: Frame, content: str) -> bool:
    """True if a frame of the program is this message."""
    return bool(frame["type"] == "message" and frame["payload"].get("content") == content)


def beating_each_second(frame: Frame) -> Frame:
    """The hub's frame with a heartbeat of one second in a register's ack."""
    if "heartbeat" in frame["payload"]:
        frame["payload"]["heartbeat"] = 1
    return frame


def refusal(frame: Frame, code: str, retry_after: int | None = None) -> Frame:
    """Creates the hub's refusal."""
    payload: Frame = {"code": code, "detail": "the conformance kit refuses it", "ref": frame["id"]}
    if retry_after is not None:
        payload["retry_after"] = retry_after
    own = {"id": str(uuid.uuid4()), "ts": "2026-01-15T10:30:00.123456+00:00"}
    return {"type": "error", "sender": "orochi-server", **own, "payload": payload}


async def again(stage: Stage) -> None:
    """Cuts the line, and waits until the program has registered anew."""
    before = count(stage.program, "registered")
    stage.proxy.cut()
    await stage.program.until("a register", lambda _: count(stage.program, "registered") > before)


def count(program: Program, kind: str) -> int:
    """Counts the events of a kind."""
    return sum(event["event"] == kind for event in program.events)


Check = Callable[[Stage], Awaitable[None]]
STEPS: list[tuple[str, Check]] = [
    ("1 connect", connects),
    ("2 register", registers),
    ("3 position", keeps_a_position),
    ("4 once and in order", takes_each_once),
    ("5 ids", makes_ids),
    ("6 heartbeat and seen", beats),
    ("7 silence", notices_silence),
    ("8 connect again", comes_back),
    ("8 retry_after", waits_to_register),
    ("9 resume", resumes),
    ("9 joined channels", resumes_what_it_joined),
    ("9 another log", survives_another_log),
    ("10 send again", sends_again),
    ("10 retry_after", waits_to_send),
    ("Unicode", speaks_unicode),
]
