"""Agents that die in the middle of their work, and what stays true over a restart of the hub."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
import time
from contextlib import closing

from playwright.async_api import Page, expect

from tests.dashboard.fleet import vanish
from tests.dashboard.fleet_cast import Agent
from tests.dashboard.hubs import Start, address
from tests.python.hub import DEADLINE

# An agent as a process of its own, which can be killed.
AGENT = """
import asyncio, sys
from orochi import OrochiClient

async def main(port):
    async with OrochiClient("nomad", "127.0.0.1", port) as agent:
        await agent.update_status(status="busy", current_task="shard 7", progress=0.7)
        print("busy", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(int(sys.argv[1])))
"""
MINUTE = 60_000_000


async def test_lost_killed_at_work_comes_first_and_is_counted(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice"):
        await page.goto(address(hub))
        pipe = asyncio.subprocess.PIPE
        nomad = await asyncio.create_subprocess_exec(sys.executable, "-c", AGENT, str(hub.port), stdout=pipe)
        assert nomad.stdout is not None
        await asyncio.wait_for(nomad.stdout.readline(), DEADLINE)
        first = page.locator("[data-agent]").first
        card = page.locator("[data-agent=nomad]").first
        await expect(card).to_have_attribute("data-status", "busy")
        nomad.send_signal(signal.SIGKILL)
        await nomad.wait()
        await expect(card).to_have_attribute("data-status", "lost", timeout=10_000)
        await expect(first).to_have_attribute("data-agent", "nomad")
        await expect(card).to_contain_text("its connection broke without a goodbye")
        await expect(page.locator(".summary")).to_contain_text("1 lost")
        await expect(page).to_have_title("(1) Overview - Orochi")
        # It is in the log: neither another page nor another hub forgets it.
        hub.restart()
        await page.goto("about:blank")
        await page.goto(address(hub))
        await expect(card).to_have_attribute("data-status", "lost")
        await card.get_by_role("button", name="Dismiss").click()
        await expect(card).to_have_attribute("data-status", "offline")
        await page.reload()
        await expect(card).to_have_attribute("data-status", "offline")
        await expect(page).to_have_title("Overview - Orochi")
        # It is not hidden, and a slip can be taken back.
        await expect(page.locator(".summary")).to_contain_text("1 lost, dismissed")
        await expect(card).to_contain_text("was busy")
        await card.get_by_role("button", name="Count nomad as lost again").click()
        await expect(card).to_have_attribute("data-status", "lost")
        await expect(page).to_have_title("(1) Overview - Orochi")


async def test_lost_ends_when_the_agent_is_back(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.goto(address(hub))
    await vanish(hub, Agent("nomad", "", "", "", "", (), "error", "no disk", None))
    card = page.locator("[data-agent=nomad]").first
    await expect(card).to_have_attribute("data-status", "lost", timeout=10_000)
    async with hub.client("nomad"):
        await expect(card).to_have_attribute("data-status", "online")
    await expect(card).to_have_attribute("data-status", "offline")


async def test_lost_is_not_an_idle_agent_that_vanished(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await vanish(hub, Agent("sleepy", "", "", "", "", (), "idle"))
    async with hub.client("alice") as alice:
        await alice.update_status(status="busy")
    await page.goto(address(hub))
    await vanish(hub, Agent("nomad", "", "", "", "", (), "busy"))
    await expect(page.locator("[data-agent=nomad]").first).to_have_attribute("data-status", "lost", timeout=10_000)
    for name in ("sleepy", "alice"):
        await expect(page.locator(f"[data-agent={name}]").first).to_have_attribute("data-status", "offline")


async def test_durations_count_through_a_restart_and_the_strip_says_hub_down(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("carol") as carol:
        await carol.update_status(status="error", current_task="no disk")
        with closing(sqlite3.connect(hub.db)) as log, log:
            log.execute("UPDATE agent_states SET ts = ts - ?", [6 * MINUTE])
        hub.restart()
        await page.goto(address(hub))
        status = page.locator("[data-agent=carol] .status").first
        await expect(status).to_contain_text("error", timeout=DEADLINE * 1000)
        await expect(status).to_contain_text("for 6 min")
        await page.goto(address(hub, "/#/agent/carol"))
        states = page.get_by_role("list", name="states, the newest first")
        await expect(states).to_contain_text("hub down for")


async def test_delivered_before_a_restart_is_not_called_waiting_after_it(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice, hub.client("bob") as bob:
        sent = await alice.send("#general", "look @bob")
        assert await asyncio.wait_for(anext(aiter(bob.listen())), DEADLINE)
        deadline = time.monotonic() + DEADLINE
        while (await alice.receipts(sent.seq or 0))["bob"] == "pending":
            assert time.monotonic() < deadline
        hub.restart()
        await page.goto(address(hub, "/#/feed"))
        delivery = page.get_by_label("delivery").first
        await expect(delivery).to_contain_text("bob: ")
        await expect(delivery).not_to_contain_text("waiting")


async def test_last_words_come_over_the_socket(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await page.goto(address(hub))
        await expect(page.locator("#connection")).to_have_text("live")
        card = page.locator("[data-agent=alice]").first
        await expect(card).to_be_visible()
        # No overview is answered any more.
        await page.route("**/api/overview", lambda route: None)
        await alice.send("#builds", "## Build 7\n\n**passed** in `4 min`")
        await expect(card).to_contain_text("Build 7 passed in 4 min")


async def test_permalink_opened_while_the_hub_is_down_is_shown_when_it_is_back(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        for hundred in range(7):
            await asyncio.gather(*[alice.send("#general", f"message {hundred * 100 + n}.") for n in range(100)])
    await page.goto(address(hub))
    await expect(page.locator("#connection")).to_have_text("live")
    hub.kill()
    await expect(page.locator("#connection")).to_contain_text("retrying")
    await page.goto(address(hub, "/#/feed?seq=20"))
    hub.start()
    await expect(page.locator(".message[data-seq='20']")).to_be_focused(timeout=DEADLINE * 1000)


async def test_grouped_messages_have_their_time_and_link_when_pointed_at(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await alice.send("#general", "one")
        await alice.send("#general", "two")
    await page.goto(address(hub, "/#/feed"))
    second = page.locator(".message").nth(1)
    await expect(second.locator(".when")).to_be_hidden()
    await second.hover()
    await expect(second.locator(".when")).to_be_visible()
    await page.mouse.move(0, 0)
    await second.focus()
    await expect(second.locator(".when")).to_be_visible()


async def test_show_all_of_a_long_text_does_not_freeze_the_tab(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    line = " ```x\n"
    async with hub.client("alice") as alice:
        await alice.send("#general", line * (250_000 // len(line)) + "the end")
    await page.goto(address(hub, "/#/feed"))
    await page.get_by_role("button", name="show all").click()
    await expect(page.locator(".message")).to_contain_text("the end")
    # The tab answers: what is pressed next is done.
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


async def test_welcome_shows_an_empty_hub_its_first_steps(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.goto(address(hub))
    first = page.get_by_role("region", name="first steps")
    await expect(first).to_contain_text("async with OrochiClient(")
    await expect(first).to_contain_text("orochi send")
    await expect(first).to_contain_text("orochi init")
    await expect(first.get_by_role("button", name="Copy")).to_have_count(4)
    async with hub.client("alice"):
        await expect(page.locator("[data-agent=alice]")).to_be_visible()
        await expect(first).to_have_count(0)
