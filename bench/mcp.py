"""Measures MCP: the delay of `wait`, the hub's memory for a waiting client, and the memory of `orochi mcp` itself.

    OROCHI_TEST_BINARY=target/release/orochi PYTHONPATH=. python -P bench/mcp.py

`-P`, because this file has the name of a package that it uses. Prints a line for each figure, with what is required.
The client is this process, so on a busy machine times are mostly its own.
"""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.mcp.raw import Raw
from tests.python.hub import Hub

MESSAGES = 200
CLIENTS = 1000
STARTS = 20
# A wait is open when a message to it is sent.
OPEN_FOR = 0.02


def percentile(values: list[float], share: float) -> float:
    """The value below which this share lies, in milliseconds."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] * 1000


def resident_kib(pid: int) -> int:
    """A process's resident memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


class Http:
    """One connection to the hub's `/mcp`, for one agent."""

    def __init__(self, hub: Hub, name: str) -> None:
        self.hub, self.name = hub, name

    async def open(self) -> Http:
        """Connects."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.hub.port)
        return self

    def begin_wait(self) -> None:
        """Calls the tool."""
        call = {"name": "wait", "arguments": {"timeout": 50}}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}).encode()
        head = (
            f"POST /mcp/{self.name} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.writer.write(head.encode() + body)

    async def end_wait(self) -> str:
        """The answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        return (await self.reader.readexactly(length)).decode()

    async def wait(self) -> str:
        """Waits for a message."""
        self.begin_wait()
        return await self.end_wait()


async def ways(
    hub: Hub, name: str, wait: Callable[[], Awaitable[str]], after: Callable[[str], Awaitable[object]] | None = None
) -> list[float]:
    """From the start of a send until an open wait has its message; `after` is not counted."""
    took = []
    async with hub.client("writer") as writer:
        for number in range(MESSAGES):
            waiting = asyncio.ensure_future(wait())
            await asyncio.sleep(OPEN_FOR)
            start = time.perf_counter()
            sending = asyncio.ensure_future(writer.send(f"@{name}", f"message {number}"))
            text = await waiting
            took.append(time.perf_counter() - start)
            assert f"message {number}" in text
            await sending
            if after is not None:
                await after(text)
    return took


async def waits(hub: Hub, home: Path) -> None:
    """Measures the delay of `wait`, over both transports."""
    raw = await Raw.spawn(hub, "stdio", home)
    await raw.initialize()

    async def wait() -> str:
        return (await raw.call("wait", timeout=50))[0]

    async def seen(text: str) -> None:
        # The inbox is bounded.
        await raw.call("inbox", seen=text.split()[0].removeprefix("orochi#"))

    for what, most, took in [
        ("stdio", 20, await ways(hub, "stdio", wait, seen)),
        ("HTTP", 50, await ways(hub, "http", (await Http(hub, "http").open()).wait)),
    ]:
        p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
        print(f"wait over {what}: p50 {p50:.1f} ms, p99 {p99:.1f} ms (under {most} ms)", flush=True)
    await raw.end()


async def many(hub: Hub) -> None:
    """The hub's memory for each client that waits over HTTP."""
    async with hub.client("watcher") as watcher:
        before = resident_kib(hub.pid)
        clients = [await Http(hub, f"a{number}").open() for number in range(CLIENTS)]
        for client in clients:
            client.begin_wait()
        # Each look is a long answer: not as often as can be.
        while len(await watcher.who()) < CLIENTS:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        each = (resident_kib(hub.pid) - before) / CLIENTS
    print(f"{CLIENTS} waits over HTTP: {each:.1f} KiB each (under 20 KB), with its connection", flush=True)
    for client in clients:
        client.writer.close()


async def residents(hub: Hub, home: Path) -> None:
    """Measures a resident's start until its first answer, and its memory once it is connected."""
    took, memory = [], 0
    for _ in range(STARTS):
        start = time.perf_counter()
        raw = await Raw.spawn(hub, "ann", home)
        await raw.initialize()
        took.append(time.perf_counter() - start)
        assert not (await raw.call("who"))[1]
        memory = max(memory, resident_kib(raw.process.pid))
        await raw.end()
    print(f"orochi mcp, start to ready: p50 {percentile(took, 0.5):.1f} ms, most {max(took) * 1000:.1f} ms (30 ms)")
    print(f"orochi mcp, memory: at most {memory / 1024:.1f} MiB of {STARTS} (under 12 MB)", flush=True)


async def run(folder: Path) -> None:
    """All figures."""
    with Hub(folder) as hub:
        home = Path(tempfile.mkdtemp(prefix="om"))
        try:
            await residents(hub, home)
            await waits(hub, home)
            await many(hub)
        finally:
            shutil.rmtree(home)


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as place:
        sys.exit(asyncio.run(run(Path(place))))
