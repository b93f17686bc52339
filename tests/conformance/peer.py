"""The fuzzing side: a WebSocket client that sends the frames of a case, valid or not, and judges the answers.

It does by hand what Autobahn's own protocol class does for its cases, with the names that they use; texts are Latin-1
strings that stand for bytes.
"""

from __future__ import annotations

import asyncio
import base64
import codecs
import itertools
import os
import struct
import types
from collections.abc import Callable
from typing import Any

from tests.conformance.cases import WebSocketProtocol

__all__ = ["Peer"]

# The longest time for the other side to answer a close, and to end the connection after it.
CLOSE_SECONDS = 1.0
# For a case that would wait for ever.
CASE_SECONDS = 120.0


class Peer:
    """One connection, for one case."""

    CLOSE_STATUS_CODE_NORMAL = 1000
    CLOSE_STATUS_CODE_PROTOCOL_ERROR = 1002
    CLOSE_STATUS_CODE_INVALID_PAYLOAD = 1007

    def __init__(self, case: type[Any]) -> None:
        self.state = WebSocketProtocol.STATE_CONNECTING
        self.factory = types.SimpleNamespace(isServer=False)
        self.connectionWasOpen = self.closedByMe = self.failedByMe = self.droppedByMe = self.wasClean = False
        self.remoteCloseCode: int | None = None
        self.remoteCloseReason: str | None = None
        self.localCloseCode: int | None = None
        self.localCloseReason: str | None = None
        self.createWirelog = False
        self.autoFragmentSize = 0
        self.txFrameStats: dict[int, int] = {}
        self._opcode = 0
        self._is_first = True
        self._fragments: list[bytes] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._timers: list[asyncio.TimerHandle] = []
        self._out: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._case = case(self)

    async def run(self, host: str, port: int) -> Any:
        """The case when it is over."""
        reader, self._writer = await asyncio.open_connection(host, port)
        writing = asyncio.create_task(self._write())
        try:
            async with asyncio.timeout(CASE_SECONDS):
                await self._shake_hands(reader, f"{host}:{port}")
                self.state, self.connectionWasOpen = WebSocketProtocol.STATE_OPEN, True
                self._case.onOpen()
                while await self._read_frame(reader):
                    pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except TimeoutError:
            self.droppedByMe = True
        finally:
            self.state = WebSocketProtocol.STATE_CLOSED
            for timer in self._timers:
                timer.cancel()
            writing.cancel()
            self._writer.transport.abort()
        self._case.onClose(self.wasClean, self.remoteCloseCode, self.remoteCloseReason)
        self._case.onConnectionLost(self.failedByMe)
        return self._case

    async def _shake_hands(self, reader: asyncio.StreamReader, host: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self._writer.write(
            f"GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 "), answer

    # Called by cases, which define the names.

    def sendFrame(
        self,
        opcode: int,
        payload: str = "",
        fin: bool = True,
        rsv: int = 0,
        mask: str | None = None,
        payload_len: int | None = None,
        chopsize: int | None = None,
        sync: bool = False,
    ) -> None:
        """One frame; the payload is repeated up to `payload_len`, and sent `chopsize` bytes at a time."""
        if self.state == WebSocketProtocol.STATE_CLOSED:
            return
        if payload_len is not None and payload:
            payload = (payload * (payload_len // len(payload) + 1))[:payload_len]
        self.txFrameStats[opcode] = self.txFrameStats.get(opcode, 0) + 1
        body = payload.encode("latin-1")
        length = struct.pack("!B", 0x80 | len(body)) if len(body) < 126 else b""
        if not length:
            length = struct.pack("!BH", 0xFE, len(body)) if len(body) < 65536 else struct.pack("!BQ", 0xFF, len(body))
        key = mask.encode("latin-1") if mask else os.urandom(4)
        frame = bytes([(0x80 if fin else 0) | rsv << 4 | opcode]) + length + key + _masked(body, key)
        step = chopsize or len(frame)
        for start in range(0, len(frame), step):
            self._out.put_nowait(frame[start : start + step])

    def sendMessage(self, payload: str, isBinary: bool = False, **_: Any) -> None:
        """One message, in frames of `autoFragmentSize` where that is set."""
        step = self.autoFragmentSize or max(len(payload), 1)
        starts = list(range(0, len(payload), step)) or [0]
        for start in starts:
            opcode = (2 if isBinary else 1) if start == 0 else 0
            self.sendFrame(opcode, payload[start : start + step], fin=start == starts[-1])

    def beginMessage(self, isBinary: bool = False, opcode: int = 1) -> None:
        """A message whose frames follow."""
        self._opcode, self._is_first = 2 if isBinary else opcode, True

    def beginMessageFrame(self, length: int) -> None:
        """A frame whose data follow at once."""
        self._left, self._data = length, ""

    def sendMessageFrameData(self, payload: str, sync: bool = False) -> int:
        """Data of the frame that was begun; sent when it is whole."""
        self._data += payload
        if len(self._data) >= self._left:
            self.sendFrame(self._opcode if self._is_first else 0, self._data[: self._left], fin=False)
            self._is_first = False
        return self._left - len(self._data)

    def endMessage(self) -> None:
        """The message's last, empty frame."""
        self.sendFrame(0, "", fin=True)

    def sendClose(self, code: int | None = None, reason: str | None = None) -> None:
        """Begins to close."""
        self.sendCloseFrame(code, reasonUtf8=reason)

    def sendCloseFrame(
        self,
        code: int | None = None,
        reasonUtf8: str | None = None,
        isReply: bool = False,
    ) -> None:
        """Sends a close frame as it stands; once."""
        if self.state != WebSocketProtocol.STATE_OPEN:
            return
        payload = "" if code is None else struct.pack("!H", code).decode("latin-1")
        self.sendFrame(8, payload + (reasonUtf8 or ""))
        self.state = WebSocketProtocol.STATE_CLOSING
        self.closedByMe = not isReply
        self.localCloseCode, self.localCloseReason = code, reasonUtf8
        if not isReply:
            self._later(CLOSE_SECONDS, self._drop)

    def continueLater(self, delay: float, fun: Callable[[], None], tag: str | None = None) -> None:
        """Goes on after a while, unless it is over."""
        self._later(delay, fun)

    def closeAfter(self, delay: float) -> None:
        """Closes after a while."""
        self._later(delay, self.sendClose)

    def killAfter(self, delay: float) -> None:
        """Fails the connection after a while: the other side should have ended it by then."""
        self._later(delay, lambda: self._fail(1001))

    def enableWirelog(self, enable: bool) -> None:
        """Nothing is logged here."""

    # Received frames.

    async def _read_frame(self, reader: asyncio.StreamReader) -> bool:
        first, second = await reader.readexactly(2)
        fin, rsv, opcode, length = first >> 7, first >> 4 & 7, first & 15, second & 127
        if length == 126:
            (length,) = struct.unpack("!H", await reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await reader.readexactly(8))
        is_control = opcode >= 8
        wrong = second & 128 or rsv or opcode not in (0, 1, 2, 8, 9, 10) or (is_control and (not fin or length > 125))
        body = await reader.readexactly(length)
        if wrong:
            self._fail(1002)
        elif opcode == 8:
            self._on_close(body)
        elif self.state != WebSocketProtocol.STATE_OPEN and not self.closedByMe:
            pass
        elif opcode == 9:
            self.sendFrame(10, body.decode("latin-1"))
            self._case.onPing(body.decode("latin-1"))
        elif opcode == 10:
            self._case.onPong(body.decode("latin-1"))
        else:
            self._on_data(opcode, bool(fin), body)
        return True

    def _on_data(self, opcode: int, fin: bool, body: bytes) -> None:
        if (opcode == 0) != bool(self._fragments):
            return self._fail(1002)
        if opcode:
            self._kind = opcode
            self._decoder.reset()
        self._fragments.append(body)
        if self._kind == 1:
            try:
                self._decoder.decode(body, fin)
            except UnicodeDecodeError:
                return self._fail(1007)
        if fin:
            whole, self._fragments = b"".join(self._fragments), []
            self._case.onMessage(whole.decode("latin-1"), self._kind == 2)
        return None

    def _on_close(self, body: bytes) -> None:
        if len(body) == 1:
            return self._fail(1002)
        if body:
            (self.remoteCloseCode,) = struct.unpack("!H", body[:2])
            self.remoteCloseReason = body[2:].decode("latin-1")
        if self.state not in (WebSocketProtocol.STATE_OPEN, WebSocketProtocol.STATE_CLOSING):
            return None
        self.wasClean = True
        self.sendCloseFrame(1000, isReply=True)
        # The server is to end the connection.
        self._later(CLOSE_SECONDS, self._drop)
        return None

    def _fail(self, code: int) -> None:
        self.failedByMe = True
        if self.state == WebSocketProtocol.STATE_OPEN:
            self.sendClose(code)
        else:
            self._drop()

    def _drop(self) -> None:
        self.droppedByMe, self.wasClean = True, False
        self.state = WebSocketProtocol.STATE_CLOSED
        self._writer.transport.abort()

    def _later(self, delay: float, fun: Callable[[], Any]) -> None:
        def go() -> None:
            if self.state != WebSocketProtocol.STATE_CLOSED:
                fun()

        self._timers.append(asyncio.get_running_loop().call_later(delay, go))

    async def _write(self) -> None:
        """One piece at a time, so that chopped frames go out in pieces."""
        while (piece := await self._out.get()) is not None:
            try:
                self._writer.write(piece)
                await self._writer.drain()
            except ConnectionError:
                return
            await asyncio.sleep(0)


def _masked(body: bytes, key: bytes) -> bytes:
    if len(body) > 4096:
        # As one large number: a byte at a time takes seconds for megabytes.
        stream = (key * (len(body) // 4 + 1))[: len(body)]
        return (int.from_bytes(body, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(body), "big")
    return bytes(one ^ other for one, other in zip(body, itertools.cycle(key), strict=False))
