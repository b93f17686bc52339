"""A real browser before a real hub; skipped where there is no Chromium, unless CI says that there must be one."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from tests.python.hub import Hub

CHROMIUM = shutil.which("chromium")


@pytest.fixture
def start_hub(tmp_path: Path) -> Iterator[Callable[..., Hub]]:
    """Starts hubs with the options of :class:`Hub`; they end with the test."""
    with ExitStack() as hubs:
        yield lambda **options: hubs.enter_context(Hub(tmp_path, **options))


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium."""
    if CHROMIUM is None:
        missing = "the dashboard's tests need Chromium: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    async with async_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        await browser.close()


@pytest.fixture
def forbidden() -> list[str]:
    """The browser's reports of violations of the page's policy; a test that expects one removes it."""
    return []


@pytest_asyncio.fixture
async def page(browser: Browser, forbidden: list[str]) -> AsyncIterator[Page]:
    """A page that fails its test if it logs an error, violates its policy, or contacts another host."""
    page = await browser.new_page(viewport={"width": 1440, "height": 900})
    wrong: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))

    def said(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            forbidden.append(message.text)

    page.on("console", said)
    page.on("request", lambda request: asked.append(request.url))
    yield page
    assert [*wrong, *forbidden] == []
    assert [url for url in asked if "//127.0.0.1:" not in url and not url.startswith("data:")] == []
    await page.close()
