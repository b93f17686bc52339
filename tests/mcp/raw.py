"""`orochi mcp` without a client's library: one JSON message a line, to see the messages unchanged."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.mcp.conftest import resident
from tests.python.hub import DEADLINE, Hub

__all__ = ["Raw"]

_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Raw:
    """One resident and its pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.notices: list[dict[str, Any]] = []
        self._next = 0

    @classmethod
    async def spawn(cls, hub: Hub, name: str, home: Path, *flags: str, **env: str) -> Raw:
        """Starts a resident with these flags."""
        command, own = resident(hub, name, home)
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, *flags, env=own | env, stdin=pipe, stdout=pipe)
        return cls(process)

    async def initialize(self) -> dict[str, Any]:
        """The handshake of 2025; its result."""
        given = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
        answer = await self.request("initialize", given)
        self.write({"method": "notifications/initialized"})
        result: dict[str, Any] = answer["result"]
        return result

    async def discover(self, meta: dict[str, Any] = _META) -> dict[str, Any]:
        """The probe of 2026; its answer."""
        return await self.request("server/discover", {"_meta": meta})

    async def call(self, tool: str, **arguments: Any) -> tuple[str, bool]:
        """A tool's text, and whether it is an error."""
        answer = await self.request("tools/call", {"name": tool, "arguments": arguments})
        (block,) = answer["result"]["content"]
        return block["text"], answer["result"].get("isError", False)

    async def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """A request, and its answer."""
        number = self.begin(method, params)
        while True:
            message = await self.read()
            if message.get("id") == number:
                return message
            self.notices.append(message)

    async def notice(self) -> dict[str, Any]:
        """Returns the next message that is not an answer."""
        return self.notices.pop(0) if self.notices else await self.read()

    def begin(self, method: str, params: dict[str, Any]) -> int:
        """Sends a request; its number."""
        self._next += 1
        self.write({"id": self._next, "method": method, "params": params})
        return self._next

    def write(self, message: dict[str, Any]) -> None:
        """Sends a message."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    async def read(self) -> dict[str, Any]:
        """The next message."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), DEADLINE)
        assert line, "the resident ended"
        message: dict[str, Any] = json.loads(line)
        return message

    async def end(self) -> int:
        """Closes its stdin; its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return await asyncio.wait_for(self.process.wait(), DEADLINE)
