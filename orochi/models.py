"""A message, or another frame, as programs see it."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from orochi._native import mentions as _mentions
from orochi.exceptions import NotConnected

if TYPE_CHECKING:
    from orochi.client import OrochiClient, Receipt

__all__ = ["Message"]

# As the native inbox gives them.
Frame: TypeAlias = tuple[str, int | None, str | None, str | None, str | None]


class Message:
    """One frame: what was said, by whom, where and when.

    Received messages are decoded when they are first looked at. The constructor is scitex-orochi 0.1.0's:

    Args:
        type: The frame's type; ``message`` for what agents say.
        sender: Who it is from.
        payload: The frame's payload; a new dict where it is left out.
        id: The frame's id; a new UUID where it is left out.
        ts: RFC 3339 with offset; now, in UTC, where it is left out.
        seq: The message's place in the hub's log; None for other frames and from a 0.1.0 hub.
    """

    __slots__ = ("_client", "_fields", "_frame", "seq")

    # A received message before it is decoded: its text and seq, and its sender, channel and content, or None if these
    # have to be read from the text.
    _frame: Frame | None
    _fields: tuple[str, str, dict[str, Any], str, str] | None
    _client: OrochiClient | None
    seq: int | None

    def __init__(
        self,
        type: str,
        sender: str,
        payload: dict[str, Any] | None = None,
        id: str | None = None,
        ts: str | None = None,
        *,
        seq: int | None = None,
    ) -> None:
        self._frame = None
        self._client = None
        self._fields = (
            type,
            sender,
            {} if payload is None else payload,
            str(uuid.uuid4()) if id is None else id,
            datetime.now(UTC).isoformat() if ts is None else ts,
        )
        self.seq = seq

    @classmethod
    def _received(cls, frame: Frame, client: OrochiClient | None) -> Message:
        message = cls.__new__(cls)
        message._frame = frame
        message._fields = None
        message._client = client
        message.seq = frame[1]
        return message

    @classmethod
    def from_json(cls, raw: str | bytes) -> Message:
        """The frame that a JSON text holds.

        Raises:
            json.JSONDecodeError: It is not JSON.
            KeyError: It has no ``type``.
        """
        data = json.loads(raw)
        return cls(
            data["type"],
            data.get("sender", "unknown"),
            data.get("payload", {}),
            data.get("id"),
            data.get("ts"),
            seq=data.get("seq"),
        )

    def to_json(self) -> str:
        """The frame as JSON, in the protocol's order of keys."""
        data: dict[str, Any] = {
            "type": self.type,
            "sender": self.sender,
            "payload": self.payload,
            "id": self.id,
            "ts": self.ts,
        }
        if self.seq is not None:
            data["seq"] = self.seq
        return json.dumps(data)

    @property
    def type(self) -> str:
        """The frame's type."""
        return self._decoded()[0]

    @property
    def sender(self) -> str:
        """The sender's name."""
        if self._frame is not None and self._frame[2] is not None:
            return self._frame[2]
        return self._decoded()[1]

    @property
    def payload(self) -> dict[str, Any]:
        """The frame's payload."""
        return self._decoded()[2]

    @property
    def id(self) -> str:
        """The frame's id."""
        return self._decoded()[3]

    @property
    def ts(self) -> str:
        """When the hub accepted it: RFC 3339 with microseconds, UTC."""
        return self._decoded()[4]

    @property
    def channel(self) -> str:
        """The channel, ``#name``, or ``@name`` of the other side of a direct message; or empty."""
        if self._frame is not None and self._frame[3] is not None:
            return self._frame[3]
        channel: str = self.payload.get("channel", "")
        return channel

    @property
    def content(self) -> str:
        """The text; empty for other frames."""
        if self._frame is not None and self._frame[4] is not None:
            return self._frame[4]
        content: str = self.payload.get("content", "")
        return content

    @property
    def mentions(self) -> list[str]:
        """The agents that the content mentions, each once."""
        known = self.payload.get("mentions")
        return known if isinstance(known, list) else _mentions(self.content)

    @property
    def metadata(self) -> dict[str, Any]:
        """The sender's own object; empty where there is none."""
        return self.payload.get("metadata") or {}

    @property
    def reply_to(self) -> int | None:
        """The seq of the message that this one answers."""
        return self.payload.get("reply_to")

    async def reply(
        self, text: str, metadata: dict[str, Any] | None = None, *, timeout: float | None = 30.0
    ) -> Receipt:
        """Answers a received message where it was said.

        Args:
            text: What to say.
            metadata: Any JSON object.
            timeout: Seconds to wait for the hub's word; None waits for ever.

        Raises:
            NotConnected: The message was not received by a client.
            RequestRefused, RequestTimeout, ConnectionLost: As :meth:`OrochiClient.send`.
        """
        if self._client is None:
            raise NotConnected("this message was not received from a hub: send the answer with client.send()")
        return await self._client.send(self.channel, text, metadata, reply_to=self.seq, timeout=timeout)

    def _decoded(self) -> tuple[str, str, dict[str, Any], str, str]:
        if self._fields is None:
            data = json.loads(self._frame[0] if self._frame else "{}")
            self._fields = (
                data.get("type", ""),
                data.get("sender", "unknown"),
                data.get("payload", {}),
                data.get("id", ""),
                data.get("ts", ""),
            )
            # From now on the payload counts, which a program may change.
            self._frame = None
        return self._fields

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return self._decoded() == other._decoded() and self.seq == other.seq

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, in this process or another one, has no client to reply through.
        return _remade, (*self._decoded(), self.seq)

    # Like 0.1.0's dataclass: a payload can change, so a message is no key.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        kind, sender, payload, message_id, ts = self._decoded()
        named = f"type={kind!r}, sender={sender!r}, payload={payload!r}, id={message_id!r}, ts={ts!r}, seq={self.seq!r}"
        return f"Message({named})"


def _remade(type: str, sender: str, payload: dict[str, Any], id: str, ts: str, seq: int | None) -> Message:
    return Message(type, sender, payload, id, ts, seq=seq)
