"""Measures the hub with Gitea: deliveries to a socket, messages beside slow calls, and catching up.

    OROCHI_TEST_BINARY=target/release/orochi PYTHONPATH=. python bench/gitea.py

Gitea is the tests' stand-in, in this process. Prints a line for each figure, with what is required.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from tests.gitea.standin import TOKEN, Gitea, Trouble
from tests.gitea.test_late import opened
from tests.python.hub import Hub

SECRET = "bench"
DELIVERIES, A_MINUTE = 500, 1000
REPOSITORIES, CHANGES = 20, 50


def deliver(hub: Hub, body: dict[str, Any]) -> None:
    """One signed delivery."""
    raw = json.dumps(body).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Gitea-Event": "issues",
        "X-Gitea-Delivery": str(uuid.uuid4()),
        "X-Gitea-Signature": hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest(),
    }
    url = f"http://127.0.0.1:{hub.dashboard_port}/api/webhooks/gitea"
    with urllib.request.urlopen(urllib.request.Request(url, raw, headers), timeout=30) as response:
        assert response.status == 202


def percentile(values: list[float], share: float) -> float:
    """The value below which this share lies, in milliseconds."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] * 1000


async def deliveries(hub: Hub, gitea: Gitea) -> float:
    """From the start of a delivery until an agent's socket has it."""
    bodies = [opened(gitea, f"event {number}") for number in range(DELIVERIES)]
    took: list[float] = []
    async with hub.client("reader", channels=["#gitea"]) as reader:
        stream = aiter(reader.listen())
        begin = time.perf_counter()
        for number, body in enumerate(bodies):
            await asyncio.sleep(max(0.0, begin + number * 60 / A_MINUTE - time.perf_counter()))
            start = time.perf_counter()
            sending = asyncio.create_task(asyncio.to_thread(deliver, hub, body))
            await anext(stream)
            took.append(time.perf_counter() - start)
            await sending
    return percentile(took, 0.99)


async def beside_slow_calls(hub: Hub, gitea: Gitea) -> tuple[float, float]:
    """A message's way to its reader, without and with 16 calls that hang."""

    async def ways() -> float:
        took = []
        for _ in range(200):
            start = time.perf_counter()
            await writer.send("#talk", "x")
            await anext(stream)
            took.append(time.perf_counter() - start)
        return percentile(took, 0.99)

    async with hub.client("writer", channels=["#talk"]) as writer, hub.client("other", channels=["#talk"]) as other:
        stream = aiter(other.listen())
        quiet = await ways()
        gitea.trouble = Trouble("hang", "PATCH")
        close = {"owner": "lab", "repo": "api", "issue_number": 1}
        async with hub.client("one") as one, hub.client("two") as two:
            calls = [asyncio.create_task(who.gitea("close_issue", close)) for who in (one, two) for _ in range(8)]
            await asyncio.to_thread(gitea.arrived.wait)
            busy = await ways()
            gitea.trouble = None
            gitea.released.set()
            await asyncio.gather(*calls, return_exceptions=True)
    return quiet, busy


def catching_up(hub: Hub, gitea: Gitea) -> tuple[float, int]:
    """From the hub's start until the last missed event is told, and the requests that it took."""
    names = [f"lab/r{number}" for number in range(REPOSITORIES)]
    for name in names:
        gitea.issues[name] = []
        deliver(hub, opened(gitea, "first", full=name))
    with urllib.request.urlopen(f"http://127.0.0.1:{hub.dashboard_port}/api/stats", timeout=30) as response:
        head = json.load(response)["seq"]
    hub.stop()
    for name in names:
        for number in range(CHANGES - 1):
            opened(gitea, f"missed {number}", full=name)
    gitea.requests.clear()
    start = time.perf_counter()
    hub.start()
    found = 0
    url = f"http://127.0.0.1:{hub.dashboard_port}/api/stats"
    while found < head + REPOSITORIES * (CHANGES - 1):
        with urllib.request.urlopen(url, timeout=30) as response:
            found = json.load(response)["seq"]
    # The repository of the figures before it is asked too, and counted there.
    asked = [request for request in gitea.requests if "/lab/r" in request]
    return time.perf_counter() - start, len(asked)


async def run(folder: Path) -> None:
    """All figures."""
    with Gitea() as gitea:
        env = {"GITEA_URL": gitea.url, "GITEA_TOKEN": TOKEN, "OROCHI_GITEA_WEBHOOK_SECRET": SECRET}
        with Hub(folder, env=env) as hub:
            print(f"delivery to socket, p99: {await deliveries(hub, gitea):.1f} ms (under 20 ms)", flush=True)
            quiet, busy = await beside_slow_calls(hub, gitea)
            print(f"message, p99: {quiet:.1f} ms; beside 16 calls that hang: {busy:.1f} ms (no more)", flush=True)
            seconds, requests = catching_up(hub, gitea)
            print(
                f"catching up 20 repositories with 1000 changes: {seconds:.2f} s (under 5 s), {requests} requests (60)"
            )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        sys.exit(asyncio.run(run(Path(place))))
