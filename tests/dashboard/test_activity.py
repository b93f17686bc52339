"""The number of recent messages by channel, as bars; senders and receivers, as a table."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.dashboard.hubs import Start


async def test_the_last_hour_by_channel_and_who_spoke_to_whom(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        for _ in range(3):
            await alice.send("#builds", "@bob it fails")
        await bob.send("#general", "looking")
        await bob.send("@alice", "mended")
        await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/#/activity")
        await expect(page.get_by_role("group", name="Messages per minute, last hour: 5 messages")).to_be_visible()
        legend = page.get_by_role("list", name="channels").get_by_role("listitem")
        await expect(legend).to_have_text(["#builds: 3", "#general: 1", "direct: 1"])
        table = page.get_by_role("table")
        await expect(table.locator("tbody tr").first).to_have_text("alice3")
        await expect(table.locator("tbody tr").last).to_have_text("bob1")
        await page.get_by_role("link", name="Last day").click()
        await expect(page.get_by_role("group", name="Messages per half hour, last day: 5 messages")).to_be_visible()


async def test_an_empty_hub_says_so(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/#/activity")
    await expect(page.get_by_text("No messages.")).to_be_visible()
    await expect(page.get_by_text("Nobody mentioned anybody.")).to_be_visible()
