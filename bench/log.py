"""Measures a long log: the catch-up of a receiver that is far behind, the cost of queries, and growth."""

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
from peers import Failed, Hub, Orochi, Peer

__all__ = ["HUGE", "LONG", "SHORT", "measure_log", "measure_replay"]

SHORT, LONG, HUGE = 10_000, 1_000_000, 10_000_000
# Enough that the 99th percentile is not the machine's own hiccups.
QUESTIONS = 1000
# In every message of the load, and in one of a thousand times a thousand.
COMMON_WORD = "build"
SENDERS = 16
# A message's text in the load (bench/load/src/frames.rs).
CONTENT_BYTES = 100
# Messages for the search of a part of a run without spaces.
JAPANESE = 100
# Far beyond what is required.
INDEX_MAX = 60.0


def measure_replay(peer: Peer, load: Path, messages: int, samples: Samples) -> None:
    """Measures another system's replay of all missed messages to a receiver."""
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
        if messages == LONG:
            samples.add("replay", peer.name, replayed["messages_per_second"])
        add("index behind", _until_indexed(hub))
        add("index size", _index_share(hub, messages))
        _say_in_japanese(hub, channel)
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
        "prefix search": [f"/api/search?q={word()[:6]}*" for _ in range(QUESTIONS)],
        "substring search": [f"/api/search?q={quote('失敗')}" for _ in range(QUESTIONS)],
    }


def _until_indexed(hub: Hub) -> float:
    """Seconds until the search index has reached the newest messages."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection(hub.address)
    while time.perf_counter() - began < INDEX_MAX:
        connection.request("GET", "/readyz")
        if "search" not in json.loads(connection.getresponse().read()):
            return time.perf_counter() - began
    raise Failed(f"the search index has not reached the newest message after {INDEX_MAX} s")


def _index_share(hub: Hub, messages: int) -> float:
    """The index's size, its WAL with it, in parts of the text of all messages."""
    files = [path for path in hub.folder.iterdir() if ".search.db" in path.name and not path.name.endswith("-shm")]
    return sum(path.stat().st_size for path in files) / (messages * CONTENT_BYTES)


def _say_in_japanese(hub: Hub, channel: str) -> None:
    connection = http.client.HTTPConnection(hub.address)
    for number in range(JAPANESE):
        body = {"channel": channel, "sender": "ci", "content": f"{number} 番目のデプロイに失敗しました"}
        connection.request("POST", "/api/messages", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert response.status == 201, response.read()
        response.read()


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
