"""The program under test: commands go to its stdin and events come from its stdout, a JSON object a line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

__all__ = ["Program"]

# The longest wait for one action of a program; its own longest wait before it connects again is 30 s.
PATIENCE = 45.0
# The longest wait for a program to start and to register.
START = 45.0
_LINE_BYTES_MAX = 4 * 1024 * 1024

Event = dict[str, Any]


class Program:
    """One run of the program."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.events: list[Event] = []
        # A fault that ends all waits for events.
        self.fault: str | None = None
        self._changed = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Program:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *self.command, stdin=pipe, stdout=pipe, limit=_LINE_BYTES_MAX
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._reader is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reader

    async def do(self, what: str, **arguments: Any) -> None:
        """Gives it a command."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **arguments}).encode() + b"\n")
        with suppress(ConnectionError):
            # A program that has ended is detected by its missing events.
            await self._process.stdin.drain()

    async def until(self, what: str, happened: Callable[[list[Event]], bool], patience: float | None = None) -> None:
        """Waits until its events fulfil a condition."""
        async with asyncio.timeout(patience or PATIENCE) as limit:
            try:
                while not happened(self.events):
                    if self.fault is not None:
                        raise AssertionError(f"waited for {what}; {self.fault}")
                    self._changed.clear()
                    await self._changed.wait()
            except asyncio.CancelledError:
                if limit.expired():
                    raise AssertionError(f"waited for {what}; its last events: {self.events[-3:]}") from None
                raise

    async def event(self, kind: str, **facts: Any) -> Event:
        """Waits for an event with these facts."""

        wanted = {"event": kind, **facts}

        def found(events: list[Event]) -> list[Event]:
            return [event for event in events if all(event.get(key) == value for key, value in wanted.items())]

        await self.until(f"{kind} {facts}", lambda events: bool(found(events)))
        return found(self.events)[0]

    def messages(self) -> list[Event]:
        """The messages that it received, in the order in which it said so."""
        return [event for event in self.events if event["event"] == "message"]

    async def close(self) -> int:
        """Tells it to end; its exit code."""
        assert self._process is not None
        await self.do("close")
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            try:
                event = json.loads(line)
                assert isinstance(event, dict)
                assert isinstance(event["event"], str)
            except (ValueError, AssertionError, KeyError):
                self.fault = f"it printed a line that is no event: {line[:200]!r}"
            else:
                self.events.append(event)
            self._changed.set()
        self.fault = self.fault or f"it ended with {await self._process.wait()}"
        self._changed.set()
