"""Links to Gitea's issues in the feed have cards with the issue's state."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.dashboard.hubs import Start
from tests.gitea.standin import TOKEN, Gitea


async def test_a_link_to_an_issue_says_how_it_stands(start_hub: Start, page: Page) -> None:
    with Gitea() as gitea:
        hub = start_hub(env={"GITEA_URL": f"{gitea.url}/", "GITEA_TOKEN": TOKEN})
        async with hub.client("alice") as alice:
            issue = await alice.gitea.create_issue("lab", "api", "It fails")
            await alice.gitea.close_issue("lab", "api", (await alice.gitea.create_issue("lab", "api", "Old"))["number"])
            await alice.send("#builds", f"see {issue['html_url']} and {gitea.url}/lab/api/issues/2#issuecomment-1")
            await alice.send(
                "#builds", f"not there: {gitea.url}/lab/api/issues/99, elsewhere: http://git.other/a/b/issues/1"
            )
            await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/#/feed")
            rows = page.locator(".message")
            cards = rows.first.get_by_role("list", name="issues").get_by_role("listitem")
            await expect(cards).to_have_text(["open #1 It fails lab/api", "closed #2 Old lab/api"])
            await expect(rows.last).to_be_in_viewport()
            await expect(cards.first.get_by_role("link")).to_have_attribute("href", issue["html_url"])
            await expect(rows.nth(1)).to_contain_text("not there")
            await expect(rows.nth(1).get_by_role("list", name="issues")).to_have_count(0)
        assert gitea.faults == []


async def test_without_gitea_a_link_is_a_link(start_hub: Start, page: Page) -> None:
    hub = start_hub()
    async with hub.client("alice") as alice:
        await alice.send("#builds", "see http://localhost:3000/lab/api/issues/1")
        await page.goto(f"http://127.0.0.1:{hub.dashboard_port}/#/feed")
        await expect(page.get_by_role("link", name="http://localhost:3000/lab/api/issues/1")).to_be_visible()
        await expect(page.get_by_role("list", name="issues")).to_have_count(0)


async def test_the_link_in_an_issue_leads_to_the_message(start_hub: Start, page: Page) -> None:
    with Gitea() as gitea:
        hub = start_hub(env={"GITEA_URL": gitea.url, "GITEA_TOKEN": TOKEN, "OROCHI_PUBLIC_URL": "http://hub.lab"})
        async with hub.client("alice") as alice, hub.client("bob") as bob:
            await bob.send("#builds", "@alice it fails on gpu-1")
            issue = await alice.gitea.create_issue("lab", "api", "It fails", about=await anext(alice.listen()))
            for n in range(300):
                await bob.send("#builds", f"later {n}")
        found = re.search(r"\(http://hub\.lab(/#[^)]*)\)", issue["body"])
        assert found
        await page.goto(f"http://127.0.0.1:{hub.dashboard_port}{found[1]}")
        linked = page.locator(".message", has_text="it fails on gpu-1")
        await expect(linked).to_be_in_viewport()
        await expect(linked).to_be_focused()
        await expect(page.get_by_text("later 0", exact=True)).to_be_in_viewport()
        await page.get_by_role("button", name="Jump to latest").click()
        await expect(page.get_by_text("later 299")).to_be_in_viewport()
