"""Rare events: odd names and addresses, senders that are no agents, impatient users."""

from __future__ import annotations

import asyncio
from datetime import date

from playwright.async_api import Page, Route, expect

from tests.dashboard.hubs import Start, address
from tests.python.hub import DEADLINE


async def test_agents_may_be_called_like_what_every_object_has(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.goto(address(hub))
    await expect(page.locator("#connection")).to_have_text("live")
    names = ["__proto__", "constructor", "toString"]
    for name in names:
        async with hub.client(name) as agent:
            await agent.send("#general", "hello")
    await expect(page.locator(".agent h2")).to_have_text(names)
    await page.get_by_role("link", name="constructor").click()
    await expect(page.get_by_role("list", name="Messages from and to it")).to_contain_text("hello")
    await page.goto(address(hub, "/#/activity"))
    await expect(page.get_by_role("list", name="agents").locator("a.name")).to_have_text(names)


async def test_an_address_that_means_nothing_says_so_and_leads_on(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    for rest in ("/#/constructor", "/#/__proto__", "/#/100%", "/#/nothing/here"):
        await page.goto("about:blank")
        await page.goto(address(hub, rest))
        await expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    await page.get_by_role("link", name="To all agents").click()
    await expect(page.get_by_role("heading", name="Agents")).to_be_visible()
    await page.goto(address(hub, "/#/agent/100%"))
    await expect(page.get_by_text("No agent called 100% has registered.")).to_be_visible()


async def test_who_only_posts_has_a_page_too(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.goto(address(hub))
    said = {"channel": "#builds", "content": "build 42 passed", "sender": "ci"}
    assert (await page.request.post(address(hub, "/api/messages"), data=said)).status == 201
    await page.goto(address(hub, "/#/agent/ci"))
    await expect(page.get_by_role("list", name="Messages from and to it")).to_contain_text("build 42 passed")
    await expect(page.get_by_role("list", name="Unanswered")).to_contain_text("it has never registered")
    await expect(page.locator("#live")).to_be_empty()


async def test_each_message_says_who_said_it_whatever_is_folded_or_cut_above(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice, hub.client("bob") as bob, hub.client("carol") as carol:
        first = await alice.send("#general", "question")
        await carol.send("#general", "something else")
        answer = await bob.send("#general", "answer", reply_to=first.seq)
        await bob.send("#general", "and another thing")
    await page.goto(address(hub, f"/#/feed?seq={answer.seq}"))
    await expect(page.get_by_role("list", name="replies")).to_contain_text("answer")
    # A message that was grouped below its sender's other message gets its own name when that one is folded away.
    last = page.locator(".messages > .message").last
    await expect(last).to_contain_text("and another thing")
    await expect(last.locator(".sender")).to_be_visible()


async def test_two_presses_sign_in_once(start_hub: Start, page: Page) -> None:
    hub = start_hub(token="s3cret")
    asked: list[Route] = []
    both = asyncio.Event()

    async def slow(route: Route) -> None:
        if route.request.method == "POST":
            asked.append(route)
            both.set()
        else:
            await route.continue_()

    await page.goto(address(hub))
    await page.route("**/api/session", slow)
    await page.get_by_label("Token").fill("s3cret")
    await page.keyboard.press("Enter")
    await asyncio.wait_for(both.wait(), DEADLINE)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Sign in")).to_be_disabled()
    await asked[0].continue_()
    await expect(page.get_by_role("heading", name="Agents")).to_be_visible()
    assert len(asked) == 1


async def test_a_search_until_a_day_has_what_was_said_on_it(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await alice.send("#general", "said today")
    await page.goto(address(hub, f"/#/search?q=today&since={date.today()}&until={date.today()}"))
    await expect(page.get_by_label("Results")).to_contain_text("said today")


async def test_a_link_that_is_pressed_while_messages_come_leads_there(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice", channels=["#general", "#builds"]) as alice:
        await alice.send("#builds", "first")
        await page.goto(address(hub, "/#/feed?channel=%23general"))
        link = page.get_by_role("list", name="Channels").get_by_role("link", name="#builds")
        await link.hover()
        await page.mouse.down()
        await alice.send("#builds", "second")
        await expect(link).to_contain_text("1 unread")
        await page.mouse.up()
        await expect(page.get_by_role("heading", name="#builds")).to_be_visible()
