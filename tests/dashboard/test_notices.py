"""Desktop notifications: off until the user chooses them; and the keyboard's ways to every page."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.dashboard.fleet import vanish
from tests.dashboard.fleet_cast import Agent
from tests.dashboard.hubs import Start

# Replaces the desktop, which a test lacks: it stores the notices that the page requests.
DESKTOP = """
    window.told = [];
    window.asked = 0;
    window.Notification = class {
        static permission = "default";
        static async requestPermission() { window.asked += 1; return (this.permission = "granted"); }
        constructor(title, options) { window.told.push({ title, ...options, shown: this }); }
        close() {}
    };
"""


async def titles(page: Page) -> list[str]:
    return [str(title) for title in await page.evaluate("window.told.map(({ title }) => title)")]


async def test_one_button_allows_all_rules_and_mentions_can_be_chosen(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.add_init_script(DESKTOP)
    await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/")
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        await expect(page.locator(".agent")).to_have_count(2)
        await bob.update_status(status="error", current_task="before")
        await alice.send("#general", "before @bob")
        await expect(page.locator("[data-agent=bob]")).to_contain_text("1 unanswered")
        assert (await titles(page), await page.evaluate("window.asked")) == ([], 0)
        await page.get_by_role("button", name="Notifications").click()
        dialog = page.get_by_role("dialog", name="Notifications")
        await dialog.get_by_role("button", name="Allow notifications").click()
        for rule in ("is lost", "is stuck", "is in error", "is blocked", "is away with unread mentions"):
            await expect(dialog.get_by_label(f"an agent {rule}")).to_be_checked()
        assert await page.evaluate("window.asked") == 1
        await dialog.get_by_label("bob").check()
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        await alice.update_status(status="error", current_task="the build is broken")
        await alice.send("#general", "nobody in particular")
        await alice.send("#builds", "look @bob")
        await alice.send("@bob", "a word in private")
        await page.wait_for_function("() => window.told.length === 3")
        assert await titles(page) == ["alice is in error", "alice to bob, #builds", "alice to bob, @bob"]
        await page.evaluate("window.told[0].shown.onclick()")
        await expect(page.get_by_role("heading", name="alice")).to_be_visible()
        await alice.update_status(status="busy")
        await vanish(hub, Agent("nomad", "", "", "", "", (), "busy"))
        await page.wait_for_function("() => window.told.some(({ title }) => title === 'nomad is lost')")


async def test_the_choice_is_kept_and_can_be_taken_back(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.add_init_script(DESKTOP)
    root = f"http://127.0.0.1:{hub.dashboard_port}/"
    async with hub.client("alice", project="api") as alice:
        await page.goto(root)
        await expect(page.locator(".agent")).to_have_count(1)
        await page.get_by_role("button", name="Notifications").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Allow notifications").click()
        await dialog.get_by_label("an agent is in error").uncheck()
        await dialog.get_by_label("Project").select_option("api")
        await page.reload()
        await expect(page.locator("#connection")).to_have_text("live")
        await page.get_by_role("button", name="Notifications").click()
        await expect(dialog.get_by_label("an agent is in error")).not_to_be_checked()
        await expect(dialog.get_by_label("an agent is lost")).to_be_checked()
        await expect(dialog.get_by_label("Project")).to_have_value("api")
        await dialog.get_by_role("button", name="Switch all off").click()
        await expect(dialog.get_by_role("button", name="Allow notifications")).to_be_visible()
        await page.get_by_role("button", name="Close").click()
        await alice.update_status(status="blocked")
        await expect(page.locator("[data-agent=alice]")).to_contain_text("blocked")
        assert await titles(page) == []


async def test_every_page_is_a_key_away_and_fields_and_dialogs_keep_their_keys(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice, hub.client("bob"):
        await alice.send("#general", "first")
        await alice.send("#general", "second")
        await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/")
        await expect(page.locator(".agent")).to_have_count(2)
        cards = page.locator(".agent h2 a")
        await page.keyboard.press("j")
        await expect(cards.first).to_be_focused()
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        await expect(cards.last).to_be_focused()
        await page.keyboard.press("k")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Unanswered")).to_be_visible()
        for keys, heading in [
            ("gf", "All messages"),
            ("ga", "Activity"),
            ("gs", "Search"),
            ("go", "Agents"),
            ("/", "Search"),
        ]:
            await page.locator("h1").click()
            for key in keys:
                await page.keyboard.press(key)
            await expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
            await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("/")
        words = page.get_by_label("Words")
        await expect(words).to_be_focused()
        await page.keyboard.type("gfjk?/")
        await expect(words).to_have_value("gfjk?/")
        await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("?")
        keys_help = page.get_by_role("dialog", name="Keys")
        await page.keyboard.press("?")
        await page.keyboard.press("g")
        await page.keyboard.press("f")
        await expect(keys_help).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(keys_help).to_be_hidden()
        await page.keyboard.press("g")
        await page.keyboard.press("f")
        rows = page.locator(".messages > .message")
        await expect(rows).to_have_count(2)
        await page.keyboard.press("k")
        await expect(rows.last).to_be_focused()
        await page.keyboard.press("k")
        await expect(rows.first).to_be_focused()
        await page.keyboard.press("Tab")
        await page.keyboard.press("j")
        await expect(rows.last).to_be_focused()
