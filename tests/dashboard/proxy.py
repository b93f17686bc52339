"""A proxy to the hub on which connections can die silently, as behind a router that forgot them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType

__all__ = ["Proxy"]


class Proxy:
    """Forwards bytes to a port of this machine; :meth:`forget` lets open WebSockets hang for ever."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self._sockets: list[asyncio.Event] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.upgrades = 0

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def forget(self) -> None:
        """From now on nothing passes through the present WebSockets, and neither end is notified."""
        for passes in self._sockets:
            passes.clear()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passes = asyncio.Event()
        passes.set()
        hub_reader, hub_writer = await asyncio.open_connection("127.0.0.1", self._to)
        for source, sink in ((reader, hub_writer), (hub_reader, writer)):
            task = asyncio.create_task(self._copy(source, sink, passes))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, passes: asyncio.Event) -> None:
        try:
            while data := await source.read(65536):
                if b"upgrade: websocket" in data.lower():
                    self.upgrades += data.startswith(b"GET ")
                    self._sockets.append(passes)
                await passes.wait()
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()
            with suppress(OSError):
                await sink.wait_closed()
