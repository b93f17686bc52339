"""Measures the messages a second that a Python client receives. Runs in the environment of the client.

Usage: intake.py KIND PORT MESSAGES. Prints one JSON line. Every kind reads each message's content, as an agent does,
but for ``websockets``, which only counts frames: the least that can be done with that package.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncGenerator

REGISTER = json.dumps({"type": "register", "sender": "intake", "id": "1", "payload": {"channels": ["#general"]}})
# The first value of each kind; after it, the length of each message's content.
REGISTERED = 0


async def main(kind: str, port: int, messages: int) -> None:
    count, size = 0, 0
    async with contextlib.aclosing(KINDS[kind](port)) as stream:
        # The clock starts when the client is registered, not at the first message: a client that reads ahead in
        # another thread has many by then.
        await anext(stream)
        started = time.perf_counter()
        async for content_bytes in stream:
            count += 1
            size += content_bytes
            if count == messages:
                break
        seconds = time.perf_counter() - started
    print(json.dumps({"messages": count, "content_bytes": size, "seconds": seconds}), flush=True)


async def orochi(port: int) -> AsyncGenerator[int, None]:
    from orochi.client import OrochiClient

    async with OrochiClient("intake", "127.0.0.1", port, ["#general"]) as client:
        yield REGISTERED
        async for message in client.listen():
            yield len(message.content)


async def old_client(port: int) -> AsyncGenerator[int, None]:
    from scitex_orochi._client import OrochiClient

    async with OrochiClient("intake", "127.0.0.1", port, ["#general"]) as client:
        yield REGISTERED
        async for message in client.listen():
            yield len(message.content)


async def websockets_json(port: int) -> AsyncGenerator[int, None]:
    import websockets

    async with websockets.connect(f"ws://127.0.0.1:{port}", compression=None) as socket:
        await socket.send(REGISTER)
        await socket.recv()
        yield REGISTERED
        async for frame in socket:
            yield len(json.loads(frame)["payload"]["content"])


async def websockets_frames(port: int) -> AsyncGenerator[int, None]:
    import websockets

    async with websockets.connect(f"ws://127.0.0.1:{port}", compression=None) as socket:
        await socket.send(REGISTER)
        await socket.recv()
        yield REGISTERED
        async for frame in socket:
            yield len(frame)


KINDS = {
    "orochi": orochi,
    "scitex-orochi": old_client,
    "websockets-json": websockets_json,
    "websockets": websockets_frames,
}

if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
