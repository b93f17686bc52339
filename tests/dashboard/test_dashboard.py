"""The dashboard in a real browser, before a real hub with real agents."""

from __future__ import annotations

import asyncio
from pathlib import Path

from playwright.async_api import Browser, Page, Route, expect

from tests.dashboard.hubs import Start, address
from tests.python.hub import Hub

# As someone who keeps scrolling up until a text comes.
SCROLLED_UP_TO = """text => {
    const box = document.querySelector(".scroll");
    box.scrollTop = 0;
    return box.textContent.includes(text);
}"""


async def test_signing_in_takes_the_token_and_signing_out_ends_it(start_hub: Start, page: Page) -> None:
    hub = start_hub(token="s3cret")
    await page.goto(address(hub))
    await page.get_by_label("Token").fill("wrong")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("not this hub's token")
    await page.get_by_label("Token").fill("s3cret")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Agents")).to_be_visible()
    kept = await page.evaluate("[document.cookie, JSON.stringify([{...localStorage}, {...sessionStorage}])]")
    assert kept[0] == ""
    assert "s3cret" not in kept[1]
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Token")).to_be_visible()
    await page.goto(address(hub, "/?token=s3cret"))
    await expect(page.get_by_role("heading", name="Agents")).to_be_visible()
    assert page.url == address(hub)


async def test_sign_in_right_after_a_sign_out_is_not_undone_by_its_late_answer(start_hub: Start, page: Page) -> None:
    hub = start_hub(token="s3cret")
    await page.goto(address(hub, "/?token=s3cret"))
    await expect(page.locator("#connection")).to_have_text("live")
    answered, may_arrive = asyncio.Event(), asyncio.Event()

    async def answer_late(route: Route) -> None:
        if route.request.method != "DELETE":
            await route.continue_()
            return
        answer = await route.fetch()
        answered.set()
        await may_arrive.wait()
        await route.fulfill(response=answer)

    await page.route("**/api/session", answer_late)
    # The hub closes the page's socket, so the page asks what is wrong. If it offered to sign in then, the new login's
    # cookie could come before the late answer's.
    async with page.expect_response(lambda response: response.status == 401) as refused:
        await page.get_by_role("button", name="Sign out").click()
    await (await refused.value).finished()
    await answered.wait()
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    await expect(page.get_by_label("Token")).not_to_be_visible()
    may_arrive.set()
    await page.get_by_label("Token").fill("s3cret")
    await page.keyboard.press("Enter")
    await expect(page.locator("#connection")).to_have_text("live")


async def test_session_is_shared_by_tabs_and_ends_in_all_of_them(start_hub: Start, browser: Browser) -> None:
    hub = start_hub(token="s3cret")
    context = await browser.new_context()
    page, other = await context.new_page(), await context.new_page()
    await page.goto(address(hub, "/?token=s3cret"))
    await expect(page.get_by_role("heading", name="Agents")).to_be_visible()
    await other.goto(address(hub))
    await expect(other.locator("#connection")).to_have_text("live")
    await page.get_by_role("button", name="Sign out").click()
    for tab in (page, other):
        await expect(tab.get_by_label("Token")).to_be_visible()
    await other.get_by_label("Token").fill("s3cret")
    await other.keyboard.press("Enter")
    await expect(other.locator("#connection")).to_have_text("live")
    await page.reload()
    await expect(page.locator("#connection")).to_have_text("live")
    await context.close()


async def test_sessions_of_two_hubs_on_one_host_do_not_end_each_other(
    tmp_path: Path, start_hub: Start, page: Page
) -> None:
    one = start_hub(token="s3cret")
    (tmp_path / "two").mkdir()
    with Hub(tmp_path / "two", token="other") as two:
        for hub, token in ((one, "s3cret"), (two, "other")):
            await page.goto(address(hub, f"/?token={token}"))
            await expect(page.get_by_role("heading", name="Agents")).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("Token")).to_be_visible()
        await page.goto(address(one))
        await expect(page.locator("#connection")).to_have_text("live")


async def test_agents_are_shown_with_what_they_do_and_what_waits_for_them(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.goto(address(hub))
    async with hub.client("alice", machine="gpu-1", project="api") as alice, hub.client("bob") as bob:
        await alice.update_status(status="busy", current_task="running tests", progress=0.5)
        card = page.locator("[data-agent=alice]")
        await expect(card).to_contain_text("busy")
        await expect(card).to_contain_text("running tests")
        await expect(card.get_by_role("progressbar")).to_be_visible()
        await alice.send("#general", "please look, @bob")
        await expect(page.locator("[data-agent=bob]")).to_contain_text("1 unanswered from alice")
        await bob.update_status(status="error")
        await expect(page.locator(".agent").first).to_have_attribute("data-agent", "bob")
        await page.get_by_label("Filter by project").select_option("api")
        await expect(page.locator(".agent")).to_have_count(1)
        assert "project=api" in page.url
        await page.get_by_label("Filter by project").select_option("")
        await expect(page.locator(".agent")).to_have_count(2)
        await page.get_by_label("Sort").select_option("by name")
        await expect(page.locator(".agent").first).to_have_attribute("data-agent", "alice")
        assert "sort=name" in page.url
        await expect(card.get_by_role("img", name="the last hour: ")).to_be_visible()
    await page.goto(address(hub, "/#/agent/bob"))
    await expect(page.get_by_label("Unanswered")).to_contain_text("please look")


async def test_the_feed_is_live_says_who_has_seen_what_and_waits_for_a_reader(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        for number in range(700):
            await alice.send("#general", f"message {number}")
        await page.goto(address(hub, "/#/feed"))
        feed = page.get_by_role("list", name="all messages")
        await expect(feed).to_contain_text("message 699")
        assert await page.locator(".message").count() <= 200
        await page.wait_for_function(SCROLLED_UP_TO, arg="message 450")
        await alice.send("#general", "and @bob")
        chip = page.get_by_role("button", name="new")
        await expect(chip).to_be_visible()
        # Past what the page had from its start.
        await page.wait_for_function(SCROLLED_UP_TO, arg="message 100")
        assert await page.locator(".message").count() <= 200
        await chip.click()
        await expect(feed).to_contain_text("and @bob")
        await expect(page.get_by_label("delivery").last).to_contain_text("bob: waiting")
        await alice.send("#builds", "green")
        await page.get_by_role("link", name="#builds").first.click()
        await expect(page.get_by_role("list", name="#builds")).to_contain_text("green")


async def test_theme_follows_the_system_until_one_is_chosen_and_all_tabs_agree(
    start_hub: Start, browser: Browser
) -> None:
    hub = start_hub()
    ground = "getComputedStyle(document.body).backgroundColor"
    context = await browser.new_context(color_scheme="dark")
    page, other = await context.new_page(), await context.new_page()
    await other.goto(address(hub))
    await page.goto(address(hub))
    assert await page.evaluate(ground) == "rgb(13, 17, 23)"
    await page.emulate_media(color_scheme="light")
    await page.wait_for_function(f"() => {ground} === 'rgb(246, 247, 249)'")
    await page.emulate_media(color_scheme="dark")
    await page.get_by_role("button", name="Light").click()
    await page.reload()
    assert await page.evaluate(ground) == "rgb(246, 247, 249)"
    await other.wait_for_function(f"() => {ground} === 'rgb(246, 247, 249)'")
    await context.close()


async def test_a_search_is_a_link_and_the_keyboard_is_enough(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await alice.send("#builds", "build 42 passed")
        await alice.send("#general", "something else")
    await page.goto(address(hub))
    await expect(page.locator("#connection")).to_have_text("live")
    await page.keyboard.press("/")
    await expect(page.get_by_label("Words")).to_be_focused()
    await page.keyboard.type("build passed")
    await page.keyboard.press("Enter")
    results = page.get_by_label("Results")
    await expect(results).to_contain_text("build 42 passed")
    link = page.url
    await page.goto("about:blank")
    await page.goto(link)
    await expect(results).to_contain_text("build 42 passed")
    await page.get_by_label("Words").focus()
    await page.keyboard.press("Escape")
    await page.keyboard.press("g")
    await page.keyboard.press("f")
    await expect(page.get_by_role("heading", name="All messages")).to_be_visible()
    await page.keyboard.press("j")
    assert "message" in str(await page.evaluate("document.activeElement.className"))
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


async def test_a_hub_that_is_away_is_said_and_nothing_is_missed_when_it_is_back(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.goto(address(hub, "/#/feed"))
    connection = page.locator("#connection")
    await expect(connection).to_have_text("live")
    hub.kill()
    await expect(connection).to_contain_text("disconnected, retrying")
    hub.start()
    async with hub.client("alice") as alice:
        await alice.send("#general", "while it was away")
    await expect(connection).to_have_text("live", timeout=20_000)
    await expect(page.get_by_role("list", name="all messages")).to_contain_text("while it was away")
