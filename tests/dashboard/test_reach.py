"""Agents' reach, and agents that wait for a person, on the page."""

from __future__ import annotations

import asyncio
import json

import websockets
from playwright.async_api import Page, expect

from tests.dashboard.hubs import Start, address
from tests.python.hub import DEADLINE


async def test_reach_stands_in_table_card_and_agent_page(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    register = {"type": "register", "sender": "woken", "id": "r", "payload": {"channels": [], "reach": "wake"}}
    async with websockets.connect(f"ws://127.0.0.1:{hub.port}/") as socket:
        await socket.send(json.dumps(register))
        while '"ref":"r"' not in str(await asyncio.wait_for(socket.recv(), DEADLINE)):
            pass
        for path in ("overview?view=table", "overview?view=cards"):
            await page.goto(address(hub, f"/#/{path}"))
            await expect(page.locator("[data-agent=woken] span.reach")).to_have_text("wake")
        await page.goto(address(hub, "/#/agent/woken"))
        shown = page.locator(".facts .reach")
        await expect(shown).to_have_text("wake")
        await expect(shown).to_have_attribute("title", "wake: a message wakes it at once")
    # If no agent reports its reach, there is no column of dashes.
    await page.goto(address(hub, "/#/overview?view=table"))
    await expect(page.locator("[data-agent=woken]")).to_be_visible()
    await expect(page.locator(".reach")).to_have_count(0)


async def test_blocked_agent_needs_a_person_at_once(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("asker") as asker, hub.client("other"):
        await page.goto(address(hub, "/#/overview?view=table"))
        await expect(page.locator(".agent")).to_have_count(2)
        await asker.update_status(status="blocked", current_task="May I push to main?")
        row = page.locator("[data-agent=asker]")
        await expect(row).to_have_attribute("data-status", "blocked")
        await expect(row.locator(".reason")).to_have_text("waits for a person: May I push to main?")
        await expect(page.locator(".agent").first).to_have_attribute("data-agent", "asker")
        await expect(page).to_have_title("(1) Overview - Orochi")
