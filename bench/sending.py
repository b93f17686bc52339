"""Measures the messages a second that a Python client sends and gets acked. Runs in the environment of the client.

Usage: sending.py PORT MESSAGES WINDOW. WINDOW tasks send one message after the other, so that as many are in flight.
Prints one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time


async def main(port: int, messages: int, window: int) -> None:
    from orochi.client import OrochiClient

    async with OrochiClient("sending", "127.0.0.1", port, []) as client:
        left = messages

        async def send_on() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                await client.send("#general", "a message of some length, as agents write them to each other")

        for _ in range(10):
            await client.send("#general", "warm")
        started = time.perf_counter()
        await asyncio.gather(*[send_on() for _ in range(window)])
        seconds = time.perf_counter() - started
    print(json.dumps({"messages": messages, "window": window, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:4])))
