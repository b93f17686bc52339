"""Takes the pictures of docs/screenshots: `python -m tests.dashboard.screenshots`, which `make screenshots` runs."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.dashboard.fleet import playing
from tests.python.hub import Hub

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "screenshots"
# The page's path, and what stands on it when it is all there.
PAGES = {
    "overview": ("/#/overview", ".agent"),
    "feed": ("/#/feed?channel=%23deploys", ".delivery [data-state]"),
    "incidents": ("/#/timeline", ".events li"),
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
        await expect(page.locator(ready).first).to_be_visible()
        await page.wait_for_load_state("networkidle")
        await page.screenshot(path=folder / f"{name}-{width}-{theme}.png")


async def take_all(browser: Browser, hub: Hub, folder: Path) -> None:
    """Every page at every width in both themes."""
    page = await browser.new_page()
    async with playing(hub):
        for width in WIDTHS:
            for theme in THEMES:
                await take(page, f"http://127.0.0.1:{hub.dashboard_port}", width, theme, folder)


async def main() -> None:
    """Takes them."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("pictures of the dashboard need Chromium: apt-get install chromium")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Hub(Path(folder)) as hub:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            await take_all(browser, hub, FOLDER)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
