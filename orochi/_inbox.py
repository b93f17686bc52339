"""Received frames on their way from the native client to whoever listens."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from typing import TYPE_CHECKING

from orochi.exceptions import NotConnected
from orochi.models import Frame, Message

if TYPE_CHECKING:
    from orochi._native import NativeClient
    from orochi.client import OrochiClient

__all__: list[str] = []

# Frames that one turn takes from the native inbox: the loop runs other tasks in between.
_TURN = 1024
# Frames that wait here before the rest is left in the native inbox, which is bounded too.
_WAITING_MAX = 4096
# The same while an answer is awaited, which may stand behind all that nobody has listened to.
_SEARCHED_MAX = 100_000


class Inbox:
    """Wakes once for many frames, keeps those that nobody has taken, and knows what was dealt with.

    The native side makes a file descriptor readable when its inbox is filled; the loop watches that, so no frame
    costs a future or a call between threads.
    """

    def __init__(self, native: NativeClient, client: OrochiClient) -> None:
        self._native = native
        self._client = client
        self.waiting: deque[Frame] = deque()
        self._wake = asyncio.Event()
        self._replies: dict[int, asyncio.Future[Message]] = {}
        # What listeners are at work on, oldest first, and the newest that one of them was given.
        self._at_work: dict[int, None] = {}
        self._given = 0
        self._socket = socket.socket(fileno=native.wake_fd())
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._on_readable)

    def close(self) -> None:
        """Stops watching. Frames that wait can still be taken."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()
        self._take_in()
        self._fail_replies()
        self._wake.set()

    def give(self, seq: int) -> None:
        """A listener is given this message."""
        self._at_work[seq] = None
        self._given = seq

    def finish(self, seq: int) -> None:
        """It has dealt with it. The hub hears of all up to the oldest that another one is still at work on."""
        self._at_work.pop(seq, None)
        oldest = next(iter(self._at_work), None)
        self._native.finished(self._given if oldest is None else oldest - 1)

    def drop(self, seq: int) -> None:
        """It left off without a word: no later message waits for that."""
        self._at_work.pop(seq, None)

    async def wait(self) -> bool:
        """Waits for a frame; False when nothing more will come. Cancelling loses nothing."""
        while not self.waiting:
            self._wake.clear()
            self._take_in()
            if self.waiting:
                break
            if self._native.is_closed or self._socket.fileno() < 0:
                # What came between the two looks is still taken.
                self._take_in()
                return bool(self.waiting)
            await self._wake.wait()
        return True

    def expect_reply(self, seq: int) -> asyncio.Future[Message]:
        """A future of the first message that answers `seq`; it is not given to listeners."""
        future: asyncio.Future[Message] = self._loop.create_future()
        self._replies[seq] = future
        future.add_done_callback(lambda _: self._replies.pop(seq, None))
        self._take_in()
        for frame in self.waiting:
            message = self._answer(frame)
            if message is not None and message.reply_to == seq:
                self.waiting.remove(frame)
                future.set_result(message)
                break
        if self._native.is_closed:
            self._fail_replies()
        return future

    def _on_readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._socket.recv(4096)
        if self._replies:
            self._take_in()
            if self._native.is_closed:
                self._fail_replies()
        self._wake.set()

    def _take_in(self) -> None:
        while len(self.waiting) < (_SEARCHED_MAX if self._replies else _WAITING_MAX):
            frames = self._native.drain(_TURN)
            if self._replies:
                for frame in frames:
                    self._sort_out(frame)
            else:
                self.waiting.extend(frames)
            if len(frames) < _TURN:
                return

    def _fail_replies(self) -> None:
        error = self._native.end() or NotConnected("the client was closed before the answer came")
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(error)

    def _answer(self, frame: Frame) -> Message | None:
        # Most frames answer nothing, which the text tells without being decoded.
        return Message._received(frame, self._client) if '"reply_to"' in frame[0] else None

    def _sort_out(self, frame: Frame) -> None:
        message = self._answer(frame)
        reply = self._replies.get(message.reply_to) if message is not None and message.reply_to is not None else None
        if message is not None and reply is not None and not reply.done():
            reply.set_result(message)
        else:
            self.waiting.append(frame)
