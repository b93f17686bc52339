"""The page stays up to date: after a sleep, after a connection that died silently, and in several tabs."""

from __future__ import annotations

from playwright.async_api import Browser, Page, Route, expect

from tests.dashboard.hubs import Start
from tests.dashboard.proxy import Proxy
from tests.python.hub import DEADLINE


async def test_a_socket_that_died_without_a_word_is_replaced_and_nothing_missed(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with Proxy(hub.dashboard_port) as proxy, hub.client("alice") as alice:
        await page.goto(f"http://127.0.0.1:{proxy.port}/#/feed")
        await expect(page.locator("#connection")).to_have_text("live")
        await alice.send("#general", "while it lives")
        await expect(page.locator(".messages")).to_contain_text("while it lives")
        assert proxy.upgrades == 1
        proxy.forget()
        await alice.send("#general", "into the void")
        await expect(page.locator(".messages")).to_contain_text("into the void", timeout=DEADLINE * 1000)
        assert proxy.upgrades == 2
        await expect(page.locator("#connection")).to_have_text("live")
        await alice.send("#general", "and live again")
        await expect(page.locator(".messages")).to_contain_text("and live again")
        assert await page.locator(".message").count() == 3


async def test_a_page_that_slept_while_the_hub_restarted_shows_what_it_missed(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/#/feed")
    connection = page.locator("#connection")
    await expect(connection).to_have_text("live")
    session = await page.context.new_cdp_session(page)
    await session.send("Page.setWebLifecycleState", {"state": "frozen"})
    hub.kill()
    hub.start()
    async with hub.client("alice") as alice:
        await alice.send("#general", "while it slept")
        await session.send("Page.setWebLifecycleState", {"state": "active"})
        await expect(page.locator(".messages")).to_contain_text("while it slept", timeout=DEADLINE * 1000)
        await expect(connection).to_have_text("live")
    await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/#/overview")
    await expect(page.locator("[data-agent=alice]")).to_have_attribute("data-status", "offline")


async def test_who_is_signed_in_stays_so_over_a_restart_but_not_over_another_token(
    start_hub: Start, page: Page
) -> None:
    hub = start_hub(token="s3cret")
    await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/?token=s3cret#/feed")
    connection = page.locator("#connection")
    await expect(connection).to_have_text("live")
    hub.restart()
    async with hub.client("alice") as alice:
        await alice.send("#general", "after the restart")
        await expect(page.locator(".messages")).to_contain_text("after the restart", timeout=DEADLINE * 1000)
    await expect(connection).to_have_text("live")
    hub.use_token("another")
    hub.restart()
    await expect(page.get_by_label("Token")).to_be_visible(timeout=DEADLINE * 1000)
    await expect(page.get_by_role("status").filter(has_text="token was changed")).to_be_visible()


async def test_session_is_renewed_by_an_open_page(start_hub: Start, page: Page) -> None:
    hub = start_hub(token="s3cret")
    root = f"http://127.0.0.1:{hub.dashboard_port}"
    async with page.expect_response(lambda one: one.request.method == "PUT") as first:
        await page.goto(root + "/?token=s3cret")
    assert set(await (await first.value).json()) == {"until", "renewable_until"}
    # One that did not get through is tried again with the next overview.
    refused: list[str] = []

    async def refuse(route: Route) -> None:
        if route.request.method != "PUT" or refused:
            return await route.continue_()
        refused.append(route.request.url)
        return await route.abort()

    await page.route("**/api/session", refuse)
    async with page.expect_response(lambda one: one.request.method == "PUT", timeout=DEADLINE * 1000):
        await page.reload()
    assert len(refused) == 1


async def test_session_that_is_over_says_why(start_hub: Start, browser: Browser) -> None:
    hub = start_hub(token="s3cret")
    context = await browser.new_context()
    page, other = await context.new_page(), await context.new_page()
    root = f"http://127.0.0.1:{hub.dashboard_port}"
    await page.goto(root)
    await expect(page.get_by_label("Token")).to_be_visible()
    # A first visit has no reason to be told.
    await expect(page.locator("main [role=status]")).to_have_count(0)
    why = page.locator("main [role=status]")
    await page.goto(root + "/?token=s3cret")
    await expect(page.locator("#connection")).to_have_text("live")
    await other.goto(root)
    await other.get_by_role("button", name="Sign out").click()
    await expect(other.locator("main [role=status]")).to_have_text("You are signed out.")
    await expect(why).to_contain_text("here or in another tab", timeout=DEADLINE * 1000)
    await page.goto(root + "/?token=s3cret")
    await expect(page.locator("#connection")).to_have_text("live")
    # As after its time: the browser drops the cookie, the page keeps its key.
    await context.clear_cookies()
    await page.reload()
    await expect(why).to_contain_text("expired")
    await context.close()


async def test_a_hub_with_another_log_begins_the_page_anew(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        for number in range(5):
            await alice.send("#general", f"of the old log {number}")
    await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/#/feed")
    await expect(page.locator(".messages")).to_contain_text("of the old log 4")
    hub.kill()
    for file in hub.db.parent.glob("orochi.db*"):
        file.unlink()
    hub.start()
    async with hub.client("bob") as bob:
        await bob.send("#general", "of the new log")
        await expect(page.locator(".messages")).to_contain_text("of the new log", timeout=DEADLINE * 1000)
        await expect(page.locator(".message")).to_have_count(1)


async def test_what_could_not_be_had_is_there_when_the_hub_is_back(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await alice.send("#general", "something to find")
    root = f"http://127.0.0.1:{hub.dashboard_port}"
    await page.goto(root)
    await expect(page.locator("#connection")).to_have_text("live")
    for rest, what in (("#/activity", "#general: 1"), ("#/search?q=find", "something to find")):
        hub.kill()
        await expect(page.locator("#connection")).to_contain_text("retrying")
        await page.goto(f"{root}/{rest}")
        await expect(page.get_by_text("trying again")).to_be_visible()
        hub.start()
        await expect(page.get_by_text(what).last).to_be_visible(timeout=DEADLINE * 1000)


async def test_another_log_that_is_longer_is_noticed_too(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await alice.send("#general", "of the old log")
    await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/#/feed")
    await expect(page.locator(".messages")).to_contain_text("of the old log")
    session = await page.context.new_cdp_session(page)
    await session.send("Page.setWebLifecycleState", {"state": "frozen"})
    hub.kill()
    for file in hub.db.parent.glob("orochi.db*"):
        file.unlink()
    hub.start()
    async with hub.client("bob") as bob:
        for number in range(3):
            await bob.send("#general", f"of the new log {number}")
        await session.send("Page.setWebLifecycleState", {"state": "active"})
        await expect(page.locator(".messages")).to_contain_text("of the new log 0", timeout=DEADLINE * 1000)
        await expect(page.locator(".message")).to_have_count(3)


async def test_several_tabs_show_the_same(start_hub: Start, browser: Browser) -> None:
    hub = start_hub()
    context = await browser.new_context()
    tabs = [await context.new_page() for _ in range(3)]
    for tab in tabs:
        await tab.goto(f"http://127.0.0.1:{hub.dashboard_port}/#/feed")
        await expect(tab.locator("#connection")).to_have_text("live")
    async with hub.client("alice") as alice:
        await alice.send("#general", "to all tabs")
    for tab in tabs:
        await tab.bring_to_front()
        await expect(tab.locator(".messages")).to_contain_text("to all tabs")
    await context.close()
