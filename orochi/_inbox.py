"""Received frames on their way from the native client to the program's listeners."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from orochi.exceptions import NotConnected
from orochi.models import Frame, Message

if TYPE_CHECKING:
    from orochi._native import NativeClient

__all__: list[str] = []

# Frames that one turn takes from the native inbox: the loop runs other tasks in between.
_TURN = 1024
# Frames that wait here before the rest is left in the native inbox, which is bounded too.
_WAITING_MAX = 4096
# The same while an answer is awaited, which may stand behind all that nobody has listened to.
_SEARCHED_MAX = 100_000


class Inbox:
    """Keeps frames that no listener has taken yet, and knows what was dealt with.

    The link calls :meth:`wake` once for many frames, so no frame costs a future or a call between threads.
    """

    def __init__(self, native: NativeClient) -> None:
        self._native = native
        self.waiting: deque[Frame] = deque()
        self._is_over = False
        self._waiters: set[asyncio.Future[None]] = set()
        self._replies: dict[int, asyncio.Future[Frame]] = {}
        # Messages that listeners are at work on, oldest first, and the newest that one of them was given.
        self._at_work: dict[int, None] = {}
        self._given = 0

    def wake(self) -> None:
        """The native inbox was filled or closed."""
        if self._replies:
            self._take_in()
            if self._native.is_closed:
                self._fail_replies()
        self._wake_listeners()

    def end(self) -> None:
        """Nothing more comes. Frames that wait can still be taken."""
        self._is_over = True
        self._take_in()
        self._fail_replies()
        self._wake_listeners()

    def leave_loop(self) -> None:
        """The event loop of all that wait here is gone."""
        self._waiters.clear()
        self._replies.clear()

    def give(self, seq: int) -> None:
        """A listener is given this message."""
        self._at_work[seq] = None
        self._given = seq

    def finish(self, seq: int) -> None:
        """A listener has dealt with its message. The hub hears of all up to the oldest that is still at work."""
        self._at_work.pop(seq, None)
        oldest = next(iter(self._at_work), None)
        self._native.finished(self._given if oldest is None else oldest - 1)

    def drop(self, seq: int) -> None:
        """A listener was left in the middle of its message: no later message waits for that."""
        self._at_work.pop(seq, None)

    async def wait(self) -> bool:
        """Waits for a frame; False when nothing more will come. Cancelling loses nothing."""
        while not self.waiting:
            self._take_in()
            if self.waiting:
                break
            if self._is_over or self._native.is_closed:
                # Frames that came between the two looks are still taken.
                self._take_in()
                return bool(self.waiting)
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)
        return True

    def expect_reply(self, seq: int) -> asyncio.Future[Frame]:
        """A future of the first message that answers `seq`; it is not given to listeners."""
        future: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._replies[seq] = future
        future.add_done_callback(lambda _: self._replies.pop(seq, None))
        self._take_in()
        for frame in self.waiting:
            if _answered(frame) == seq:
                self.waiting.remove(frame)
                future.set_result(frame)
                break
        if self._is_over or self._native.is_closed:
            self._fail_replies()
        return future

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

    def _sort_out(self, frame: Frame) -> None:
        answered = _answered(frame)
        reply = None if answered is None else self._replies.get(answered)
        if reply is not None and not reply.done():
            reply.set_result(frame)
        else:
            self.waiting.append(frame)

    def _wake_listeners(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _fail_replies(self) -> None:
        error = self._native.end() or NotConnected("the client was closed before the answer came")
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(error)


def _answered(frame: Frame) -> int | None:
    # Most frames answer nothing, which the text tells without being decoded.
    return Message._received(frame, None).reply_to if '"reply_to"' in frame[0] else None
