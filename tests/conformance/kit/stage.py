"""The stage of each step: a real hub, the proxy before it, the program, and a friend that talks to the hub directly."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.conformance.kit import program as programs
from tests.conformance.kit.program import Program
from tests.conformance.kit.proxy import Proxy
from tests.python.hub import Hub

__all__ = ["CHANNEL", "TOKEN", "Friend", "Stage", "friend_of", "stage"]

TOKEN = "kit-token"
CHANNEL = "#kit"


class Friend:
    """An agent without a mistake, because it never loses its connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []

    async def ask(self, kind: str, **payload: Any) -> dict[str, Any]:
        """Sends a request; its ack's payload."""
        own = str(uuid.uuid4())
        await self.socket.send(json.dumps({"type": kind, "sender": "friend", "id": own, "payload": payload}))
        while True:
            frame = await self._next()
            if frame["type"] in ("ack", "error") and frame["payload"].get("ref") == own:
                assert frame["type"] == "ack", frame
                return dict(frame["payload"])

    async def say(self, content: str, channel: str = CHANNEL) -> int:
        """Sends a message. Returns its seq."""
        return int((await self.ask("message", channel=channel, content=content))["seq"])

    async def hear(self, count: int) -> list[dict[str, Any]]:
        """All messages that came, once there are so many."""
        while len(self.messages) < count:
            try:
                await self._next()
            except TimeoutError:
                got = [message["payload"]["content"] for message in self.messages]
                raise AssertionError(f"waited for {count} messages of the program; others got {got}") from None
        return self.messages

    async def _next(self) -> dict[str, Any]:
        async with asyncio.timeout(programs.PATIENCE):
            frame: dict[str, Any] = json.loads(await self.socket.recv())
        if frame["type"] == "message" and "seq" in frame:
            self.messages.append(frame)
        return frame


@dataclass
class Stage:
    """One step's."""

    folder: Path
    hub: Hub
    proxy: Proxy
    program: Program
    friend: Friend
    command: Sequence[str]

    async def join(self, program: Program | None = None, token: str = TOKEN) -> None:
        """The program connects and registers."""
        url = f"ws://127.0.0.1:{self.proxy.port}/"
        program = program or self.program
        await program.do("connect", url=url, token=token, name="kit", channels=[CHANNEL])

    async def joined(self) -> None:
        """The same, and it has said so."""
        await self.join()
        what = "the first register"
        await self.program.until(
            what, lambda events: any(one["event"] == "registered" for one in events), programs.START
        )


@asynccontextmanager
async def stage(command: Sequence[str], folder: Path) -> AsyncIterator[Stage]:
    """A new hub with an empty log for one step."""
    with Hub(folder, token=TOKEN) as hub:
        async with Proxy(hub.port) as proxy, Program(command) as program, friend_of(hub) as friend:
            yield Stage(folder, hub, proxy, program, friend, command)


@asynccontextmanager
async def friend_of(hub: Hub) -> AsyncIterator[Friend]:
    """Registered, in the kit's channel."""
    async with connect(f"ws://127.0.0.1:{hub.port}/?token={TOKEN}", max_size=None) as socket:
        friend = Friend(socket)
        await friend.ask("register", channels=[CHANNEL])
        yield friend
