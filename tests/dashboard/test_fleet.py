"""The page with fifty agents in forty channels: the information that a lead needs, at every width."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.dashboard.fleet import playing
from tests.dashboard.fleet_cast import CAST, CHANNELS
from tests.dashboard.hubs import Start

ROWS_IN_VIEW = """() => [...document.querySelectorAll("tr.agent")]
    .filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length"""
# Elements that stick out of the window, and do not lie in a box that scrolls by itself.
TOO_WIDE = """() => [...document.querySelectorAll("body *")].filter((element) => {
    const { right, width } = element.getBoundingClientRect();
    const scrolls = (one) => one && (["auto", "scroll", "hidden"].includes(getComputedStyle(one).overflowX)
        && one.id !== "main" || scrolls(one.parentElement));
    return width > 0 && right > innerWidth + 1 && !scrolls(element.parentElement);
}).map((element) => element.outerHTML.slice(0, 120))"""


@pytest_asyncio.fixture
async def root(start_hub: Start) -> AsyncIterator[str]:
    """The address of a hub with the fleet."""
    hub = start_hub(env={"OROCHI_NAME": "lab"})
    async with playing(hub):
        yield f"http://127.0.0.1:{hub.dashboard_port}/"


async def test_fleet_table_shows_thirty_agents_at_once_those_that_need_a_person_first(root: str, page: Page) -> None:
    await page.goto(root)
    rows = page.locator("tr.agent")
    await expect(rows).to_have_count(len(CAST))
    assert await page.evaluate(ROWS_IN_VIEW) >= 30
    # A connection that broke is given a moment to come back.
    await expect(page.locator("tr[data-agent=nomad]")).to_have_attribute("data-status", "lost", timeout=20_000)
    statuses = [await rows.nth(at).get_attribute("data-status") for at in range(10)]
    assert statuses == ["lost", *["stuck"] * 3, *["error"] * 3, *["blocked"] * 2, "offline"]
    nomad = page.locator("tr[data-agent=nomad]")
    await expect(nomad).to_contain_text("its connection broke without a goodbye")
    await expect(nomad).to_contain_text("70 %")
    # The time is that of the loss, and of each reason that is shown.
    await expect(nomad.locator(".status")).to_have_text("lost was busy")
    await expect(nomad.locator(".since")).to_have_text(re.compile(r"^\d+ min ago$"))
    mute = page.locator("tr[data-agent=old-timer]")
    await expect(mute).to_contain_text("12 unanswered from docs-writer")
    await expect(mute.locator(".since")).to_have_text(re.compile(r"^\d+ min$"))
    await expect(mute.locator(".unread-count")).to_have_text("12?")
    await expect(page.locator("tr[data-agent=web-builder]")).to_contain_text("out of memory")
    await expect(page).to_have_title("(9) Overview - lab - Orochi")
    await expect(page.locator("header")).to_contain_text("lab")
    await page.get_by_role("link", name="Cards").click()
    await expect(page.locator("li.agent")).to_have_count(len(CAST))
    assert "view=cards" in page.url


async def test_fleet_figures_and_fields_filter_every_page(root: str, page: Page) -> None:
    await page.goto(root)
    await page.locator(".summary").get_by_role("link", name="3 in error").click()
    await expect(page.locator("tr.agent")).to_have_count(3)
    await page.locator(".summary").get_by_role("link", name="3 in error").click()
    await expect(page.locator("tr.agent")).to_have_count(len(CAST))
    await page.get_by_label("Group").select_option("by project")
    await expect(page.locator("tr.group")).to_have_count(6)
    await page.get_by_label("Filter by project").select_option("docs")
    await expect(page.locator("tr.agent")).to_have_count(8)
    await page.get_by_role("link", name="Feed").click()
    assert "project=docs" in page.url
    await expect(page.locator(".message").first).to_be_visible()
    senders = await page.locator(".messages > .message > .head > .sender").all_text_contents()
    about = await page.locator(".messages > .message").all_text_contents()
    assert all("docs" in text or "old-timer" in text for text in about), senders
    await page.get_by_role("link", name="Activity").click()
    states = page.get_by_role("list", name="agents").locator("a.name")
    await expect(states).to_have_count(8)
    await page.get_by_role("link", name="project: docs").click()
    assert "project" not in page.url


async def test_fleet_says_who_waits_for_whom_and_what_one_has_not_read(root: str, page: Page) -> None:
    await page.goto(root)
    panel = page.get_by_role("complementary", name="Who waits for whom")
    await expect(panel).to_contain_text("reviewer, deployer wait for a person")
    waits = page.get_by_role("list", name="who waits for whom").get_by_role("listitem")
    await expect(waits.nth(1)).to_contain_text("planner, reviewer, deployer wait for night-shift")
    await expect(page.get_by_role("img", name="graph of who waits for whom")).to_be_visible()
    await page.keyboard.press("Control+k")
    await page.keyboard.type("@alice")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Unread mentions and direct messages: 3")).to_be_visible()
    await expect(page.get_by_role("list", name="Unread")).to_contain_text("the retries of api#71 have no bound")
    # An agent that never reports what it has read is not shown as having read all.
    await page.goto(root + "#/agent/old-timer")
    await expect(page.get_by_role("heading", name="Unanswered mentions and direct messages: 12")).to_be_visible()


async def test_fleet_counts_agents_by_the_word_that_their_rows_have(root: str, page: Page) -> None:
    await page.goto(root)
    figure = page.locator(".summary").get_by_role("link", name="online")
    count = int((await figure.locator("b").text_content()) or 0)
    await figure.click()
    rows = page.locator("tr.agent")
    await expect(rows).to_have_count(count)
    await expect(rows.locator(".badge")).to_have_text(["online"] * count)
    await expect(rows.first.locator(".own")).to_have_text(" reviewing")


@pytest.mark.parametrize("width", [1440, 1024])
async def test_fleet_reasons_are_not_cut_off(root: str, page: Page, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto(root)
    await expect(page.locator("tr[data-agent=nomad]")).to_have_attribute("data-status", "lost", timeout=20_000)
    cut = "cells => cells.filter(cell => cell.scrollWidth > cell.clientWidth).map(cell => cell.textContent)"
    assert await page.locator("tr.agent .reason").evaluate_all(cut) == []
    await page.get_by_label("Group").select_option("by role")
    await expect(page.locator("tr.group").first).to_be_visible()
    assert await page.locator("tr.agent .reason").evaluate_all(cut) == []


async def test_fleet_rows_lead_to_their_agents_and_back_to_where_the_keyboard_was(root: str, page: Page) -> None:
    await page.goto(root)
    row = page.locator("tr[data-agent=web-builder]")
    await row.locator(".task, .reason").first.click()
    await expect(page.get_by_role("heading", name="web-builder")).to_be_visible()
    await page.go_back()
    name = row.get_by_role("link", name="web-builder")
    await name.focus()
    await page.keyboard.press("j")
    chosen = page.locator("tr.agent a.name:focus")
    text = await chosen.text_content()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name=text or "", exact=True)).to_be_visible()
    await page.go_back()
    await expect(chosen).to_have_text(text or "")


async def test_fleet_on_a_phone_drops_nobody_and_can_filter_its_channels(root: str, page: Page) -> None:
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(root)
    waits = page.get_by_role("list", name="who waits for whom").get_by_role("listitem")
    await expect(waits.first).to_be_visible()
    assert await waits.evaluate_all("items => items.every(item => item.checkVisibility())")
    await expect(page.locator("tr.agent .strip").first).to_be_visible()
    await page.goto(root + "#/feed")
    await page.get_by_label("Filter channels").fill("web-")
    channels = page.get_by_role("list", name="Channels").get_by_role("listitem")
    await expect(channels).to_have_count(6)


async def test_fleet_channel_an_hour_ago_is_two_steps_away(root: str, page: Page) -> None:
    await page.goto(root + "#/feed")
    channels = page.get_by_role("list", name="Channels").get_by_role("listitem")
    await expect(channels).to_have_count(len(CHANNELS) + 1)
    await page.get_by_label("Filter channels").fill("builds")
    await channels.get_by_role("link", name="#builds").click()
    await page.get_by_role("button", name="1 h ago").click()
    await expect(page.locator(".moment")).to_be_in_viewport()
    await expect(page.locator(".messages")).to_contain_text("Build 512 failed")
    code = page.locator(".message", has_text="Build 512").locator("pre")
    await expect(code.locator(".hl-string")).to_have_text("'./theme'")
    await expect(page.locator(".message", has_text="Screens of build").get_by_role("img", name="done")).to_have_count(2)


async def test_channels_are_pinned_and_muted_in_this_browser(root: str, page: Page) -> None:
    await page.goto(root + "#/feed?channel=%23web-ci")
    channels = page.get_by_role("list", name="Channels").get_by_role("listitem")
    await expect(page.locator(".channels [aria-current]")).to_be_in_viewport()
    last = channels.last
    name = await last.get_attribute("data-channel")
    await last.hover()
    mute = last.get_by_role("button", name="Mute")
    await expect(mute).to_have_attribute("title", re.compile("no unread count"))
    await last.get_by_role("button", name="Pin").click()
    await expect(channels.nth(1)).to_have_attribute("data-channel", name or "")
    await page.reload()
    await expect(channels.nth(1)).to_have_attribute("data-channel", name or "")
    await channels.nth(1).hover()
    await channels.nth(1).get_by_role("button", name="Pin").click()
    second = await channels.nth(1).get_attribute("data-channel")
    await channels.nth(1).hover()
    await channels.nth(1).get_by_role("button", name="Mute").click()
    await expect(channels.last).to_have_attribute("data-channel", second or "")
    await expect(channels.last).to_contain_text("muted")


async def test_details_have_everything_about_a_message(root: str, page: Page) -> None:
    await page.goto(root + "#/feed?channel=%23deploys")
    message = page.locator(".message", has_text="canary is healthy")
    await message.focus()
    await page.keyboard.press("i")
    details = page.get_by_role("dialog")
    await expect(details).to_contain_text("deployer")
    await expect(details.get_by_role("list", name="receipts")).to_contain_text("night-shift: delivered")
    await expect(details).to_contain_text("UTC")
    copied = await details.get_by_role("button", name="Copy JSON").get_attribute("data-copy")
    row = json.loads(copied or "")
    assert (row["sender"], row["mentions"], "html" in row) == ("deployer", ["night-shift"], False)
    await details.get_by_role("button", name="Close").click()
    # Enter opens replies, or the details where there are none.
    await message.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_contain_text("Receipts")


async def test_pictures_lead_to_the_minute_the_agent_and_the_pair(root: str, page: Page) -> None:
    await page.goto(root + "#/activity")
    await expect(page.locator("figcaption")).to_have_text(re.compile(r"^Peak: \d+ / min; bars above \d+ are cut off$"))
    legend = page.get_by_role("list", name="channels").get_by_role("button")
    await legend.filter(has_text="#api-ci").click()
    await expect(page.locator("figcaption")).not_to_contain_text("cut off")
    href = await page.locator(".bars a").last.get_attribute("href")
    assert re.match(r"#/feed\?at=20", href or "")
    await page.locator(".matrix td a").first.click()
    await expect(page.get_by_role("list", name="messages").get_by_role("listitem").first).to_be_visible()


async def test_incident_timeline_is_one_axis_with_its_choice_in_the_address(root: str, page: Page) -> None:
    # A link of earlier days.
    await page.goto(root + "#/timeline")
    await expect(page.get_by_role("heading", name="Incident timeline")).to_be_visible()
    await page.get_by_role("link", name="Incident timeline").click()
    assert page.url.endswith("#/incident-timeline")
    await page.get_by_label("Agents", exact=True).and_(page.locator("input")).fill("nomad, web-builder")
    await page.get_by_role("button", name="Show").click()
    assert "agents=nomad%2Cweb-builder" in page.url
    events = page.get_by_role("list", name="events").get_by_role("listitem")
    await expect(events.filter(has_text="nomad was lost while busy")).to_have_count(1)
    await expect(events.filter(has_text="web-builder is error")).to_have_count(1)
    await expect(events.filter(has_text="wrote in #builds: Build 517 failed")).to_have_count(1)


async def test_export_holds_the_whole_channel_as_rows_of_history(root: str, page: Page) -> None:
    await page.goto(root + "#/feed?channel=%23api-ci")
    await page.get_by_role("button", name="Export").click()
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Save").click()
    path = await (await download.value).path()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    answer = await page.request.get(root + "api/history/api-ci?limit=1000")
    assert rows == list(reversed(await answer.json()))
    assert len(rows) > 260


async def test_search_marks_matches_and_finds_by_sender_alone(root: str, page: Page) -> None:
    await page.goto(root + "#/search?q=flaky")
    results = page.get_by_label("Results").get_by_role("listitem")
    await expect(results.first.locator("mark")).to_have_text("flaky")
    await page.goto(root + "#/search?sender=deployer")
    await expect(results.first).to_contain_text("canary at 5 %")
    await page.goto(root + "#/search?q=upstr*")
    await expect(results).to_have_count(100)
    await page.get_by_role("button", name="More").click()
    await expect(results).to_have_count(200)
    await expect(results.nth(150).locator("mark")).to_have_text("upstream")


async def test_times_are_shown_in_utc_where_that_is_chosen(root: str, page: Page) -> None:
    await page.goto(root + "#/feed")
    await page.get_by_title("Switch between local time and UTC").click()
    await expect(page.get_by_title("Switch between local time and UTC")).to_have_text("UTC")
    shown = page.locator(".message time").last
    exact = await shown.get_attribute("datetime") or ""
    await expect(shown).to_have_text(exact[11:19])


@pytest.mark.parametrize("width", [1440, 1024, 390])
async def test_fleet_fits_the_width_on_every_page(root: str, page: Page, width: int) -> None:
    await page.set_viewport_size({"width": width, "height": 844})
    await page.goto(root + "#/feed")
    # Unread badges on all channels, with the long name among them.
    await page.evaluate("localStorage.setItem('orochi-read', JSON.stringify({ '': 1 }))")
    wrong = {}
    for path in ("overview", "overview?view=cards", "overview?view=table", "feed", "feed?channel=%23general"):
        await page.goto("about:blank")
        await page.goto(root + "#/" + path)
        await expect(page.locator("#connection")).to_have_text("live")
        await expect(page.locator(".agent, .message").first).to_be_visible()
        if path == "feed":
            await expect(page.locator(".unread").first).to_be_attached()
            first = await page.locator(".scroll").bounding_box()
            assert first is not None
            assert first["y"] < 200
        wide = await page.evaluate(TOO_WIDE)
        scrolls = await page.evaluate("document.getElementById('main').scrollWidth > innerWidth")
        wrong[path] = [*wide, *(["main scrolls"] if scrolls else [])]
    for path in ("agent/infra-runner", "incident-timeline", "activity", "direct", "search?q=build"):
        await page.goto(root + "#/" + path)
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        wrong[path] = await page.evaluate(TOO_WIDE)
    assert {path: found for path, found in wrong.items() if found} == {}
