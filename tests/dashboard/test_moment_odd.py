"""Going back to a time while messages come, the reader moves elsewhere, or the window changes."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest
from playwright.async_api import Page, Route, expect

from orochi import OrochiClient
from tests.dashboard.hubs import Start, feed
from tests.python.hub import DEADLINE, Hub

MOMENT = "() => [...document.querySelectorAll('.messages > *')].findIndex((item) => item.matches('.moment'))"
LATE = "**/api/messages?after=*"


async def say(agent: OrochiClient, channel: str, count: int, words: str = "message") -> int:
    """Returns the seq of the last one."""
    said = await asyncio.gather(*[agent.send(channel, f"{words} {number}.") for number in range(count)])
    return max(receipt.seq or 0 for receipt in said)


async def after(page: Page, hub: Hub, seq: int) -> str:
    """A time just after that message, as a part of an address."""
    answer = await page.request.get(f"http://127.0.0.1:{hub.dashboard_port}/api/messages/{seq}")
    later = await page.evaluate("ts => new Date(Date.parse(ts) + 1).toISOString()", (await answer.json())["ts"])
    return quote(str(later))


async def test_a_feed_that_was_left_asks_for_nothing_and_leaves_the_address_alone(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        at = await after(page, hub, await say(alice, "#quiet", 20))
        await say(alice, "#quiet", 130)
        for _ in range(6):
            await say(alice, "#busy", 100)
    await page.goto(feed(hub, f"?channel=%23quiet&at={at}"))
    await expect(page.locator(".moment")).to_be_focused()
    asked: asyncio.Queue[Route] = asyncio.Queue()
    await page.route(LATE, asked.put)
    await page.locator(".scroll").evaluate("box => { box.scrollTop = box.scrollHeight }")
    route = await asyncio.wait_for(asked.get(), DEADLINE)
    await page.get_by_role("link", name="Overview").click()
    await expect(page.get_by_role("heading", name="Agents")).to_be_visible()
    async with page.expect_response(LATE) as answer:
        await route.continue_()
    await (await answer.value).finished()
    await page.evaluate("() => new Promise(requestAnimationFrame)")
    assert page.url.endswith("/#/overview")
    assert asked.empty()


async def test_the_line_at_the_end_stays_while_one_reads_and_says_until_when_it_was_quiet(
    start_hub: Start, page: Page
) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        last = await say(alice, "#general", 60)
        await page.goto(feed(hub, f"?at={await after(page, hub, last)}"))
        moment = page.locator(".moment")
        await expect(moment).to_contain_text("nothing was said since")
        await page.locator(".scroll").evaluate("box => { box.scrollTop -= 150 }")
        await expect(page.locator(".chip")).to_be_visible()
        await say(alice, "#general", 1, "later")
        await expect(page.get_by_role("button", name="1 new")).to_be_visible()
        await expect(moment).to_have_count(1)
        await expect(moment).to_be_focused()
        await expect(moment).not_to_contain_text("nothing was said since")


async def test_the_line_stands_before_all_that_came_after_it_however_much_came_at_once(
    start_hub: Start, page: Page
) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        last = await say(alice, "#general", 30)
        await page.goto(feed(hub, f"?at={await after(page, hub, last)}"))
        await expect(page.locator(".moment")).to_be_focused()
        # As in a hidden tab: nothing is drawn meanwhile.
        await page.evaluate(
            """() => {
                const draw = requestAnimationFrame;
                window.hold = [];
                window.requestAnimationFrame = (task) => window.hold.push(task);
                window.release = () => window.hold.forEach((task) => draw(task), window.requestAnimationFrame = draw);
            }"""
        )
        head = await say(alice, "#general", 100, "new")
        await page.wait_for_function("() => window.hold.length > 0")
        await page.wait_for_function(
            "async (head) => (await (await fetch('/api/overview')).json()).seq >= head", arg=head
        )
        await page.evaluate("() => window.release()")
        await expect(page.locator(f".message[data-seq='{head}']")).to_be_in_viewport()
        await page.locator(".scroll").evaluate("box => { box.scrollTop = 0 }")
        await expect(page.locator(".moment + .message")).to_have_attribute("data-seq", str(last + 1))


async def test_a_channel_is_never_blank_because_somebody_was_quick(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        at = await after(page, hub, await say(alice, "#quiet", 100))
        await say(alice, "#quiet", 50, "late message")
        for _ in range(6):
            await say(alice, "#busy", 100)
    await page.goto(feed(hub, f"?channel=%23quiet&at={at}"))
    asked: asyncio.Queue[Route] = asyncio.Queue()
    # The first of them is never answered.
    await page.route("**/api/messages?before=*", asked.put, times=1)
    await page.reload()
    await asyncio.wait_for(asked.get(), DEADLINE)
    await page.keyboard.press("n")
    await expect(page.get_by_text("late message 49.")).to_be_visible()


@pytest.mark.parametrize("at", ["yesterday", "2026-11-25T20:00:60Z"])
async def test_what_is_no_time_is_said_to_be_none(start_hub: Start, page: Page, at: str) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await alice.send("#general", "here I am")
    await page.goto(feed(hub, f"?at={at}"))
    await expect(page.locator(".moment")).to_have_text(f"{at} is not a time; 2026-11-25T20:28Z would be one")
    await expect(page.get_by_text("here I am")).to_be_visible()


async def test_a_number_that_no_message_has_is_said_to_be_none(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await alice.send("#general", "here I am")
    await page.goto(feed(hub, "?seq=99999"))
    await expect(page.get_by_text("here I am")).to_be_visible()
    await expect(page.locator("#live")).to_have_text("There is no message 99999 here.")


async def test_a_window_that_grows_does_not_take_one_from_the_time(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        at = await after(page, hub, await say(alice, "#general", 60))
        await say(alice, "#general", 3)
        await page.goto(feed(hub, f"?at={at}"))
        moment = page.locator(".moment")
        await expect(moment).to_be_focused()
        await page.set_viewport_size({"width": 1440, "height": 1000})
        await say(alice, "#general", 60, "later")
        await expect(page.get_by_role("button", name="60 new")).to_be_visible()
        await expect(moment).to_be_in_viewport()


async def test_where_all_is_in_sight_threads_can_be_folded_and_what_comes_is_shown(
    start_hub: Start, page: Page
) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        first = await alice.send("#general", "a question")
        await alice.send("#general", "an answer", reply_to=first.seq)
        await page.goto(feed(hub))
        await page.get_by_role("button", name="1 day ago", exact=True).click()
        await expect(page.locator(".moment")).to_be_focused()
        for count in (1, 0):
            await page.get_by_role("button", name="1 reply").click()
            await expect(page.get_by_text("an answer")).to_have_count(count)
        assert "at=" in page.url
        await alice.send("#general", "something else")
        await expect(page.get_by_text("something else")).to_be_in_viewport()


async def test_a_channel_in_which_nothing_was_said_has_the_line_too(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice", channels=["#empty"]) as alice:
        await alice.send("#general", "elsewhere")
        await page.goto(feed(hub, "?channel=%23empty"))
        await expect(page.get_by_text("No messages here yet.")).to_be_visible()
        await page.keyboard.press("h")
        await expect(page.get_by_text("No messages here yet.")).to_be_visible()
        await expect(page.locator(".moment")).to_be_focused()


async def test_the_same_time_again_leads_there_again_and_the_same_channel_to_the_newest(
    start_hub: Start, page: Page
) -> None:
    hub = start_hub()
    async with hub.client("alice", channels=["#general"]) as alice:
        at = await after(page, hub, await say(alice, "#general", 70))
        await say(alice, "#general", 80, "late message")
        await page.goto(feed(hub, f"?channel=%23general&at={at}"))
        await expect(page.locator(".moment")).to_be_focused()
        await page.get_by_role("button", name="Show").click()
        await expect(page.locator(".moment")).to_be_focused()
        await page.locator(".scroll").evaluate("box => { box.scrollTop = 0 }")
        await expect(page.get_by_text("message 0.").first).to_be_in_viewport()
        await page.get_by_role("button", name="Show").click()
        await expect(page.locator(".moment")).to_be_in_viewport()
        await page.get_by_role("list", name="Channels").get_by_role("link", name="#general").click()
        await expect(page.get_by_text("late message 79.")).to_be_in_viewport()


async def test_each_step_back_leads_somewhere(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await say(alice, "#general", 60)
    await page.goto(feed(hub))
    await expect(page.get_by_text("message 59.")).to_be_in_viewport()
    await page.keyboard.press("h")
    moment = page.locator(".moment")
    await expect(moment).to_be_focused()
    await page.keyboard.press("n")
    await expect(moment).to_have_count(0)
    await page.go_back()
    await expect(moment).to_be_in_viewport()
    await page.go_back()
    await expect(moment).to_have_count(0)
    await expect(page.get_by_text("message 59.")).to_be_in_viewport()
