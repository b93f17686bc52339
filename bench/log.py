"""Measurements of a log that is long: what a receiver far behind gets, what questions cost, and what grows with it."""

from __future__ import annotations

import http.client
import json
import random
import statistics
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from measures import Samples, run_load, start_on
from peers import Hub, Orochi, Peer

__all__ = ["LONG", "SHORT", "measure_log", "measure_replay"]

SHORT, LONG = 10_000, 1_000_000
QUESTIONS = 300
# In every message of the load, and in one of a thousand times a thousand.
COMMON_WORD = "build"
SENDERS = 16


def measure_replay(peer: Peer, load: Path, messages: int, samples: Samples) -> None:
    """How fast another system gives a receiver all that it missed."""
    with peer.running() as hub:
        channel = _fill(load, hub, messages)
        result = run_load([load, "replay", "--address", hub.address, "--channel", channel], f"replay of {peer.name}")
        samples.add("replay", peer.name, result["messages_per_second"])


def measure_log(peer: Orochi, load: Path, messages: int, samples: Samples) -> None:
    """All figures of this hub with a log of so many messages; rows end with that number."""

    def add(row: str, number: float) -> None:
        samples.add(f"{row} at {messages}", peer.name, number)

    with peer.running() as hub:
        first = time.time()
        channel = _fill(load, hub, messages)
        last = time.time()
        replayed = run_load([load, "replay", "--address", hub.address, "--channel", channel], "replay")
        add("replay", replayed["messages_per_second"])
        if messages > SHORT:
            samples.add("replay", peer.name, replayed["messages_per_second"])
        for row, paths in _questions(channel, messages, first, last).items():
            times = _ask(hub, paths)
            add(f"{row} p50", statistics.median(times))
            add(f"{row} p99", sorted(times)[int(len(times) * 0.99)])
        flags = ["--senders", SENDERS, "--receivers", 1, "--window", 256, "--messages", 20_000]
        add("acked", run_load([load, "throughput", "--address", hub.address, *flags], "throughput")["acked_per_second"])
        latency = run_load([load, "latency", "--address", hub.address, "--seconds", 5], "latency")
        add("latency p50", latency["delivery_ms"]["p50"])
        add("latency p99", latency["delivery_ms"]["p99"])
        add("memory", hub.memory_kb() / 1024)
        folder = hub.folder
        hub.stop()
        add("start", start_on(peer, load, folder))


def _fill(load: Path, hub: Hub, messages: int) -> str:
    flags = ["--senders", SENDERS, "--receivers", 1, "--window", 256, "--messages", messages]
    result = run_load([load, "throughput", "--address", hub.address, *flags], f"filling {hub.peer.name}")
    channel: str = result["channel"]
    return channel


def _questions(channel: str, messages: int, first: float, last: float) -> dict[str, list[str]]:
    """Paths to ask for, by row; the same for each run."""
    chance = random.Random(1)
    name = quote(channel.removeprefix("#"))

    # Not from the very end, after which nothing was said.
    def moment() -> str:
        return quote(datetime.fromtimestamp(chance.uniform(first, first + (last - first) * 0.9), UTC).isoformat())

    def word() -> str:
        return f"{chance.randrange(messages):08x}"

    return {
        "history": [f"/api/history/{name}?since={moment()}&limit=50" for _ in range(QUESTIONS)],
        "rare search": [f"/api/search?q={word()}" for _ in range(QUESTIONS)],
        "common search": [f"/api/search?q={COMMON_WORD}" for _ in range(QUESTIONS)],
    }


def _ask(hub: Hub, paths: list[str]) -> list[float]:
    """Milliseconds of each answer, over one connection."""
    connection = http.client.HTTPConnection(hub.address)
    times = []
    for path in paths:
        began = time.perf_counter()
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        times.append((time.perf_counter() - began) * 1000)
        rows: Any = json.loads(body)
        assert response.status == 200, rows
        assert rows, path
    return times
