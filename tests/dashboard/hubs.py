"""Shared by the tests of the dashboard: the addresses of a hub's pages, and a past for a hub."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing

from orochi import OrochiClient
from tests.python.hub import Hub

__all__ = ["Start", "address", "feed", "read", "set_past"]

MINUTE = 60_000_000

Start = Callable[..., Hub]


def address(hub: Hub, rest: str = "/") -> str:
    """The address of a path of the dashboard."""
    return f"http://127.0.0.1:{hub.dashboard_port}{rest}"


def feed(hub: Hub, query: str = "") -> str:
    """The address of the feed, with the query in its fragment."""
    return address(hub, f"/#/feed{query}")


async def read(agent: OrochiClient) -> None:
    """Reads all messages, and reports them as seen."""
    async for _ in agent.listen():
        pass


def set_past(hub: Hub, said: Iterable[tuple[int | None, float]], states: Iterable[tuple[str, float, str]]) -> None:
    """Moves messages, by seq, so many minutes back in the log, and puts `(agent, minutes ago, state)` in the place of
    all states: minutes can't be waited for."""
    now = time.time_ns() // 1000
    times = [(now - int(minutes * MINUTE), seq) for seq, minutes in said]
    rows = [(name, now - int(minutes * MINUTE), state) for name, minutes, state in states]
    with closing(sqlite3.connect(hub.db)) as log, log:
        log.executemany("UPDATE messages SET ts = ? WHERE seq = ?", times)
        log.execute("DELETE FROM agent_states")
        log.executemany("INSERT INTO agent_states (agent, ts, state) VALUES (?, ?, ?)", rows)
