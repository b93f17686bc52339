"""Going back to a time: a line in the feed marks it, between the messages before and after it."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest
from playwright.async_api import Page, Route, expect

from tests.dashboard.hubs import Start, feed
from tests.dashboard.scene import playing

# The feed from top to bottom: the line as "MOMENT", and each message, replies too, by its first words.
IN_ORDER = """() => [...document.querySelectorAll(".messages .moment, .messages .message")].map((item) =>
    item.matches(".moment") ? "MOMENT" : item.querySelector(".body").textContent.trim().slice(0, 9))"""


async def test_an_hour_ago_stands_between_what_was_said_before_and_after(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with playing(hub):
        await page.goto(feed(hub))
        await page.get_by_role("button", name="1 h ago", exact=True).click()
        moment = page.locator(".moment")
        await expect(moment).to_contain_text(", 1 h ago")
        await expect(moment).to_be_focused()
        # The channel is chosen afterwards, and the time stays.
        await page.get_by_role("list", name="Channels").get_by_role("link", name="#builds").click()
        await expect(page.get_by_role("heading", name="#builds")).to_be_visible()
        await expect(moment).to_be_focused()
        await expect(moment).to_be_in_viewport()
        # A thread of that time is open.
        await expect(page.get_by_text("It is on feature/theme.")).to_be_visible()
        shown = await page.evaluate(IN_ORDER)
        # The message just before it is not cut off at the top.
        before = page.locator(".messages > .message", has=page.get_by_text("which branch?"))
        await expect(before.locator(".sender").first).to_be_in_viewport()
        assert shown[:6] == ["Build 208", "Build 208", "It is on ", "Build 209", "MOMENT", "Build 209"]
        await page.keyboard.press("j")
        await expect(page.get_by_text("409 of 412 tests pass")).to_be_in_viewport()
        await expect(page.locator(".message:focus")).to_contain_text("409 of 412 tests pass")


async def test_the_moment_is_told_also_where_nothing_was_said(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with playing(hub):
        await page.goto(feed(hub, "?channel=%23review"))
        await page.get_by_role("button", name="1 h ago", exact=True).click()
        moment = page.locator(".moment")
        await expect(moment).to_contain_text("nothing was said here before; the first message is of ")
        assert (await page.evaluate(IN_ORDER))[:2] == ["MOMENT", "Review of"]
        await page.get_by_role("link", name="All channels").click()
        await page.get_by_role("button", name="1 day ago", exact=True).click()
        await expect(moment).to_contain_text(", 1 d ago")
        await expect(moment).to_contain_text("nothing was said before; the first message is of ")
    async with hub.client("zoe") as zoe:
        await zoe.send("#late", "good evening")
    said = await page.evaluate("async () => (await (await fetch('/api/messages?channel=%23late')).json())[0].ts")
    later = await page.evaluate("ts => new Date(Date.parse(ts) + 1).toISOString()", said)
    await page.goto(feed(hub, f"?channel=%23late&at={quote(later)}"))
    await expect(moment).to_contain_text("nothing was said here since ")
    assert await page.evaluate(IN_ORDER) == ["good even", "MOMENT"]
    # Later messages come after it.
    async with hub.client("zoe") as zoe:
        await zoe.send("#late", "good night")
    await expect(page.get_by_text("good night")).to_be_visible()
    assert await page.evaluate(IN_ORDER) == ["good even", "MOMENT", "good nigh"]
    await expect(moment).to_contain_text(", just now")


@pytest.mark.parametrize("leaves", ["chip", "n"])
async def test_one_leaves_the_time_for_the_newest_and_the_address_too(
    start_hub: Start, page: Page, leaves: str
) -> None:
    hub = start_hub()
    async with playing(hub):
        await page.goto(feed(hub))
        await page.get_by_role("button", name="1 h ago", exact=True).click()
        await expect(page.locator(".moment")).to_be_focused()
        if leaves == "chip":
            await page.get_by_role("button", name="Jump to latest").click()
        else:
            await page.keyboard.press("n")
        await expect(page.get_by_text("Notes are done")).to_be_in_viewport()
        assert "at=" not in page.url
        await expect(page.get_by_label("Time", exact=True)).to_have_value("")
        await page.get_by_role("list", name="Channels").get_by_role("link", name="#builds").click()
        await expect(page.get_by_text("Building 210 without it")).to_be_in_viewport()
        await expect(page.locator(".moment")).to_have_count(0)


async def test_who_reads_at_a_time_stays_there_though_the_newest_is_near(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        said = [await alice.send("#general", f"first {number}") for number in range(30)]
        await page.goto(feed(hub))
        seq = said[-2].seq
        at = await page.evaluate("async (seq) => (await (await fetch(`/api/messages/${seq}`)).json()).ts", seq)
        await page.goto(feed(hub, f"?at={quote(at)}"))
        moment = page.locator(".moment")
        await expect(moment).to_be_focused()
        await asyncio.gather(*[alice.send("#general", f"second {number}") for number in range(60)])
        await expect(page.get_by_role("button", name="60 new")).to_be_visible()
        await expect(moment).to_be_in_viewport()


async def test_who_goes_to_the_newest_before_the_hub_answered_is_not_taken_back(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with playing(hub):
        await page.goto(feed(hub))
        asked: asyncio.Future[Route] = asyncio.get_running_loop().create_future()
        await page.route("**/api/messages?since=*", lambda route: asked.set_result(route))
        await page.get_by_role("button", name="1 h ago", exact=True).click()
        route = await asked
        await page.get_by_role("button", name="Jump to latest").click()
        async with page.expect_response("**/api/messages?since=*") as answer:
            await route.continue_()
        await (await answer.value).finished()
        # The page uses the answer before it draws the next picture.
        await page.evaluate("() => new Promise(requestAnimationFrame)")
        await expect(page.get_by_text("Notes are done")).to_be_in_viewport()
        await expect(page.locator(".moment")).to_have_count(0)


async def test_how_far_a_message_got_is_there_at_once_also_where_one_went_back(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with playing(hub):
        await page.goto(feed(hub))
        await expect(page.locator(".delivery [data-state]").first).to_be_visible()

        # Not with what the hub is asked from time to time.
        async def never(_: Route) -> None:
            return

        await page.route("**/api/overview", never)
        await page.get_by_role("list", name="Channels").get_by_role("link", name="#builds").click()
        await page.get_by_role("button", name="1 h ago", exact=True).click()
        row = page.locator(".message", has_text="The first two are mine")
        await expect(row.locator(".delivery")).to_have_text("bob: seen")


async def test_by_keyboard_to_a_channel_and_an_hour_back(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with playing(hub):
        await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/")
        await expect(page.locator("#connection")).to_have_text("live")
        await page.keyboard.press("g")
        await page.keyboard.press("f")
        channels = page.get_by_role("list", name="Channels")
        await expect(channels.get_by_role("link", name="#builds")).to_be_visible()
        await page.keyboard.press("c")
        await expect(channels.get_by_role("link", name="All channels")).to_be_focused()
        # By the newest message: #general, then #builds.
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        await expect(channels.get_by_role("link", name="#builds")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="#builds")).to_be_visible()
        await page.keyboard.press("h")
        await expect(page.locator(".moment")).to_be_focused()
        await page.keyboard.press("k")
        await expect(page.locator(".message:focus")).to_contain_text("Build 209 started.")
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_contain_text("messages of an hour ago")
