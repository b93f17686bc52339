"""Clients in Go and Node, written from the page alone, under load, while their hub is killed again and again."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from tests.conformance.kit.program import Program
from tests.conformance.programs import STRANGERS
from tests.python.hub import Hub

KILLS = 20
CHANNEL = "#load"
# Messages of one program that wait for their acks: enough that each kill meets some.
IN_FLIGHT = 30
# Messages that a program may send between two kills, and those of them that may be acked before the second.
MESSAGES = 150
ACKS_MAX = 100


class Talker:
    """One program that sends all the time, and the fate of its messages."""

    def __init__(self, name: str, program: Program) -> None:
        self.name = name
        self.program = program
        self.sent = 0
        self.allowed = asyncio.Semaphore(0)
        self.is_ending = False
        self.registers = 0
        # The sent text of each seq, by the acks.
        self.acked: dict[int, str] = {}
        self.received: list[dict[str, Any]] = []
        self._read = 0

    def look(self) -> Talker:
        """Takes in the events since the last look."""
        events = self.program.events
        for event in events[self._read :]:
            match event["event"]:
                case "registered":
                    self.registers += 1
                case "acked":
                    assert event["seq"] not in self.acked, event
                    self.acked[event["seq"]] = f"{self.name} {event['key']}"
                case "message":
                    self.received.append(event)
                case other:
                    raise AssertionError(f"{self.name} said {other}: {event}")
        self._read = len(events)
        return self

    async def join(self, hub: Hub) -> None:
        url = f"ws://127.0.0.1:{hub.port}/"
        await self.program.do("connect", url=url, token="", name=self.name, channels=[CHANNEL])
        await self.program.event("registered")

    async def talk(self) -> None:
        """Sends as much as it may, until it is told to end, and then waits for the last ack."""
        while await self.allowed.acquire() and not self.is_ending:
            key = str(self.sent)
            await self.program.do("send", key=key, channel=CHANNEL, content=f"{self.name} {key}")
            self.sent += 1
            await self.program.until(f"acks of {self.name}", lambda _: self.sent - len(self.look().acked) < IN_FLIGHT)
        await self.program.until(f"all acks of {self.name}", lambda _: len(self.look().acked) == self.sent)

    def allow(self) -> None:
        """It may send more."""
        for _ in range(MESSAGES):
            self.allowed.release()

    async def gets_acks(self, count: int) -> None:
        """Waits for so many more acks."""
        wanted = len(self.look().acked) + count
        await self.program.until(f"{count} acks of {self.name}", lambda _: len(self.look().acked) >= wanted)

    async def back(self, before: int) -> None:
        """Waits until it has registered again."""
        await self.program.until(f"{self.name} to be back", lambda _: self.look().registers > before)

    async def hears(self, count: int) -> None:
        """Waits until it has received so many messages."""
        await self.program.until(f"{count} messages at {self.name}", lambda _: len(self.look().received) >= count)

    def heard(self, sender: str) -> list[str]:
        return [one["content"] for one in self.received if one["sender"] == sender]


@asynccontextmanager
async def talkers(hub: Hub) -> AsyncIterator[list[Talker]]:
    """Two programs of each language."""
    async with AsyncExitStack() as stack:
        made = []
        for language, number in itertools.product(STRANGERS, "12"):
            program = await stack.enter_async_context(Program(STRANGERS[language]()))
            made.append(Talker(f"{language}-{number}", program))
        await asyncio.gather(*(talker.join(hub) for talker in made))
        yield made


async def test_clients_of_strangers_lose_and_double_nothing_over_kills(hub: Hub):
    async with talkers(hub) as everyone:
        talks = [asyncio.create_task(talker.talk()) for talker in everyone]
        for kill in range(KILLS):
            for talker in everyone:
                talker.allow()
            await random.choice(everyone).gets_acks(random.randint(0, ACKS_MAX))
            before = [talker.look().registers for talker in everyone]
            hub.kill()
            await asyncio.to_thread(hub.start)
            if kill % 5 != 4:
                # Else the next kill can meet those that are on their way back.
                await asyncio.gather(*(talker.back(count) for talker, count in zip(everyone, before, strict=True)))
        for talker in everyone:
            talker.is_ending = True
            talker.allowed.release()
        await asyncio.gather(*talks)
        total = sum(talker.sent for talker in everyone)
        for talker in everyone:
            others = total - talker.sent
            await talker.hears(others)
            seqs = [one["seq"] for one in talker.received]
            assert seqs == sorted(set(seqs)), f"{talker.name} got messages twice or out of order"
        for listener, sender in itertools.permutations(everyone, 2):
            assert listener.heard(sender.name) == [f"{sender.name} {number}" for number in range(sender.sent)]
        # Every message is in the log once, at the seq of its ack.
        acked = {seq: content for talker in everyone for seq, content in talker.acked.items()}
        assert log(hub) == acked
        assert len(acked) == total > KILLS * len(everyone)
        print(f"{total} messages, {[talker.registers for talker in everyone]} registers")


def log(hub: Hub) -> dict[int, str]:
    """All messages of the channel by their seq."""
    rows: dict[int, str] = {}
    while True:
        page = f"/api/history/load?order=asc&limit=1000&after={max(rows, default=0)}"
        with urllib.request.urlopen(f"http://127.0.0.1:{hub.dashboard_port}{page}") as answer:
            found = json.load(answer)
        if not found:
            return rows
        rows |= {row["seq"]: row["content"] for row in found}
