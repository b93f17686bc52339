"""This project's Python client, driven by the conformance kit over stdin and stdout."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any
from urllib.parse import urlsplit

from orochi import AuthenticationFailed, OrochiClient, OrochiError


def tell(**event: Any) -> None:
    """One line for the kit."""
    print(json.dumps(event), flush=True)


class Driven:
    """The client and its tasks."""

    def __init__(self, command: dict[str, Any]) -> None:
        url = urlsplit(command["url"])
        assert url.hostname is not None
        assert url.port is not None
        self.up = asyncio.Event()
        # Whoever waits for the connection goes on in order.
        self.turn = asyncio.Lock()
        self.tasks: set[asyncio.Task[None]] = set()
        self.client = OrochiClient(
            command["name"],
            url.hostname,
            url.port,
            command["channels"],
            command["token"],
            resume="stored",
            on_state=self.on_state,
            timeout=40,
        )
        self.start(self.run())

    def start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def on_state(self, state: str) -> None:
        if state == "connected":
            tell(event="registered")

    async def run(self) -> None:
        try:
            await self.client.connect()
        except AuthenticationFailed:
            tell(event="final", code="AUTH_FAILED")
            return
        self.up.set()
        tell(event="registered")
        async for message in self.client.listen():
            tell(
                event="message",
                seq=message.seq,
                sender=message.sender,
                channel=message.channel,
                content=message.content,
            )

    async def join(self, channel: str) -> None:
        async with self.turn:
            await self.up.wait()
        await self.client.subscribe(channel)
        tell(event="joined", channel=channel)

    async def send(self, key: str, channel: str, content: str) -> None:
        # Before it is connected a client refuses to send; afterwards what is sent waits for the next connection. One
        # after the other: those that have waited go before one that finds it connected.
        async with self.turn:
            await self.up.wait()
        try:
            ack = await self.client.send(channel, content)
        except OrochiError as error:
            tell(event="refused", key=key, code=getattr(error, "code", type(error).__name__))
        else:
            tell(event="acked", key=key, seq=ack.seq)


async def main() -> None:
    """Reads commands until `close`."""
    driven: Driven | None = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = json.loads(line)
        match command.pop("do"):
            case "connect":
                driven = Driven(command)
            case "send":
                assert driven is not None
                driven.start(driven.send(**command))
            case "seen":
                # Asking for the next message has said so.
                continue
            case "join":
                assert driven is not None
                driven.start(driven.join(command["channel"]))
            case "close":
                if driven is not None:
                    await driven.client.disconnect()
                return


asyncio.run(main())
