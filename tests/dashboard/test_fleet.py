"""The page before fifty agents in forty channels."""

from __future__ import annotations

from collections.abc import Callable

from playwright.async_api import Page, expect

from tests.dashboard.fleet import playing
from tests.dashboard.fleet_cast import CAST, CHANNELS
from tests.python.hub import Hub

Start = Callable[..., Hub]


async def test_fleet_has_fifty_agents_and_forty_channels(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with playing(hub):
        await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/")
        await expect(page.locator("[data-agent]")).to_have_count(len(CAST))
        await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/#/feed")
        await expect(page.locator("[data-channel^='#']")).to_have_count(len(CHANNELS))
    assert (len(CAST), len(CHANNELS)) == (50, 40)
