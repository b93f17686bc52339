"""Clients with one mistake each: the Node client with one piece of its source replaced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.conformance.programs import CLIENTS

__all__ = ["MISTAKES", "Mistake"]

_SOURCE = (CLIENTS / "client.mjs").read_text("utf-8")


@dataclass(frozen=True)
class Mistake:
    """One wrong client, the step that it fails, and what the kit says of it."""

    step: str
    what: str
    piece: str
    instead: str
    says: str

    def write(self, folder: Path) -> Path:
        """The client's source."""
        assert _SOURCE.count(self.piece) == 1, f"not once in client.mjs: {self.piece}"
        path = folder / "wrong.mjs"
        path.write_text(f"let count = 0;\n{_SOURCE.replace(self.piece, self.instead)}", "utf-8")
        return path


_WAIT = "Math.min(500 * 2 ** this.tries * (1 + Math.random()), WAIT_MS_MAX)"
_NEW_FRAME = "const frame = { type, sender: this.name, id: uuid7(), payload };"

MISTAKES = [
    Mistake(
        "1 connect",
        "comes again with a wrong token",
        'tell({ event: "final", code });',
        'tell({ event: "final", code }); setTimeout(() => this.open(), 100);',
        "connected again with a token that is wrong",
    ),
    Mistake(
        "2 register",
        "asks for live messages only",
        "const payload = { channels: this.channels, resume };",
        "const payload = { channels: this.channels };",
        "without resume messages are lost: {'type': 'register'",
    ),
    Mistake(
        "2 register",
        "sends before it registers",
        "this.registerId = uuid7();",
        'this.transmit({ type: "heartbeat", sender: this.name, id: uuid7(), payload: {} }); this.registerId = uuid7();',
        "the first frame is {'type': 'heartbeat'",
    ),
    Mistake(
        "3 position",
        "takes the seq of an ack for its position",
        "this.waiting.delete(payload.ref);",
        "this.waiting.delete(payload.ref); this.position = payload.seq ?? this.position;",
        "waited for message {'content': 'held back'}",
    ),
    Mistake(
        "4 once and in order",
        "takes what it has taken before",
        "if (this.position !== null && seq <= this.position) return;",
        "",
        "it received seqs",
    ),
    Mistake(
        "5 ids",
        "counts its ids",
        _NEW_FRAME,
        "const frame = { type, sender: this.name, id: `message-number-${(count += 1)}`, payload };",
        "message-number-1",
    ),
    Mistake(
        "6 heartbeat and seen",
        "never says seen",
        'client.request("heartbeat", { seen: seq },',
        'client.request("heartbeat", {},',
        "waited 12 s for a heartbeat with 'seen': 1",
    ),
    Mistake(
        "6 heartbeat and seen",
        "beats as often as it likes",
        "this.heartbeatMs = payload.heartbeat * 1000;",
        "",
        "two more heartbeats, one a second",
    ),
    Mistake("7 silence", "waits for ever", "SILENT_HEARTBEATS = 3;", "SILENT_HEARTBEATS = 3000;", "into the silence"),
    Mistake("7 silence", "is impatient", "SILENT_HEARTBEATS = 3;", "SILENT_HEARTBEATS = 0.5;", "a hub that answered"),
    Mistake("8 connect again", "tries at once", _WAIT, "20", "it "),
    Mistake(
        "8 retry_after",
        "registers when it likes",
        "Math.max(wait, this.waitMsMin)",
        "wait",
        "retry_after was 3 s; it registered again after",
    ),
    Mistake(
        "9 resume",
        "knows the stored cursor only",
        "this.register(this.position ?? ",
        "this.register(",
        "its position is 1, the register says {'channels': ['#kit'], 'resume': 'stored'",
    ),
    Mistake("9 resume", "keeps no epoch", "payload.epoch = this.epoch;", "", "the epoch is "),
    Mistake(
        "9 resume",
        "tries the same place again",
        'if (payload.code === "RESUME_BEYOND") {',
        'if (payload.code === "OTHER") {',
        "RESUME_BEYOND",
    ),
    Mistake(
        "9 joined channels",
        "does not say where it joined",
        "client.joined[channel] ??= ack.seq;",
        "",
        "#early was joined after seq 1; it received [1, 2], after {'type': 'register'",
    ),
    Mistake(
        "9 joined channels",
        "forgets what it joined",
        "client.channels.push(channel);",
        "",
        "waited for message",
    ),
    Mistake(
        "9 another log",
        "takes another log's seqs for old",
        "if (payload.resumed === false || (this.epoch !== null && payload.epoch !== this.epoch)) {",
        "if (count) {",
        "waited for message {'content': 'in the other log'}",
    ),
    Mistake(
        "10 send again",
        "sends once",
        "for (const { frame } of this.waiting.values()) this.transmit(frame);",
        "",
        "waited 12 s for the last message again",
    ),
    Mistake(
        "10 send again",
        "sends again under new ids",
        "for (const { frame } of this.waiting.values()) this.transmit(frame);",
        "for (const { frame } of [...this.waiting.values()]) this.transmit({ ...frame, id: uuid7() });",
        "is sent again under another id: {'type': 'message'",
    ),
    Mistake("10 send again", "sends any size", "> FRAME_BYTES_MAX)", "> 2 ** 30)", "it sent a frame of"),
    Mistake(
        "10 retry_after",
        "sends again at once",
        "payload.retry_after * 1000);",
        "10);",
        "retry_after was 3 s; it sent the message again after",
    ),
    Mistake(
        "Unicode", "normalises", "{ channel, content }, (ack", "{ channel, content: content.normalize() }, (ack", "got"
    ),
]
