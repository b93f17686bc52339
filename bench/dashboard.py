"""Measures the dashboard in a real Chromium before a real hub: first paint, delay, and a flood of messages.

Run by `make bench-dashboard`, which has what this needs but Chromium itself (apt-get install chromium).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import websockets
from playwright.async_api import Browser, CDPSession, Page, async_playwright

from orochi import OrochiClient

ROOT = Path(__file__).resolve().parent.parent
HUB = ROOT / "target" / "release" / "orochi"
AGENTS = 50
# Agents that registered once and left.
SEEN_EVER = 10_000
# Of them, how many connect at once.
VISITORS = 50
CHANNELS = 8
# The messages in the log before the first measurement.
HISTORY = 10_000
LOADS = 20
# Messages that a sender has under way.
WINDOW = 64
CONTENT = "build {n} passed in 4 min 12 s, see `results/{n}.json` and https://ci.example/{n}"

# When the first data were painted, in milliseconds after the navigation began.
FIRST = """
new MutationObserver((_, observer) => {
  if (!document.querySelector(".agent, .message")) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.paintedAt = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""
# When each message was painted, by its seq, in milliseconds since 1970.
SEEN = """() => {
  window.seenAt = {};
  window.watcher = new MutationObserver((records) => {
    const came = records.flatMap((record) => [...record.addedNodes]).filter((node) => node.dataset?.seq);
    requestAnimationFrame(() => setTimeout(() => {
      for (const row of came) window.seenAt[row.dataset.seq] ??= performance.timeOrigin + performance.now();
    }));
  });
  window.watcher.observe(document.querySelector(".messages"), { childList: true });
}"""
# Removes the notes of the measurement, which would count as the page's memory.
FORGET = """() => {
  window.watcher.disconnect();
  delete window.seenAt;
}"""
# The page's longest tasks; the browser tells of those over 50 ms.
TASKS = """() => {
  window.tasks = [];
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ type: "longtask" });
}"""


@dataclass(frozen=True)
class Hub:
    """A hub's addresses."""

    port: int
    page: str


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Hub]:
    """A hub on a new log."""
    flags = ["--port", "0", "--dashboard-port", "0", "--db", str(folder / "log.db")]
    process = await asyncio.create_subprocess_exec(str(HUB), "serve", *flags, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    said: dict[str, str] = {}
    while "stop" not in said:
        line = await process.stderr.readline()
        if not line:
            raise SystemExit("bench/dashboard.py: the hub did not start")
        what, _, value = line.decode().strip().partition(" ")
        said[what] = value.strip()
    drained = asyncio.create_task(process.stderr.read())
    try:
        yield Hub(urlsplit(said["agents"]).port or 0, said["dashboard"])
    finally:
        process.terminate()
        await process.wait()
        await drained


class Senders:
    """Agents that say something at a given rate; `acked` has when each message was acked, by its seq."""

    def __init__(self, clients: list[OrochiClient]) -> None:
        self._clients = clients
        self._count = 0
        self.acked: dict[int, float] = {}
        self._under_way = asyncio.Semaphore(WINDOW)

    async def _send(self) -> None:
        self._count += 1
        n = self._count
        mention = f" @agent-{n % AGENTS}" if n % 20 == 0 else ""
        client = self._clients[n % len(self._clients)]
        try:
            receipt = await client.send(f"#channel-{n % CHANNELS}", CONTENT.format(n=n) + mention)
        finally:
            self._under_way.release()
        if receipt.seq is not None:
            self.acked[receipt.seq] = time.time() * 1000

    async def send(self, count: int, rate: float | None) -> float:
        """Sends so many, at `rate` a second or as fast as acks come; gives the rate that it was."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for n in range(count):
                if rate is not None:
                    await asyncio.sleep(max(0.0, began + n / rate - time.monotonic()))
                await self._under_way.acquire()
                group.create_task(self._send())
        return count / (time.monotonic() - began)


async def first_paint(browser: Browser, hub: Hub, path: str) -> list[float]:
    """Milliseconds to the first agent or message on the screen, each time with an empty cache.

    In a window that is there, after one that does not count: one that opens keeps the browser itself busy for a while.
    """
    page = await browser.new_page(viewport={"width": 1440, "height": 900})
    await page.add_init_script(FIRST)
    session = await page.context.new_cdp_session(page)
    times = []
    for _ in range(1 + LOADS):
        await page.goto("about:blank")
        await session.send("Network.clearBrowserCache")
        await page.goto(hub.page + path)
        await page.wait_for_function("() => window.paintedAt")
        times.append(float(await page.evaluate("window.paintedAt")))
    await page.close()
    return times[1:]


async def delays(page: Page, senders: Senders, seconds: int, rate: float) -> list[float]:
    """Milliseconds from a message's ack to its being on the screen."""
    await page.evaluate(SEEN)
    senders.acked.clear()
    await senders.send(int(seconds * rate), rate)
    last = max(senders.acked)
    await page.wait_for_function("seq => window.seenAt[seq]", arg=str(last))
    seen: dict[str, float] = await page.evaluate("window.seenAt")
    await page.evaluate(FORGET)
    missing = [seq for seq in senders.acked if str(seq) not in seen]
    if missing:
        print(f"bench/dashboard.py: {len(missing)} messages were never a row of the feed", file=sys.stderr)
    return [seen[str(seq)] - at for seq, at in senders.acked.items() if str(seq) in seen]


async def megabytes(session: CDPSession) -> tuple[float, int]:
    """The page's memory after what is garbage is gone, and its nodes."""
    await session.send("HeapProfiler.collectGarbage")
    metrics = {metric["name"]: metric["value"] for metric in (await session.send("Performance.getMetrics"))["metrics"]}
    return metrics["JSHeapUsedSize"] / 1e6, int(metrics["Nodes"])


async def flood(page: Page, senders: Senders, minutes: float, rate: float) -> dict[str, object]:
    """The longest task, and memory over time, under many messages a second."""
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    await page.evaluate(TASKS)
    memory = []
    rates = []
    for _ in range(round(minutes * 2)):
        rates.append(await senders.send(int(rate * 30), rate))
        memory.append(await megabytes(session))
    await page.wait_for_function("seq => document.querySelector(`[data-seq='${seq}']`)", arg=str(max(senders.acked)))
    tasks: list[float] = await page.evaluate("window.tasks")
    return {
        "messages a second": round(statistics.mean(rates)),
        "tasks over 50 ms": len(tasks),
        "longest task, ms": round(max(tasks, default=0.0)),
        "heap after each half minute, MB": [round(heap, 1) for heap, _ in memory],
        "nodes after each half minute": [nodes for _, nodes in memory],
    }


async def visit(hub: Hub, count: int) -> None:
    """So many agents register and leave again."""
    numbers = iter(range(count))

    async def visitors() -> None:
        for n in numbers:
            register = {"type": "register", "sender": f"visitor-{n}", "id": f"r{n}", "payload": {"channels": ["#door"]}}
            async with websockets.connect(f"ws://127.0.0.1:{hub.port}/") as socket:
                await socket.send(json.dumps(register))
                while f'"r{n}"' not in str(await socket.recv()):
                    pass

    async with asyncio.TaskGroup() as group:
        for _ in range(VISITORS):
            group.create_task(visitors())


async def feed(browser: Browser, hub: Hub) -> Page:
    """A page with the feed."""
    page = await browser.new_page(viewport={"width": 1440, "height": 900})
    await page.goto(f"{hub.page}/#/feed")
    await page.wait_for_selector(".message")
    return page


async def measured(browser: Browser, hub: Hub, senders: Senders) -> dict[str, object]:
    """First paint, the delay to the screen, and what drawing the overview takes."""
    found: dict[str, object] = {
        f"first paint of {name}, ms": shares(await first_paint(browser, hub, path))
        for name, path in (("the overview", "/"), ("the feed", "/#/feed"))
    }
    page = await feed(browser, hub)
    found["from ack to screen at 200 a second, ms"] = shares(await delays(page, senders, 30, 200))
    await page.close()
    found["the overview, 200 messages a second"] = await redraws(browser, hub, senders)
    return found


async def redraws(browser: Browser, hub: Hub, senders: Senders) -> dict[str, object]:
    """The overview's tasks while 200 messages a second change the agents that it shows."""
    page = await browser.new_page(viewport={"width": 1440, "height": 900})
    await page.goto(f"{hub.page}/")
    await page.wait_for_selector(".agent")
    await page.evaluate(TASKS)
    await senders.send(200 * 20, 200)
    tasks: list[float] = await page.evaluate("window.tasks")
    await page.close()
    return {"tasks over 50 ms": len(tasks), "longest task, ms": round(max(tasks, default=0.0))}


def shares(times: list[float]) -> dict[str, float]:
    """The median and the 95th percentile."""
    cut = statistics.quantiles(times, n=20)
    return {"p50": round(statistics.median(times), 1), "p95": round(cut[-1], 1)}


async def main() -> None:
    """Measures all of it and prints it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long the flood lasts (default 5)")
    parser.add_argument("--rate", type=float, default=2000.0, help="messages a second in the flood (default 2000)")
    parser.add_argument(
        "--visitors", type=int, default=SEEN_EVER, help=f"agents that have left, at the end (default {SEEN_EVER})"
    )
    parser.add_argument("--part", choices=["agents", "flood"], help="only this part (default: both)")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("bench/dashboard.py needs Chromium: apt-get install chromium")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        hub = await stack.enter_async_context(running(folder))
        clients = [
            await stack.enter_async_context(OrochiClient(f"agent-{n}", "127.0.0.1", hub.port, channels=[]))
            for n in range(AGENTS)
        ]
        senders = Senders(clients)
        await senders.send(HISTORY, None)
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        stack.push_async_callback(browser.close)
        found: dict[str, object] = {}
        if arguments.part in (None, "agents"):
            found = await measured(browser, hub, senders)
        if arguments.part in (None, "flood"):
            found[f"{arguments.minutes:g} min of {arguments.rate:g} a second"] = await flood(
                await feed(browser, hub), senders, arguments.minutes, arguments.rate
            )
        if arguments.part in (None, "agents"):
            await visit(hub, arguments.visitors)
            many = await measured(browser, hub, senders)
            found[f"with {arguments.visitors} agents more that have left"] = many
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    asyncio.run(main())
