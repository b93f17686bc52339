"""The feed's places: channels with their unread messages, a chosen time, and a log without gaps in it."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import quote

from playwright.async_api import Page, expect

from tests.dashboard.hubs import Start, feed

SHOWN = "() => [...document.querySelectorAll('.messages > .message')].map(row => Number(row.dataset.seq))"


async def test_channels_say_who_is_in_them_and_what_is_unread(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice", channels=["#builds", "#general"]) as alice:
        await alice.send("#general", "hello")
        await page.goto(feed(hub, "?channel=%23general"))
        await expect(page.locator("#connection")).to_have_text("live")
        await page.get_by_text("1 member now").click()
        await expect(page.get_by_role("list", name="Members")).to_have_text("alice")
        await expect(page.get_by_role("button", name="Older messages")).to_be_hidden()
        builds = page.get_by_role("list", name="Channels").get_by_role("link", name="#builds")
        await expect(builds).to_contain_text("1 member")
        await expect(builds).not_to_contain_text("unread")
        for number in range(3):
            await alice.send("#builds", f"build {number}")
        await expect(builds).to_contain_text("3 unread")
        await expect(builds).to_contain_text("just now")
        # A message that has been in view for a second is read.
        await alice.send("#general", "meanwhile")
        await expect(page.locator(".messages")).to_contain_text("meanwhile")
        general = page.get_by_role("list", name="Channels").get_by_role("link", name="#general")
        await expect(general).not_to_contain_text("unread")
        await page.reload()
        await expect(builds).to_contain_text("3 unread")
        await builds.click()
        await expect(page.locator(".messages")).to_contain_text("build 2")
        await expect(builds).not_to_contain_text("unread")


async def test_one_can_go_to_a_time_and_read_on_from_there(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        for hundred in range(8):
            await asyncio.gather(
                *[alice.send("#builds" if n % 2 else "#general", f"m{hundred * 100 + n}.") for n in range(100)]
            )
        await page.goto(feed(hub))
        at = await page.evaluate("async () => (await (await fetch('/api/messages/301')).json()).ts")
        await page.goto(feed(hub, f"?at={quote(at)}"))
        first = page.locator(".moment + .message[data-seq='301']")
        await expect(page.locator(".moment")).to_be_focused()
        await expect(first).to_be_in_viewport()
        assert await page.get_by_label("Time", exact=True).input_value() != ""
        # Up and down from there, a reader misses nothing and comes to the newest.
        seen = set(await page.evaluate(SHOWN))
        assert min(seen) == 201
        for _ in range(100):
            if 800 in seen:
                break
            await page.locator(".scroll").evaluate("box => { box.scrollTop = box.scrollHeight }")
            await page.wait_for_function(f"() => Math.max(...({SHOWN})()) > {max(seen)}")
            shown = await page.evaluate(SHOWN)
            assert shown == list(range(shown[0], shown[-1] + 1))
            assert len(shown) <= 200
            seen.update(shown)
        assert seen == set(range(201, 801))
        await alice.send("#general", "and now")
        await expect(page.get_by_text("and now")).to_be_in_viewport()
        await page.get_by_role("link", name="#builds").first.click()
        await page.get_by_role("button", name="1 h ago").click()
        await expect(page.locator(".moment")).to_be_focused()
        await expect(page.locator(".moment + .message")).to_contain_text("m1.")
        assert "at=" in page.url


async def test_a_time_that_is_yet_to_come_is_said_to_be_that_below_the_newest(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await alice.send("#general", "the only one")
    await page.goto(feed(hub, "?at=2100-01-01T00:00:00Z"))
    await expect(page.get_by_text("the only one")).to_be_visible()
    await expect(page.locator(".moment")).to_have_text(re.compile("^(2099-12-31|2100-01-01) .* is yet to come$"))
    async with hub.client("alice") as alice:
        await alice.send("#general", "one more")
    await expect(page.locator(".messages > :nth-last-child(2)")).to_contain_text("one more")
    await expect(page.locator(".messages > :last-child")).to_have_class("moment")


async def test_all_messages_have_no_gap_after_an_old_channel_was_read(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        for number in range(5):
            await alice.send("#old", f"old {number}")
        for _ in range(7):
            await asyncio.gather(*[alice.send("#general", "more") for _ in range(100)])
    await page.goto(feed(hub, "?channel=%23old"))
    await expect(page.locator(".messages")).to_contain_text("old 4")
    await page.get_by_role("link", name="All channels").click()
    await expect(page.locator(".message[data-seq='705']")).to_be_visible()
    await page.wait_for_function(
        f"""() => {{
            document.querySelector(".scroll").scrollTop = 0;
            const shown = ({SHOWN})();
            if (shown.some((seq, at) => at > 0 && seq !== shown[at - 1] + 1)) throw new Error(`gap: ${{shown}}`);
            return shown[0] === 1;
        }}"""
    )
