"""Takes the pictures of docs: `python -m tests.dashboard.screenshots`, which `make screenshots` runs.

docs/screenshots has every page; docs/pictures has the two of the README: a fleet at work, and the same in trouble. They
are made small by pngquant (apt-get install pngquant), where that is there: the page has few colours.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.dashboard.fleet import LOST, client, move_back, playing, vanish
from tests.dashboard.fleet_cast import CAST
from tests.python.hub import Hub

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
COLOURS = "64"
# The page's path, and an element that is there once the page is complete.
PAGES = {
    "overview": ("/#/overview", ".agent[data-status=lost]"),
    "feed": ("/#/feed?channel=%23deploys", ".delivery [data-state]"),
    "incident-timeline": ("/#/incident-timeline", ".events li"),
    "activity": ("/#/activity", ".matrix"),
    "agent": ("/#/agent/alice", ".strip"),
}
WIDTHS = {1440: 900, 390: 844}
THEMES = ["dark", "light"]


async def take(page: Page, root: str, width: int, theme: str, folder: Path) -> None:
    """Every page at this width."""
    await page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    await page.goto(root)
    await page.evaluate("theme => localStorage.setItem('orochi-theme', theme)", theme)
    for name, (path, ready) in PAGES.items():
        await page.goto("about:blank")
        await page.goto(root + path)
        await expect(page.locator("#connection")).to_have_text("live")
        await expect(page.locator(ready).first).to_be_visible(timeout=20_000)
        await page.wait_for_load_state("networkidle")
        await page.screenshot(path=folder / f"{name}-{width}-{theme}.png")


async def take_all(browser: Browser, hub: Hub, folder: Path) -> None:
    """Every page at every width in both themes."""
    page = await browser.new_page()
    async with playing(hub):
        for width in WIDTHS:
            for theme in THEMES:
                await take(page, f"http://127.0.0.1:{hub.dashboard_port}", width, theme, folder)


# The agents of the README's pictures, each with what becomes of it.
SMALL_CAST = {
    "planner": None,
    "api-builder": None,
    "web-builder": ("error", "Build 517: out of memory on gpu-4"),
    "deployer": ("blocked", "Canary at 5 %: may I go on?"),
    "data-tester": None,
    "docs-writer": None,
    "web-reviewer": None,
}


async def take_pair(browser: Browser, hub: Hub, folder: Path) -> None:
    """The overview of a few agents, before and after some of them are in trouble."""
    page = await browser.new_page(viewport={"width": 1280, "height": 340}, color_scheme="dark")
    async with AsyncExitStack() as stack:
        agents = {name: await stack.enter_async_context(client(hub, CAST[name])) for name in SMALL_CAST}
        lost = client(hub, CAST[LOST])
        await lost.connect()
        for at, (name, agent) in enumerate({**agents, LOST: lost}.items()):
            task = CAST[name].task if name not in ("web-builder", "deployer") else f"Reading infra#{60 + at}"
            await agent.update_status(status="busy", current_task=task or "Reading infra#62", progress=0.1 + 0.08 * at)
        move_back(hub, [], [])
        overview = f"http://127.0.0.1:{hub.dashboard_port}/#/overview?view=table"
        await page.goto(overview)
        await expect(page.locator(".agent[data-status=busy]")).to_have_count(len(SMALL_CAST) + 1)
        await expect(page.locator(".strip")).to_have_count(len(SMALL_CAST) + 1)
        await page.screenshot(path=folder / "overview-calm.png")
        await lost.disconnect()
        await vanish(hub, CAST[LOST])
        for name, trouble in SMALL_CAST.items():
            if trouble is not None:
                await agents[name].update_status(status=trouble[0], current_task=trouble[1])
        for sender in ("planner", "docs-writer"):
            await agents[sender].send("#deploys", "@deployer is the canary healthy?")
        await expect(page.locator(".agent[data-status=lost]")).to_have_count(1, timeout=30_000)
        await page.goto("about:blank")
        await page.goto(overview)
        await expect(page.locator(".strip [data-state=lost]")).to_have_count(1)
        await page.screenshot(path=folder / "overview-alarm.png")
    await page.close()


def shrink(folder: Path) -> None:
    """Gives the pictures a palette; their text stays sharp."""
    pngquant = shutil.which("pngquant")
    if pngquant is not None:
        flags = ["--force", "--ext", ".png", "--speed", "1", "--strip", "--nofs", COLOURS]
        subprocess.run([pngquant, *flags, *map(str, folder.glob("*.png"))], check=True)


async def main() -> None:
    """Takes them."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("pictures of the dashboard need Chromium: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, take_them in (("pictures", take_pair), ("screenshots", take_all)):
            (DOCS / name).mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory() as folder, Hub(Path(folder)) as hub:
                await take_them(browser, hub, DOCS / name)
            shrink(DOCS / name)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
