"""Threads in the feed: folded under their first message, opened with the mouse or the keyboard."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import Page, expect

from tests.dashboard.hubs import Start, feed


async def test_replies_are_counted_under_what_they_answer_and_shown_when_asked_for(
    start_hub: Start, page: Page
) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        first = await alice.send("#builds", "build 42 failed")
        await alice.send("#general", "meanwhile")
        answer = await bob.send("#builds", "looking", reply_to=first.seq)
        await page.goto(feed(hub))
        rows = page.locator(".messages > .message")
        await expect(rows).to_have_count(2)
        button = rows.first.get_by_role("button", name="1 reply, last by bob")
        await expect(button).to_have_attribute("aria-expanded", "false")
        await expect(page.get_by_text("looking")).to_have_count(0)
        await alice.send("#builds", "any news?", reply_to=answer.seq)
        button = rows.first.get_by_role("button", name="2 replies, last by alice")
        await button.click()
        replies = rows.first.get_by_role("list", name="replies")
        await expect(replies).to_contain_text("looking")
        await expect(replies).to_contain_text("in reply to bob: looking")
        # A reply that comes while the thread is open is shown too, and the thread stays open.
        await bob.send("#builds", "found it", reply_to=first.seq)
        await expect(replies).to_contain_text("found it")
        await rows.first.get_by_role("button", name="3 replies").click()
        await expect(replies).to_be_hidden()
        await page.reload()
        await expect(rows).to_have_count(2)


async def test_who_opened_a_thread_is_left_there_when_messages_come(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        first = await alice.send("#general", "a question")
        await alice.send("#general", "line\n" * 60, reply_to=first.seq)
        await alice.send("#general", "what stands below")
        await page.goto(feed(hub))
        button = page.get_by_role("button", name="1 reply")
        await button.click()
        await expect(page.get_by_role("list", name="replies")).to_contain_text("line")
        await alice.send("#general", "something else")
        await expect(page.get_by_role("button", name="1 new")).to_be_visible()
        await expect(button).to_be_in_viewport()
        # Closed again, all is in sight, and it is followed.
        await button.click()
        await alice.send("#general", "at the end")
        await expect(page.get_by_text("at the end")).to_be_in_viewport()
        await expect(page.locator(".chip")).to_be_hidden()


async def test_the_keyboard_opens_a_thread_and_keeps_its_place_while_messages_come(
    start_hub: Start, page: Page
) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        first = await alice.send("#general", "a question")
        await alice.send("#general", "an answer", reply_to=first.seq)
        await page.goto(feed(hub))
        row = page.locator(".messages > .message").first
        await expect(row.get_by_role("button", name="1 reply")).to_be_visible()
        await page.keyboard.press("j")
        await expect(row).to_be_focused()
        await alice.send("#general", "something else")
        await expect(page.locator(".messages")).to_contain_text("something else")
        await expect(row).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(row.get_by_role("list", name="replies")).to_contain_text("an answer")
        await page.keyboard.press("j")
        await expect(row.locator(".replies .message")).to_be_focused()
        await page.keyboard.press("k")
        await page.keyboard.press("Enter")
        await expect(row.get_by_role("list", name="replies")).to_be_hidden()


async def test_a_late_reply_stands_by_itself_and_names_what_it_answers(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        first = await alice.send("#general", "the old question")
        for number in range(250):
            await alice.send("#general", f"message {number}")
        await bob.send("#general", "now I know", reply_to=first.seq)
        await page.goto(feed(hub))
        last = page.locator(".messages > .message").last
        await expect(last).to_contain_text("in reply to alice: the old question")
        await expect(last).to_contain_text("now I know")
        assert await page.locator(".message").count() <= 200


async def test_what_the_page_does_not_have_is_asked_for_where_a_reply_names_it(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        first = await alice.send("#general", "long ago")
        for _ in range(6):
            await asyncio.gather(*[alice.send("#general", "since then") for _ in range(100)])
        await bob.send("#general", "now I know", reply_to=first.seq)
        await page.goto(feed(hub))
        await expect(page.locator(".messages > .message").last).to_contain_text("in reply to alice: long ago")


async def test_replies_that_come_while_one_reads_above_are_counted_as_new(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        for number in range(100):
            last = await alice.send("#general", f"message {number}")
        await page.goto(feed(hub))
        await expect(page.locator(".messages")).to_contain_text("message 99")
        box = page.locator(".scroll")
        await box.evaluate("box => { box.scrollTop = box.scrollHeight / 2 }")
        place = await page.evaluate_handle(
            """() => new Promise(resolve => requestAnimationFrame(() => {
                const box = document.querySelector(".scroll").getBoundingClientRect();
                const isIn = row => row.getBoundingClientRect().top > box.top;
                resolve([...document.querySelectorAll(".message")].find(isIn));
            }))"""
        )
        top = await place.evaluate("row => row.getBoundingClientRect().top")
        await alice.send("#general", "a reply", reply_to=last.seq)
        await alice.send("#general", "a message")
        await expect(page.get_by_role("button", name="2 new")).to_be_visible()
        assert await place.evaluate("row => row.getBoundingClientRect().top") == top
        await page.get_by_role("button", name="2 new").click()
        await expect(page.locator(".messages")).to_contain_text("a message")
        await expect(page.locator(".chip")).to_be_hidden()


async def test_a_feed_that_is_followed_goes_on_being_followed_however_fast_messages_come(
    start_hub: Start, page: Page
) -> None:
    hub = start_hub()
    await page.goto(feed(hub))
    await expect(page.locator("#connection")).to_have_text("live")
    async with hub.client("alice") as alice:
        for hundred in range(6):
            await asyncio.gather(*[alice.send("#general", f"message {hundred}-{number}") for number in range(100)])
        await alice.send("#general", "the last one")
    await expect(page.get_by_text("the last one")).to_be_in_viewport()
    await expect(page.locator(".chip")).to_be_hidden()


async def test_what_somebody_reads_stays_however_much_comes_below(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await asyncio.gather(*[alice.send("#general", f"message {number}.") for number in range(300)])
        await page.goto(feed(hub))
        await expect(page.locator(".messages")).to_contain_text("message 299.")
        await page.locator(".scroll").evaluate("box => { box.scrollTop = box.scrollHeight / 2 }")
        read = await page.evaluate_handle(
            """() => new Promise(resolve => requestAnimationFrame(() => {
                const box = document.querySelector(".scroll").getBoundingClientRect();
                const isIn = row => row.getBoundingClientRect().top > box.top;
                resolve([...document.querySelectorAll(".message")].find(isIn));
            }))"""
        )
        # More than the page keeps.
        for _ in range(25):
            await asyncio.gather(*[alice.send("#general", "more") for _ in range(100)])
        await alice.send("#general", "the last one")
        await expect(page.get_by_role("button", name="2501 new")).to_be_visible()
        await expect(page.locator(".message")).not_to_have_count(0)
        top = await read.evaluate("row => row.isConnected && row.getBoundingClientRect().top")
        assert 0 < top < 900
        await page.get_by_role("button", name="2501 new").click()
        await expect(page.get_by_text("the last one")).to_be_in_viewport()


async def test_those_who_listen_hear_how_many_messages_came_and_not_their_texts(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.goto(feed(hub))
    await expect(page.locator("#connection")).to_have_text("live")
    live = page.locator("#live")
    assert await live.get_attribute("aria-live") == "polite"
    # On a slow machine they may be told in two sentences.
    await live.evaluate(
        """live => {
            window.told = [];
            new MutationObserver(() => window.told.push(live.textContent)).observe(live, { childList: true });
        }"""
    )
    async with hub.client("alice") as alice:
        for number in range(12):
            await alice.send("#general", f"text {number}")
    await page.wait_for_function("() => window.told.reduce((sum, text) => sum + parseInt(text), 0) === 12")
    assert all(re.fullmatch(r"\d+ new messages?", text) for text in await page.evaluate("window.told"))
