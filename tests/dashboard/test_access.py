"""The dashboard for everyone: with a screen reader, with a keyboard, and for eyes that need contrast.

axe-core's rules are run on every page; the contrast of each text is measured besides, because axe leaves out what it
cannot decide.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.dashboard.hubs import Start
from tests.python.hub import Hub

Step = Callable[[Page], Awaitable[None]]

CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
LEAST = 4.5
STATUSES = ["stuck", "error", "busy", "idle", "online", "offline"]


def axe() -> str:
    """axe-core's source."""
    try:
        return resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
    except ModuleNotFoundError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip("axe-core is not here: pip install axe-playwright-python")


async def open_thread(page: Page) -> None:
    await page.get_by_role("button", name="1 reply").click()
    await expect(page.get_by_role("list", name="replies")).to_contain_text("looking")
    await expect(page.get_by_label("delivery").first).to_contain_text("bob")


async def every_status(page: Page) -> None:
    """Gives cards the statuses that take minutes to arise."""
    await expect(page.locator(".agent")).to_have_count(len(STATUSES))
    await page.locator(".agent").evaluate_all(
        "(cards, statuses) => cards.forEach((card, at) => { card.dataset.status = statuses[at]; })", STATUSES
    )


async def nothing(page: Page) -> None:
    """The page as it opens."""


async def show_help(page: Page) -> None:
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


async def show_notices(page: Page) -> None:
    await page.get_by_role("button", name="Notifications").click()
    await expect(page.get_by_role("dialog", name="Notifications")).to_be_visible()


async def show_details(page: Page) -> None:
    await page.locator(".message").first.focus()
    await page.keyboard.press("i")
    await expect(page.get_by_role("dialog", name="Message 1")).to_be_visible()


async def show_palette(page: Page) -> None:
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("dialog", name="Go to")).to_be_visible()


async def show_export(page: Page) -> None:
    # On a narrow screen its button is not there.
    await page.get_by_role("button", name="Export").evaluate_all("buttons => buttons[0]?.click()")


PAGES: dict[str, tuple[str, str, Step]] = {
    "overview": ("/#/overview", ".agent", every_status),
    "feed": ("/#/feed", ".message", open_thread),
    "channel": ("/#/feed?channel=%23builds", ".message", nothing),
    "activity": ("/#/activity", ".bars", nothing),
    "search": ("/#/search?q=build", ".message", nothing),
    "agent": ("/#/agent/bob", ".message", nothing),
    "table": ("/#/overview?view=table&group=project", "tr.agent", nothing),
    "direct": ("/#/direct", ".conversations a", nothing),
    "conversation": ("/#/direct/alice/bob", ".message", nothing),
    "incident timeline": ("/#/incident-timeline", ".events li", nothing),
    "nowhere": ("/#/nowhere", "h1", nothing),
    "details": ("/#/feed", ".message", show_details),
    "go to": ("/#/overview", ".agent", show_palette),
    "export": ("/#/feed", ".message", show_export),
    "help": ("/#/overview", ".agent", show_help),
    "notifications": ("/#/overview", ".agent", show_notices),
}


async def say_something(hub: Hub) -> None:
    async with hub.client("alice", machine="gpu-1", role="tester", project="api") as alice, hub.client("bob") as bob:
        for name in ("carol", "dave", "erin", "frank"):
            async with hub.client(name):
                pass
        await alice.update_status(status="busy", current_task="running tests", progress=0.5)
        first = await alice.send(
            "#builds", "# build 42\n\n`failed`, see https://a.example @bob\n\n```\nlog\n```\n\n> why?"
        )
        await bob.send("#builds", "looking", reply_to=first.seq)
        await bob.send("@alice", "|a|b|\n|-|-|\n|1|2|\n\n1. one\n2. [two](https://a.example)")


async def faults(page: Page) -> list[str]:
    """Returns axe-core's findings, each with its place."""
    await page.evaluate(axe())
    options = {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
    found: dict[str, Any] = await page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{fault['id']}: {fault['help']}: {node['html'][:200]}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [1440, 1024, 390])
async def test_every_page_can_be_read_and_keeps_the_rules(start_hub: Start, page: Page, width: int, theme: str) -> None:
    hub = start_hub()
    await say_something(hub)
    root = f"http://127.0.0.1:{hub.dashboard_port}"
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto(root)
    await page.evaluate("theme => localStorage.setItem('orochi-theme', theme)", theme)
    wrong = {}
    for name, (path, ready, step) in PAGES.items():
        await page.goto("about:blank")
        await page.goto(root + path)
        await expect(page.locator("#connection")).to_have_text("live")
        await expect(page.locator(ready).first).to_be_visible()
        await step(page)
        pale = await page.evaluate(CONTRAST, LEAST)
        wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
        wrong[name] = [*pale, *(["wider than the window"] if wide else []), *await faults(page)]
    assert {name: found for name, found in wrong.items() if found} == {}


async def test_the_measures_find_what_they_are_for(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/")
    await expect(page.get_by_role("heading", name="Agents")).to_be_visible()
    await page.evaluate(
        """() => {
            const [pale, faint] = [document.createElement("p"), document.createElement("p")];
            pale.textContent = "pale";
            pale.style.color = "#777";
            faint.textContent = "faint";
            faint.style.opacity = ".4";
            document.querySelector("main").append(pale, faint, document.createElement("input"));
        }"""
    )
    assert [found["text"] for found in await page.evaluate(CONTRAST, LEAST)] == ["pale", "faint"]
    assert any(found.startswith("label:") for found in await faults(page))


async def test_what_is_old_and_who_is_not_signed_in_can_be_read(start_hub: Start, page: Page) -> None:
    hub = start_hub(token="s3cret")
    root = f"http://127.0.0.1:{hub.dashboard_port}"
    await page.goto(root)
    await page.get_by_label("Token").fill("wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("not this hub's token")
    assert [*await page.evaluate(CONTRAST, LEAST), *await faults(page)] == []
    async with hub.client("alice") as alice:
        await alice.send("#general", "hello @bob")
        await page.goto(f"{root}/?token=s3cret")
        await expect(page.locator(".agent")).to_be_visible()
    hub.kill()
    await expect(page.locator("#connection")).to_contain_text("disconnected, retrying")
    assert [*await page.evaluate(CONTRAST, LEAST), *await faults(page)] == []


async def test_the_keyboard_stays_where_it_was(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await say_something(hub)
    root = f"http://127.0.0.1:{hub.dashboard_port}"
    await page.goto(f"{root}/#/feed")
    await expect(page.locator("#connection")).to_have_text("live")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()
    assert page.url == f"{root}/#/feed"
    # The first message in sight, not the first of all.
    await page.keyboard.press("k")
    await expect(page.locator(".messages > .message").last).to_be_focused()
    await page.goto(root)
    choice = page.get_by_label("Filter by project")
    await choice.focus()
    await choice.select_option("api")
    await expect(page.get_by_text("1 of 6 agents match")).to_be_visible()
    await expect(choice).to_be_focused()


async def test_nothing_moves_for_those_who_asked_for_that(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await say_something(hub)
    await page.emulate_media(reduced_motion="reduce")
    await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/#/feed")
    await expect(page.locator(".message").first).to_be_visible()
    moving = await page.evaluate(
        """() => [...document.querySelectorAll("*")].map((element) => getComputedStyle(element))
                .filter((style) => parseFloat(style.transitionDuration) > 0 || parseFloat(style.animationDuration) > 0
                                || style.scrollBehavior === "smooth").length"""
    )
    assert moving == 0
