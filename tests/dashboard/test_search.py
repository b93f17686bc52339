"""Search on the page: the hub's query language, with the matches marked."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.async_api import Page, expect

from tests.dashboard.hubs import Start, address
from tests.python.hub import Hub

LINES = [
    ("alice", "#builds", "\U00020bb7 今朝の**検証**は失敗した"),
    ("alice", "#builds", "deploy **failed** on `gpu-1`, failed again"),
    ("bob", "#general", "routing and router, but no route"),
    ("bob", "#general", "failed to deploy the draft"),
    ("carol", "#general", "word " * 400 + "needle " + "word " * 400),
]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("検証", {"検証": 1}),
        ("失敗", {"失敗": 1}),
        ("rout*", {"routing": 1, "router": 1, "route": 1}),
        ('"failed to deploy"', {"failed to deploy": 1}),
        ("failed -draft", {"failed": 2}),
        ("from:alice gpu", {"gpu": 1}),
        ("in:#general deploy", {"deploy": 1}),
    ],
)
async def test_search_marks_what_the_hub_matched(
    start_hub: Start, page: Page, query: str, found: dict[str, int]
) -> None:
    hub = start_hub()
    await _say(hub)
    await page.goto(address(hub))
    await expect(page.locator("#connection")).to_have_text("live")
    await page.keyboard.press("/")
    await page.get_by_label("Words").fill(query)
    await page.keyboard.press("Enter")
    results = page.get_by_label("Results")
    await expect(results.get_by_role("listitem")).to_have_count(1)
    expected = [text for text, times in found.items() for _ in range(times)]
    await expect(results.locator("mark")).to_have_text(expected)


async def test_search_shows_a_long_message_around_its_match(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await _say(hub)
    await page.goto(address(hub, "/#/search?q=needle"))
    hit = page.get_by_label("Results").get_by_role("listitem")
    await expect(hit.locator("mark")).to_have_text("needle")
    assert len(await hit.locator(".body").inner_text()) < 300
    await hit.get_by_role("button", name="show the whole message").click()
    await expect(hit.locator("mark")).to_have_text("needle")
    assert len(await hit.locator(".body").inner_text()) > 4000


async def test_search_lists_a_sender_or_a_day_alone_newest_first(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await _say(hub)
    rows = page.get_by_label("Results").get_by_role("listitem")
    for path in ("sender=bob", "q=from:bob"):
        await page.goto(address(hub, f"/#/search?{path}"))
        await expect(rows).to_contain_text(["failed to deploy", "routing"])
    await page.goto(address(hub, f"/#/search?since={date.today()}&until={date.today()}"))
    await expect(rows).to_have_count(len(LINES))


async def test_search_says_what_is_wrong_with_a_text(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await _say(hub)
    note = page.locator("main [role=status]")
    for query, said in (("-draft", "exclusions"), ("before:yesterday", "before:yesterday"), ("in:@bob x", "agent")):
        await page.goto(address(hub, f"/#/search?q={query}"))
        await expect(note).to_contain_text(said)
        await expect(page.get_by_role("listitem").locator("mark")).to_have_count(0)


async def test_search_says_what_it_leaves_out_and_offers_beginnings_of_words(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await _say(hub)
    await page.goto(address(hub, "/#/search?q=rout"))
    await expect(page.locator("main [role=status]")).to_have_text("No messages.")
    hint = page.locator(".hint")
    await expect(hint).to_contain_text("Direct messages are not searched")
    await hint.get_by_role("link", name="rout*").click()
    await expect(page.get_by_label("Results").locator("mark")).to_have_text(["routing", "router", "route"])


async def _say(hub: Hub) -> None:
    for name in sorted({sender for sender, _, _ in LINES}):
        async with hub.client(name) as agent:
            for sender, channel, text in LINES:
                if sender == name:
                    await agent.send(channel, text)
