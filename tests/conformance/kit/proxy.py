"""A WebSocket proxy between the program under test and a hub: it records frames, and cuts, holds and rewrites them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.conformance.kit import program as programs

__all__ = ["Link", "Proxy"]

# Frames are read whatever their size: a program that sends too much is to be seen doing it.
_FRAME_BYTES_MAX = 16 * 1024 * 1024

Frame = dict[str, Any]


@dataclass
class Link:
    """One connection of the program: its handshake, and what it sent and was sent."""

    path: str
    began: float
    sent: list[Frame] = field(default_factory=list)
    received: list[Frame] = field(default_factory=list)
    largest: int = 0
    # The time just before the last frame was written to the program, so never later than the program heard it.
    heard: float = 0.0
    # The last frames of both directions, `>` from the program and `<` to it.
    last: deque[str] = field(default_factory=lambda: deque(maxlen=6))

    def note(self, sign: str, frame: Frame) -> None:
        """Keeps a frame for the report of a step that failed."""
        text = json.dumps(frame, ensure_ascii=False)
        self.last.append(f"{sign} {text if len(text) <= 400 else text[:400] + ' (cut)'}")


class Proxy:
    """Stands before the hub at `port`."""

    def __init__(self, hub_port: int) -> None:
        self.hub_port = hub_port
        self.links: list[Link] = []
        # Times at which connections were turned away.
        self.refused: list[float] = []
        self.refusing = 0
        # Rewrites a hub's frame: the same, another, or none.
        self.rewrite: Callable[[Frame], Frame | None] = lambda frame: frame
        # True to deliver messages twice.
        self.repeats = False
        # Messages after which a connection is cut, one number a cut, also while what was missed is replayed.
        self.cuts: list[int] = []
        # An answer in the hub's place; None hands the frame on.
        self.answer: Callable[[Frame], Frame | None] = lambda frame: None
        self._changed = asyncio.Event()
        self._server: Server | None = None
        self._open: dict[ServerConnection, Link] = {}
        self._silent: set[ServerConnection] = set()

    async def __aenter__(self) -> Proxy:
        # No pings of its own: a silent hub's proxy is to be silent too.
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            process_request=self._admit,
            max_size=_FRAME_BYTES_MAX,
            compression=None,
            ping_interval=None,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self.cut()
        self._server.close()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        """The port for the program."""
        assert self._server is not None
        return int(next(iter(self._server.sockets)).getsockname()[1])

    def cut(self) -> None:
        """Ends all connections without a word, as a lost network does."""
        for connection, link in self._open.items():
            link.last.append("-- the kit cuts the line here")
            connection.transport.abort()

    def _is_cut(self) -> bool:
        """Counts a delivered message. Returns true if it is the last one before a cut."""
        if not self.cuts:
            return False
        self.cuts[0] -= 1
        if self.cuts[0] > 0:
            return False
        del self.cuts[0]
        return True

    def fall_silent(self) -> None:
        """Leaves all connections open, and reads and writes nothing on them any more. New ones are not concerned."""
        for connection in self._open:
            self._silent.add(connection)
            connection.transport.pause_reading()

    def last_frames(self) -> list[str]:
        """The last frames of the last two connections."""
        return [
            line
            for number, link in list(enumerate(self.links, 1))[-2:]
            for line in [f"connection {number}:", *link.last]
        ]

    def sent(self, kind: str) -> list[Frame]:
        """The program's frames of one type, over all its connections."""
        return [frame for link in self.links for frame in link.sent if frame.get("type") == kind]

    async def until(self, what: str, happened: Callable[[Proxy], bool], patience: float | None = None) -> None:
        """Waits until a connection or a frame of the program makes something true."""
        patience = min(patience or programs.PATIENCE, programs.PATIENCE)
        async with asyncio.timeout(patience) as limit:
            try:
                while not happened(self):
                    self._changed.clear()
                    await self._changed.wait()
            except asyncio.CancelledError:
                if limit.expired():
                    raise AssertionError(f"waited {patience} s for {what}") from None
                raise

    def _admit(self, _connection: ServerConnection, request: Request) -> Response | None:
        if self.refusing > 0:
            self.refusing -= 1
            self.refused.append(time.monotonic())
            return _connection.respond(503, "the kit turns this connection away\n")
        self.links.append(Link(request.path, time.monotonic()))
        self._changed.set()
        return None

    async def _serve(self, program: ServerConnection) -> None:
        link = self.links[-1]
        self._open[program] = link
        assert program.request is not None
        token = program.request.headers.get("Authorization")
        headers = {"Authorization": token} if token else {}
        try:
            url = f"ws://127.0.0.1:{self.hub_port}{link.path}"
            async with connect(url, additional_headers=headers, max_size=None, compression=None) as hub:
                there = asyncio.create_task(self._to_hub(program, hub, link))
                back = asyncio.create_task(self._to_program(program, hub, link))
                await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
                there.cancel()
                back.cancel()
                await asyncio.gather(there, back, return_exceptions=True)
                code = hub.close_code
            await program.close(code if code is not None and (code >= 3000 or code in (1000, 1001, 1009)) else 1011)
        except (OSError, ConnectionClosed):
            program.transport.abort()
        finally:
            self._open.pop(program, None)
            self._silent.discard(program)

    async def _to_hub(self, program: ServerConnection, hub: Any, link: Link) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in program:
                link.largest = max(link.largest, len(text.encode() if isinstance(text, str) else text))
                frame = json.loads(text)
                link.sent.append(frame)
                link.note(">", frame)
                self._changed.set()
                answer = self.answer(frame)
                if answer is None:
                    await hub.send(text)
                else:
                    link.note("<", answer)
                    link.heard = time.monotonic()
                    await program.send(json.dumps(answer))

    async def _to_program(self, program: ServerConnection, hub: Any, link: Link) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in hub:
                frame = self.rewrite(json.loads(text))
                if program in self._silent:
                    # Until the connection is cut: the frame is held for good.
                    await asyncio.Event().wait()
                if frame is not None:
                    link.received.append(frame)
                    link.note("<", frame)
                    link.heard = time.monotonic()
                    for _ in range(2 if self.repeats and "seq" in frame else 1):
                        await program.send(json.dumps(frame))
                    if "seq" in frame and self._is_cut():
                        self.cut()
                        break
