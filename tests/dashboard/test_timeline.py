"""An agent's states: the duration on its card, and the day as a strip of colours."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.dashboard.hubs import Start


async def test_a_card_and_the_agents_page_say_since_when_it_is_in_its_state(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await alice.update_status(status="busy", current_task="tests")
        await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/")
        card = page.locator("[data-agent=alice]")
        await expect(card.locator(".status")).to_contain_text("busy for ")
        await alice.update_status(status="error")
        await expect(card.locator(".status")).to_contain_text("error for ")
        await card.get_by_role("link").first.click()
        await expect(page.get_by_role("img", name="states from")).to_be_visible()
        states = page.get_by_role("list", name="states, the newest first").get_by_role("listitem")
        await expect(states).to_have_count(3)
        await expect(states.first).to_contain_text("error for")
        await expect(states.last).to_contain_text("online for")
