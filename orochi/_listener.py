"""The iterator that ``client.listen()`` returns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from unicodedata import normalize

from orochi.models import Message

if TYPE_CHECKING:
    from orochi._link import Link
    from orochi.client import OrochiClient

__all__: list[str] = []


class Listener(AsyncIterator[Message]):
    """Yields a client's messages. A cancelled ``anext``, as by :func:`asyncio.wait_for`, loses and ends nothing."""

    def __init__(self, client: OrochiClient, channel: str | None, mentions_only: bool) -> None:
        self._client = client
        wanted = channel if channel is None or channel.startswith(("#", "@")) else f"#{channel}"
        # As the hub writes it.
        self._channel = None if wanted is None else normalize("NFC", wanted)
        self._mentions_only = mentions_only
        self._is_narrowed = channel is not None or mentions_only
        # Of the connection that there is now; else of the one that there is at the first `anext`.
        self._link: Link | None = client._link
        self._at_work: int | None = None
        self._is_waiting = False
        self._is_over = False

    def __aiter__(self) -> Listener:
        return self

    async def __anext__(self) -> Message:
        link = self._link
        if link is None:
            link = self._link = self._client._connected()
        link.say_listening()
        inbox = link.inbox
        if self._at_work is not None:
            inbox.finish(self._at_work)
            self._at_work = None
        while not self._is_over:
            if not inbox.waiting:
                if await self._wait(link):
                    continue
                break
            frame = inbox.waiting.popleft()
            message = Message._received(frame, self._client)
            seq = frame[1]
            if seq is not None:
                inbox.give(seq)
            if not self._is_narrowed or self._is_wanted(message):
                self._at_work = seq
                return message
            if seq is not None:
                inbox.finish(seq)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Ends it. The message that it gave last does not count as dealt with."""
        self._is_over = True
        self._leave()

    async def _wait(self, link: Link) -> bool:
        """Waits for a frame; False at the end, which raises where the connection was lost."""
        if self._is_waiting:
            raise RuntimeError("another task waits for this listener's next message: call listen() once in each")
        link.bind()
        self._is_waiting = True
        try:
            if await link.inbox.wait():
                return True
        finally:
            self._is_waiting = False
        self._is_over = True
        # Closed by this program, or a 0.1.0 hub's end: a quiet one, as in its own client.
        if self._client._link is link and not link.native.is_old_hub:
            error = link.native.end()
            if error is not None:
                raise error
        return False

    def _is_wanted(self, message: Message) -> bool:
        if self._channel is not None and message.channel != self._channel:
            return False
        return not self._mentions_only or self._client.name in message.mentions or message.channel.startswith("@")

    def _leave(self) -> None:
        if self._at_work is not None and self._link is not None:
            self._link.inbox.drop(self._at_work)
            self._at_work = None

    def __del__(self) -> None:
        self._leave()
