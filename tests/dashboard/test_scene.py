"""The questions that people bring to the page, before five agents at work: stuck agents and the reasons, unread
messages, and earlier messages.
"""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.dashboard.hubs import Start
from tests.dashboard.scene import playing


async def test_the_overview_says_who_is_stuck_why_and_who_waits_for_whom(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with playing(hub):
        await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/")
        await expect(page.locator(".agent h2")).to_have_text(["bob", "carol", "erin", "alice", "dave"])
        figures = ["4 here", "1 stuck", "1 in error", "1 away, messages wait", "1 busy", "1 idle"]
        await expect(page.locator(".summary li")).to_have_text(figures)
        bob = page.locator("[data-agent=bob]")
        await expect(bob.locator(".status")).to_have_text("stuck for 19 min, reports busy")
        await expect(bob.locator(".why")).to_have_text("2 unread from alice and carol, for 19 min")
        await expect(bob.locator(".progress")).to_have_text("60 %")
        await expect(bob.locator(".identity")).to_have_text("gpu-1 · reviewer · api · sonnet · reach: wake")
        await expect(bob.locator("blockquote")).to_contain_text("Review of api#71: The retries")
        await expect(page.locator("[data-agent=carol] .status")).to_have_text("error for 14 min")
        erin = page.locator("[data-agent=erin]")
        await expect(erin.locator(".status")).to_have_text("offline for 8 min")
        await expect(erin.locator(".waiting")).to_have_text("1 unread from dave, for 4 min")
        await expect(page.locator("[data-agent=alice]")).not_to_contain_text("unread")
        await expect(page).to_have_title("(2) Overview - Orochi")
        await bob.get_by_role("link", name="2 unread").click()
        unseen = page.get_by_role("list", name="Unread").locator("> li")
        await expect(unseen).to_have_count(2)
        await expect(unseen.first).to_contain_text("please look again")
        await expect(page.locator(".why")).to_contain_text("2 unread from alice and carol")
        # Their receipts are visible without scrolling or waiting.
        await expect(unseen.first.locator(".delivery")).to_have_text("bob: delivered")
        await expect(unseen.first.locator(".delivery li")).to_have_attribute(
            "title", "written to its connection; not reported as seen"
        )


async def test_each_message_has_its_address(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with playing(hub):
        root = f"http://127.0.0.1:{hub.dashboard_port}"
        await page.goto(f"{root}/#/search?q=draft&sender=dave")
        await page.get_by_label("Results").get_by_title("In the feed", exact=False).click()
        target = page.locator(".message.target")
        await expect(target).to_be_focused()
        await expect(target).to_contain_text("Draft of the notes")
        # The messages around it are there too.
        await expect(page.locator(".messages")).to_contain_text("Review of api#71")


async def test_the_address_of_a_reply_opens_its_thread(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with playing(hub):
        root = f"http://127.0.0.1:{hub.dashboard_port}"
        await page.goto(root)
        await expect(page.locator("#connection")).to_have_text("live")
        await page.keyboard.press("/")
        await expect(page.get_by_label("Words")).to_be_focused()
        await page.keyboard.type("catch")
        await page.keyboard.press("Enter")
        # By the keyboard alone: what was found has the focus.
        await expect(page.get_by_label("Results").locator(".message")).to_be_focused()
        await page.keyboard.press("Enter")
        target = page.get_by_role("list", name="replies").locator(".message.target")
        await expect(target).to_contain_text("Good catch")
        await expect(target).to_be_focused()
        await expect(target).to_be_in_viewport()


async def test_the_activity_page_has_each_agents_time_as_a_strip(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with playing(hub):
        await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/#/activity")
        await expect(page.get_by_role("group", name="Messages per minute, last hour: 13 messages")).to_be_visible()
        strips = page.get_by_role("list", name="agents")
        await expect(strips.locator("a.name")).to_have_text(["alice", "bob", "carol", "dave", "erin"])
        await expect(strips.get_by_role("group", name="erin: idle 41 min, busy 1")).to_be_visible()
        await expect(page.locator(".matrix tbody tr").nth(1)).to_have_text("carol2")
        await page.get_by_role("link", name="Last day").click()
        await expect(page.get_by_role("group", name="Messages per half hour, last day: 21 messages")).to_be_visible()
