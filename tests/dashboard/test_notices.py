"""Desktop notifications: off, until somebody chooses what to be told of; and the keyboard's ways to every page."""

from __future__ import annotations

from collections.abc import Callable

from playwright.async_api import Page, expect

from tests.python.hub import Hub

Start = Callable[..., Hub]

# Stands in for the desktop, which a test has none of: it keeps what the page asks the browser to show.
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


async def test_one_is_told_of_errors_and_chosen_mentions_after_saying_so(start_hub: Start, page: Page) -> None:
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
        await dialog.get_by_label("an agent whose status becomes error").check()
        await dialog.get_by_label("bob").check()
        assert await page.evaluate("window.asked") == 0
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog).to_contain_text("Saved")
        assert await page.evaluate("window.asked") == 1
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


async def test_the_choice_is_kept_and_can_be_taken_back(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.add_init_script(DESKTOP)
    root = f"http://127.0.0.1:{hub.dashboard_port}/"
    async with hub.client("alice") as alice:
        await page.goto(root)
        await expect(page.locator(".agent")).to_have_count(1)
        errors = page.get_by_label("an agent whose status becomes error")
        for chosen in (True, False):
            await page.get_by_role("button", name="Notifications").click()
            await errors.set_checked(chosen)
            await page.get_by_role("button", name="Save").click()
            await expect(page.get_by_role("dialog")).to_contain_text("Saved")
            await page.reload()
            await expect(page.locator("#connection")).to_have_text("live")
            await page.get_by_role("button", name="Notifications").click()
            await expect(errors).to_be_checked(checked=chosen)
            await page.get_by_role("button", name="Close").click()
        await alice.update_status(status="error")
        await expect(page.locator("[data-agent=alice]")).to_contain_text("error")
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
        await expect(page.get_by_label("Not seen yet")).to_be_visible()
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
