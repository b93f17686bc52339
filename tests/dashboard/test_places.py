"""The reader's place on a page: the top on arrival, the former place after Back, and the keys' starting point."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import Page, expect

from tests.dashboard.hubs import Start, address
from tests.dashboard.scene import playing

TOP = "() => document.getElementById('main').scrollTop"


async def test_a_page_begins_at_its_top_and_back_leads_to_where_one_was(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.set_viewport_size({"width": 720, "height": 450})
    async with playing(hub):
        await page.goto(address(hub))
        dave = page.locator("[data-agent=dave]")
        # The page is complete: nothing that comes late moves it below the click.
        await expect(dave.get_by_role("img", name="the last hour: ")).to_be_visible()
        await expect(dave).to_contain_text("Notes are done")
        await dave.scroll_into_view_if_needed()
        top = await page.evaluate(TOP)
        assert top > 0
        await dave.get_by_role("link", name="dave", exact=True).click()
        await expect(page.get_by_role("heading", name="dave")).to_be_in_viewport()
        assert await page.evaluate(TOP) == 0
        await expect(page.get_by_role("list", name="Messages from and to it")).to_contain_text("Notes are done")
        await page.go_back()
        await expect(page.get_by_role("heading", name="Agents")).to_have_count(1)
        await page.wait_for_function(f"({TOP})() === {top}")


async def test_a_page_begins_at_its_top_though_the_last_one_was_still_scrolling(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.set_viewport_size({"width": 720, "height": 450})
    async with playing(hub):
        await page.goto(address(hub))
        await page.locator("[data-agent=dave]").scroll_into_view_if_needed()
        assert await page.evaluate(TOP) > 0
        # The new address is there at once, its page with the next event: a scroll can end between the two.
        await page.evaluate(
            "() => { location.hash = '#/agent/dave';"
            " document.getElementById('main').dispatchEvent(new Event('scrollend')); }"
        )
        await expect(page.get_by_role("heading", name="dave")).to_be_in_viewport()
        assert await page.evaluate(TOP) == 0


async def test_back_leads_to_where_one_was_among_what_was_found(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await asyncio.gather(*[alice.send("#general", f"draft {number}") for number in range(60)])
    await page.goto(address(hub, "/#/search?q=draft"))
    results = page.get_by_label("Results").locator("> li")
    await expect(results).to_have_count(60)
    await results.nth(50).scroll_into_view_if_needed()
    top = await page.evaluate(TOP)
    assert top > 0
    await results.nth(50).get_by_title("In the feed", exact=False).click()
    await expect(page.locator(".message.target")).to_be_focused()
    await page.go_back()
    await expect(results.nth(50)).to_be_in_viewport()
    await page.wait_for_function(f"({TOP})() === {top}")


async def test_filters_are_one_step_back_however_many_were_tried(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with playing(hub):
        await page.goto(address(hub, "/#/activity"))
        await page.get_by_role("link", name="Overview").click()
        machine = page.get_by_label("Filter by machine")
        await machine.focus()
        for shown in (2, 2, 1):
            await page.keyboard.press("ArrowDown")
            await expect(page.locator(".agent")).to_have_count(shown)
            await expect(machine).to_be_focused()
        assert "machine=laptop" in page.url
        # Out of the field, to where the other keys work.
        await page.keyboard.press("Escape")
        await expect(machine).not_to_be_focused()
        await page.go_back()
        await expect(page.get_by_role("heading", name="Activity")).to_be_visible()


async def test_the_first_j_is_at_a_message_in_sight(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await asyncio.gather(*[alice.send("#general", f"message {number}") for number in range(60)])
        await alice.update_status(status="idle")
    await page.set_viewport_size({"width": 720, "height": 450})
    await page.goto(address(hub, "/#/feed"))
    await expect(page.locator(".message").last).to_be_in_viewport()
    box = page.locator(".scroll")
    before = await box.evaluate("box => box.scrollTop")
    await page.keyboard.press("j")
    await expect(page.locator(".message:focus")).to_be_in_viewport()
    assert await box.evaluate("box => box.scrollTop") == before


async def test_what_leads_to_the_newest_covers_no_message(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await asyncio.gather(*[alice.send("#general", f"message {number}") for number in range(60)])
    await page.goto(address(hub, "/#/feed?seq=20"))
    await expect(page.locator(".message[data-seq='20']")).to_be_focused()
    chip = await page.locator(".chip").bounding_box()
    box = await page.locator(".scroll").bounding_box()
    assert chip is not None
    assert box is not None
    assert box["y"] + box["height"] <= chip["y"]


async def test_a_search_without_words_says_what_it_needs(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("dave") as dave:
        await dave.send("#general", "a draft of the notes")
    await page.goto(address(hub, "/#/search"))
    await page.get_by_role("button", name="Search").click()
    await expect(page.locator("main [role=status]")).to_contain_text("Type words, or choose a sender or days.")
    # The offered values.
    await expect(page.locator("#search-sender-known option")).to_have_count(1)
    await expect(page.locator("#search-channel-known option")).to_have_attribute("value", "#general")
    await expect(page.get_by_label("Words")).to_be_focused()
    await page.get_by_label("Sender").fill("@dave")
    await page.get_by_label("Words").fill("draft")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Results")).to_contain_text("a draft of the notes")
    await expect(page.locator("main [role=status]")).to_have_text("1 message")
    await page.keyboard.press("/")
    await page.keyboard.type("notes")
    await expect(page.get_by_label("Words")).to_have_value("notes")


async def test_the_banner_says_since_when_what_is_shown_is_old(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.goto(address(hub))
    await expect(page.locator("#connection")).to_have_text("live")
    hub.kill()
    await expect(page.locator("#connection")).to_have_text(
        re.compile(r"^disconnected, retrying: this is as of \d\d:\d\d:\d\d$")
    )


async def test_a_messages_time_stays_in_the_channel_that_one_reads(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with playing(hub):
        await page.goto(address(hub, "/#/feed?channel=%23builds"))
        await page.get_by_role("button", name="2 replies").click()
        await page.locator(".replies .when").first.click()
        target = page.locator(".message.target")
        await expect(target).to_be_focused()
        await expect(target).to_contain_text("It is on feature/theme")
        await expect(page.get_by_role("heading", name="#builds")).to_be_visible()


async def test_a_card_leads_to_the_channel_of_its_last_words(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with playing(hub):
        await page.goto(address(hub))
        await page.locator("[data-agent=carol] blockquote").get_by_role("link", name="#builds").click()
        await expect(page.get_by_role("heading", name="#builds")).to_be_visible()


async def test_dialogs_close_with_back_beside_them_and_with_one_escape(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await alice.send("#general", "hello")
    await page.goto(address(hub))
    await page.get_by_role("link", name="Feed", exact=True).click()
    dialog = page.get_by_role("dialog")
    for close in (page.go_back, lambda: page.mouse.click(5, 400)):
        await page.goto(address(hub, "/#/feed"))
        await page.locator(".message").focus()
        await page.keyboard.press("i")
        await expect(dialog).to_be_visible()
        await dialog.get_by_role("heading", name="Receipts").click()
        await expect(dialog).to_be_visible()
        await close()
        await expect(dialog).to_have_count(0)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("ali")
    await expect(dialog).to_contain_text("@alice")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
