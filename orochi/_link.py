"""One connection, from the side of its event loop: futures of requests, their time limits, and the wake-up."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
import weakref
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from orochi._arguments import odd_value, seconds
from orochi._inbox import Inbox
from orochi.exceptions import HubUnreachable, NotConnected, OrochiError, RequestTimeout

if TYPE_CHECKING:
    from orochi._native import NativeClient

__all__: list[str] = []

OnState = Callable[[str], Awaitable[None]]

_CONNECT, _STATE = 0, -1
# The native side reports a connect that takes too long; this much later the loop gives it up by itself.
_GRACE = 1.0
# Names of the native calls' arguments after the ticket.
_ARGUMENTS = {
    "send": ("channel", "content", "metadata", "reply_to", "id"),
    "subscribe": ("channel",),
    "unsubscribe": ("channel",),
    "update_status": ("status", "current_task", "progress"),
    "request": ("type", "payload"),
}
# A future, when its time is up, and after how many seconds that is.
_Pending = tuple[asyncio.Future[Any], float, float]


class Link:
    """Owns the native client, and the socket through which the native client wakes the event loop.

    Only this class makes and resolves the futures of requests, and only on the loop's own thread. The loop holds no
    strong reference to it, so a client that the program drops is collected.
    """

    def __init__(self, native: NativeClient, on_state: OnState | None) -> None:
        self.native = native
        self.inbox = Inbox(native)
        self._pid = os.getpid()
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(fileno=native.wake_fd())
        self._pending: dict[int, _Pending] = {}
        self._last_ticket = _CONNECT
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._is_open = False
        self._is_listening = False
        self.is_cancelled = False
        self._on_state = on_state
        self._state = "connected"
        self._untold: str | None = None
        self._telling: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Future[None]] = set()
        self.opened: asyncio.Future[None] = self._loop.create_future()
        self._watch()

    async def open(self, limit: float) -> None:
        """Waits until the hub has accepted the register."""
        self._add(_CONNECT, self.opened, limit, _GRACE)
        await self.opened

    async def request(self, timeout: float | None, start: Callable[..., None], *arguments: Any) -> Any:
        """Queues a request with one of the native client's calls; its answer."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self.bind()
        limit = timeout if type(timeout) is float and timeout >= 0 else seconds(timeout)
        self._last_ticket = ticket = self._last_ticket + 1
        future: asyncio.Future[Any] = loop.create_future()
        self._add(ticket, future, limit, 0)
        try:
            start(ticket, *arguments)
        except BaseException as error:
            del self._pending[ticket]
            if isinstance(error, (TypeError, ValueError, OverflowError)):
                names = _ARGUMENTS.get(start.__name__, ())
                raise odd_value(error, dict(zip(names, arguments, strict=False))) from error
            raise
        try:
            return await future
        except BaseException:
            # Cancelled: an answered request is not pending any more.
            if self._pending.pop(ticket, None) is not None:
                self.native.give_up(ticket)
            raise

    def say_listening(self) -> None:
        """Tells the hub, once, that somebody handles messages as they come. Nobody waits for its answer."""
        if self._is_listening:
            return
        self._is_listening = True
        # A hub of 0.1.0 knows no reach; a connection that is over needs none.
        with contextlib.suppress(OrochiError):
            if not self.native.is_old_hub:
                self._last_ticket += 1
                self.native.say_listening(self._last_ticket)

    def bind(self) -> None:
        """Makes the running loop the one that this connection wakes.

        Raises:
            NotConnected: The connection is another process's, or its loop is at work in another thread.
        """
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if not self._is_own():
            raise NotConnected(
                f"this client was connected by process {self._pid}, and a forked child can't use it: "
                "make an OrochiClient in each process"
            )
        if not self._can_move():
            raise NotConnected("this client is in use by an event loop of another thread: make one for each loop")
        if not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
            self._fail_pending(NotConnected("the client went on to another event loop before the answer came"))
        # Futures of a closed loop have nobody who waits.
        for ticket in self._pending:
            self.native.give_up(ticket)
        self._pending.clear()
        self._closing.clear()
        self._untold = self._telling = None
        self._timer, self._timer_at = None, math.inf
        self.inbox.leave_loop()
        self._loop = loop
        self._watch()

    async def close(self, limit: float) -> None:
        """Closes the connection, in whatever loop; waits for the hub at most `limit` seconds."""
        if not self._is_own():
            return
        is_here = self._can_move()
        try:
            if is_here:
                self.bind()
                await self._close_here(limit)
            else:
                # The loop that it belongs to goes on in another thread.
                self.native.close(limit)
                await asyncio.to_thread(self.native.wait_closed, limit)
        finally:
            self.discard()
        telling = self._telling
        if telling is asyncio.current_task():
            # `on_state` itself closed the client: it need not be told.
            self._untold = None
        elif is_here and telling is not None:
            await asyncio.wait([telling], timeout=limit)
            telling.cancel()

    def cancel_opening(self, error: OrochiError) -> None:
        """Ends the wait for the register, also where the answer came and its caller has not seen it yet."""
        self.is_cancelled = True
        self._pending.pop(_CONNECT, None)
        if not self.opened.done():
            self.opened.set_exception(error)
            # Also where nobody waits for it any more.
            self.opened.exception()

    def discard(self) -> None:
        """Closes without waiting; may be called from any thread, and more than once."""
        if not self._is_own():
            return
        with contextlib.suppress(OrochiError):
            self.native.close(math.inf)
        if self._socket.fileno() < 0:
            return
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is self._loop:
            self._unwatch()
        else:
            # The callback keeps the socket open until the loop has let go of it.
            forget = weakref.WeakMethod(self._end_here)
            try:
                self._loop.call_soon_threadsafe(_forget, self._loop, self._socket, forget)
            except RuntimeError:
                # The loop is closed, and with it its list of sockets.
                self._socket.close()

    def _add(self, ticket: int, future: asyncio.Future[Any], limit: float, grace: float) -> None:
        when = self._loop.time() + limit + grace
        if when < self._timer_at:
            self._set_timer(when)
        self._pending[ticket] = (future, when, limit)

    def _is_own(self) -> bool:
        return self._pid == os.getpid()

    def _can_move(self) -> bool:
        loop = self._loop
        return loop is asyncio.get_running_loop() or loop.is_closed() or not loop.is_running()

    def _watch(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop.add_reader(self._socket, _call, weakref.WeakMethod(self._take_in))

    def _unwatch(self) -> None:
        self._loop.remove_reader(self._socket)
        self._end_here()
        self._socket.close()

    def _end_here(self) -> None:
        """Ends all waiting, on the loop's thread."""
        if self._timer is not None:
            self._timer.cancel()
        self._fail_pending(NotConnected("the client was closed before the answer came"))
        self._pending.clear()
        if self._is_open:
            self.inbox.end()

    async def _close_here(self, limit: float) -> None:
        self.native.close(limit)
        if not self._is_open:
            return
        if self.native.state != "closed":
            closed: asyncio.Future[None] = self._loop.create_future()
            self._closing.add(closed)
            # If it takes longer, it continues in the background.
            await asyncio.wait([closed], timeout=limit)
            self._closing.discard(closed)
        # The event may still be on its way.
        self._change_state("closed")

    def _take_in(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._socket.recv(4096)
        for ticket, value, error in self.native.events():
            pending = self._pending.pop(ticket, None)
            if pending is None:
                if ticket == _STATE:
                    self._change_state(value)
                continue
            if ticket == _CONNECT and error is None:
                self._is_open = True
            future = pending[0]
            if future.done():
                continue
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)
        if self._is_open:
            self.inbox.wake()

    def _change_state(self, state: str) -> None:
        if state == "closed":
            for closed in self._closing:
                if not closed.done():
                    closed.set_result(None)
        if self._on_state is not None and state != self._state:
            self._state = self._untold = state
            if self._telling is None:
                self._telling = self._loop.create_task(self._tell(self._on_state))

    async def _tell(self, on_state: OnState) -> None:
        while self._untold is not None:
            state, self._untold = self._untold, None
            try:
                await on_state(state)
            except Exception as error:
                # The program's own fault must not keep it from hearing of the next change.
                context = {"message": f"on_state({state!r}) of an OrochiClient raised", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)
        self._telling = None

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = when
        self._timer = self._loop.call_at(when, _call, weakref.WeakMethod(self._expire))

    def _expire(self) -> None:
        """Fails the requests whose time is up. One timer serves all of them: most are answered long before."""
        self._timer, self._timer_at = None, math.inf
        now = self._loop.time()
        for ticket, (future, when, limit) in list(self._pending.items()):
            if when > now:
                continue
            del self._pending[ticket]
            self.native.give_up(ticket)
            if not future.done():
                future.set_exception(self._late(ticket, limit))
        earliest = min((when for _, when, _ in self._pending.values()), default=math.inf)
        if earliest < math.inf:
            self._set_timer(earliest)

    def _late(self, ticket: int, limit: float) -> OrochiError:
        if ticket == _CONNECT:
            return HubUnreachable(f"no answer from the hub within {limit:g} s: check host and port")
        return RequestTimeout(
            f"no answer from the hub within {limit:g} s ({self.native.state}): "
            "try again, with the same id where it is a message, or pass a longer timeout="
        )

    def _fail_pending(self, error: OrochiError) -> None:
        for future, _, _ in self._pending.values():
            if not future.done():
                future.set_exception(error)


def _call(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    alive = method()
    if alive is not None:
        alive()


def _forget(
    loop: asyncio.AbstractEventLoop, watched: socket.socket, end: weakref.WeakMethod[Callable[[], None]]
) -> None:
    loop.remove_reader(watched)
    _call(end)
    watched.close()
