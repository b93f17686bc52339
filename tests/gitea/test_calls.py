"""Gitea's actions, from an agent through a real hub to the stand-in: the effect of each, and each of its failures."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.request
from typing import Any

import pytest

from orochi import GiteaError, RequestRefused
from tests.gitea import standin_shapes as shapes
from tests.gitea.standin import TOKEN, Gitea, Trouble
from tests.python.hub import Hub

REPO = {"owner": "lab", "repo": "api"}


async def test_an_agent_files_lists_comments_and_closes(hub: Hub, gitea: Gitea) -> None:
    async with hub.client("alice") as alice:
        issue = await alice.gitea(
            "create_issue", {**REPO, "title": "It fails", "body": "see log", "labels": ["bug", "team"]}
        )
        assert (issue["number"], [label["name"] for label in issue["labels"]]) == (1, ["bug", "team"])
        listed = await alice.gitea("list_issues", REPO)
        assert [one["title"] for one in listed] == ["It fails"], "no pull requests"
        comment = await alice.gitea("add_comment", {**REPO, "issue_number": 1, "body": "looking"})
        assert comment["body"].startswith("looking\n")
        assert (await alice.gitea("close_issue", {**REPO, "issue_number": 1}))["state"] == "closed"
        assert await alice.gitea("list_issues", REPO) == []
        assert len(await alice.gitea("list_issues", {**REPO, "state": "all"})) == 1


async def test_concurrent_calls_get_their_own_results(hub: Hub, gitea: Gitea) -> None:
    count = 5
    for number in range(count):
        gitea.new_issue({"owner": "lab", "repo": "api"}, {}, {"title": f"issue {number + 1}"})
    async with hub.client("alice") as alice:
        for _ in range(5):
            calls = [alice.gitea("get_issue", {**REPO, "issue_number": number + 1}) for number in range(count)]
            issues = await asyncio.gather(*calls)
            assert [issue["title"] for issue in issues] == [f"issue {number + 1}" for number in range(count)]


async def test_an_issue_is_read_changed_labelled_assigned_and_opened_again(hub: Hub, gitea: Gitea) -> None:
    gitea.new_issue({"owner": "lab", "repo": "api"}, {}, {"title": "It fails"})
    at = {**REPO, "issue_number": 1}
    async with hub.client("alice") as alice:
        assert (await alice.gitea("get_issue", at))["title"] == "It fails"
        assert (await alice.gitea("edit_issue", {**at, "title": "It still fails"}))["title"] == "It still fails"
        await alice.gitea("close_issue", at)
        assert (await alice.gitea("reopen_issue", at))["state"] == "open"
        assert [label["name"] for label in await alice.gitea("list_labels", REPO)] == ["bug", "later"]
        assert [label["id"] for label in await alice.gitea("add_labels", {**at, "labels": ["later"]})] == [72]
        assigned = await alice.gitea("assign", {**at, "assignees": ["bob"]})
        assert [user["login"] for user in assigned["assignees"]] == ["bob"]
        await alice.gitea("add_comment", {**at, "body": "x"})
        assert len(await alice.gitea("list_comments", at)) == 1
        assert await alice.gitea("list_pulls", REPO) == []
        gitea.new_pull("lab/api", "Mend it")
        assert [pull["number"] for pull in await alice.gitea("list_pulls", REPO)] == [2]
        assert (await alice.gitea("get_pull", {**REPO, "issue_number": 2}))["title"] == "Mend it"
        assert await alice.gitea("list_my_repos") == []


async def test_repositories_organisations_and_the_version(hub: Hub) -> None:
    async with hub.client("alice") as alice:
        assert await alice.gitea("get_version") == {"version": "1.26.3"}
        assert (await alice.gitea("create_repo", {"name": "own", "private": True}))["full_name"] == "bot/own"
        assert (await alice.gitea("create_org", {"name": "ops", "description": "d"}))["username"] == "ops"
        assert (await alice.gitea("create_repo", {"name": "tools", "org": "ops"}))["full_name"] == "ops/tools"
        assert [repo["full_name"] for repo in await alice.gitea("list_repos", {"org": "ops"})] == ["ops/tools"]
        assert len(await alice.gitea("list_repos")) == 4, "a plain list, whatever Gitea wraps it in"


async def test_the_typed_methods_are_the_same_calls(hub: Hub) -> None:
    async with hub.client("filer") as client:
        issue = await client.gitea.create_issue("lab", "api", "It fails", body="See the log.", labels=["bug", 72])
        assert [label["name"] for label in issue["labels"]] == ["bug", "later"]
        comment = await client.gitea.add_comment("lab", "api", issue["number"], "Here too.")
        assert comment["body"].startswith("Here too.\n")
        assert [one["number"] for one in await client.gitea.list_issues("lab", "api")] == [issue["number"]]
        await client.gitea.close_issue("lab", "api", issue["number"])
        assert await client.gitea.list_issues("lab", "api", state="open") == []
        assert (await client.gitea.create_org("ops"))["username"] == "ops"
        assert (await client.gitea.create_repo("tools", org="ops"))["full_name"] == "ops/tools"
        assert len(await client.gitea.list_repos("ops")) == 1
        assert (await client.gitea.create_repo("own"))["full_name"] == "bot/own"
        assert len(await client.gitea.list_repos()) == 4
        assert await client.gitea.get_version() == "1.26.3"


async def test_the_further_actions_are_typed_too(hub: Hub, gitea: Gitea) -> None:
    async with hub.client("filer") as client:
        ask, at = client.gitea, ("lab", "api")
        number = (await ask.create_issue(*at, "It fails", assignees=["bob"]))["number"]
        assert [user["login"] for user in (await ask.get_issue(*at, number))["assignees"]] == ["bob"]
        assert (await ask.edit_issue(*at, number, title="It still fails"))["title"] == "It still fails"
        await ask.close_issue(*at, number)
        assert (await ask.reopen_issue(*at, number))["state"] == "open"
        assert [user["login"] for user in (await ask.assign(*at, number, ["bot"]))["assignees"]] == ["bot"]
        assert [label["name"] for label in await ask.add_labels(*at, number, ["later"])] == ["later"]
        assert len(await ask.list_labels(*at)) == 2
        await ask.add_comment(*at, number, "x")
        assert len(await ask.list_comments(*at, number)) == 1
        pull = gitea.new_pull("lab/api", "Mend it")["number"]
        assert [one["number"] for one in await ask.list_pulls(*at)] == [pull]
        assert (await ask.get_pull(*at, pull))["number"] == pull
        assert await ask.list_my_repos() == []


async def test_lists_are_read_to_their_end(hub: Hub, gitea: Gitea) -> None:
    gitea.labels["lab/api"] = [shapes.label(n, f"l{n}") for n in range(1, 121)]
    async with hub.client("alice") as alice:
        for number in range(120):
            gitea.new_issue({"owner": "lab", "repo": "api"}, {}, {"title": str(number)})
        assert len(await alice.gitea("list_issues", REPO)) == 120
        issue = await alice.gitea("create_issue", {**REPO, "title": "t", "labels": ["l120"]})
        assert issue["labels"] == [shapes.label(120, "l120")]


@pytest.mark.parametrize(
    ("action", "params", "code", "words"),
    [
        ("dance", {}, "GITEA_UNKNOWN_ACTION", "create_issue"),
        ("create_issue", {"owner": "lab", "title": "t"}, "GITEA_MISSING_PARAM", "repo"),
        ("close_issue", REPO, "GITEA_MISSING_PARAM", "issue_number"),
        ("create_issue", {**REPO, "title": "t", "labels": ["bogus"]}, "INVALID_FIELD", "bug, later"),
        ("list_issues", {"owner": "lab", "repo": "../admin"}, "INVALID_FIELD", "repo"),
        ("list_issues", {"owner": "lab", "repo": ".."}, "INVALID_FIELD", "repo"),
        ("list_issues", {**REPO, "state": "opne"}, "INVALID_FIELD", "open, closed or all"),
        ("close_issue", {**REPO, "issue_number": "1"}, "INVALID_FIELD", "issue_number"),
        ("create_issue", {**REPO, "title": 7}, "INVALID_FIELD", "title"),
        ("create_issue", {**REPO, "title": " \t"}, "INVALID_FIELD", "not blank"),
        ("edit_issue", {**REPO, "issue_number": 1, "title": ""}, "INVALID_FIELD", "not blank"),
    ],
)
async def test_what_can_not_be_asked_is_not_asked(
    hub: Hub, gitea: Gitea, action: str, params: dict[str, Any], code: str, words: str
) -> None:
    async with hub.client("alice") as alice:
        with pytest.raises(RequestRefused) as refused:
            await alice.gitea(action, params)
        assert refused.value.code == code
        assert words in refused.value.detail
        assert not [request for request in gitea.requests if not request.startswith("GET ")]


@pytest.mark.parametrize(
    ("action", "params", "status", "words"),
    [
        ("close_issue", {**REPO, "issue_number": 1}, 412, "open dependencies"),
        ("create_repo", {"name": "api", "org": "lab"}, 409, "already exists"),
        ("create_org", {"name": "lab"}, 422, "already exists"),
        ("create_issue", {"owner": "bob", "repo": "site", "title": "t"}, 423, "archived"),
    ],
)
async def test_what_gitea_refuses_comes_with_its_status_and_words(
    hub: Hub, gitea: Gitea, action: str, params: dict[str, Any], status: int, words: str
) -> None:
    gitea.new_issue({"owner": "lab", "repo": "api"}, {}, {"title": "held"})
    gitea.blocked.add(1)
    gitea.archived.add("bob/site")
    async with hub.client("alice") as alice:
        with pytest.raises(RequestRefused) as refused:
            await alice.gitea(action, params)
        assert (refused.value.code, refused.value.status) == ("GITEA_API_ERROR", status)
        assert words in refused.value.detail


@pytest.mark.parametrize(
    ("trouble", "code", "words"),
    [
        ("drop", "GITEA_UNAVAILABLE", "check that it runs"),
        ("truncated", "GITEA_UNAVAILABLE", "unexpected form"),
        ("huge", "GITEA_UNAVAILABLE", "20 MB"),
        ("html", "GITEA_UNAVAILABLE", "502"),
        ("redirect", "GITEA_API_ERROR", "renamed"),
        ("limited", "GITEA_API_ERROR", "try again in 7 s"),
        ("silent 403", "GITEA_API_ERROR", "may not do this"),
        ("echo", "GITEA_API_ERROR", "the token **** is odd"),
    ],
)
async def test_a_server_in_trouble_is_told_to_the_asker_alone(
    hub: Hub, gitea: Gitea, trouble: str, code: str, words: str
) -> None:
    gitea.trouble = Trouble(trouble)
    async with hub.client("alice") as alice:
        with pytest.raises(RequestRefused) as refused:
            await alice.gitea("get_version")
        assert refused.value.code == code
        assert words in refused.value.detail
        assert TOKEN not in refused.value.detail
        gitea.trouble = None
        assert (await alice.gitea("get_version"))["version"]


async def test_what_makes_something_is_sent_once(hub: Hub, gitea: Gitea) -> None:
    gitea.trouble = Trouble("drop", "POST")
    async with hub.client("alice") as alice:
        with pytest.raises(RequestRefused, match="check Gitea before you try again"):
            await alice.gitea("create_issue", {**REPO, "title": "t"})
    assert gitea.requests.count("POST /api/v1/repos/lab/api/issues") == 1


async def test_messages_flow_while_gitea_hangs_and_the_waiting_calls_are_bounded(hub: Hub, gitea: Gitea) -> None:
    gitea.trouble = Trouble("hang")
    async with hub.client("alice") as alice, hub.client("bob") as bob, hub.client("carol") as carol:
        # One below the calls of a connection, so that it is still read.
        calls = [asyncio.create_task(one.gitea("get_version")) for one in (alice, bob, carol) for _ in range(7)]
        refused = []
        for call in asyncio.as_completed(calls):
            try:
                await call
            except RequestRefused as error:
                refused.append(error.code)
            if len(refused) == 5:
                break
        assert refused == ["GITEA_BUSY"] * 5
        await alice.send("#general", "still here")
        assert (await anext(bob.listen())).content == "still here"
        answers = await asyncio.gather(*calls, return_exceptions=True)
        codes = sorted(answer.code for answer in answers if isinstance(answer, RequestRefused))
        assert codes == [*["GITEA_BUSY"] * 5, *["GITEA_UNAVAILABLE"] * 16]


async def test_a_wrong_token_and_a_server_that_is_away_are_told(gitea: Gitea, tmp_path: Any) -> None:
    # Nothing listens on port 1.
    for url, code, status in [(gitea.url, "GITEA_API_ERROR", 401), ("http://127.0.0.1:1", "GITEA_UNAVAILABLE", None)]:
        with Hub(tmp_path, env={"GITEA_URL": url, "GITEA_TOKEN": "f" * 40}) as hub:
            async with hub.client("alice") as alice:
                with pytest.raises(RequestRefused) as refused:
                    await alice.gitea("get_version")
                assert (refused.value.code, refused.value.status) == (code, status)


def test_programs_ask_over_http_as_with_0_1_0(hub: Hub) -> None:
    def ask(path: str, body: Any = None) -> tuple[int, Any]:
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"http://127.0.0.1:{hub.dashboard_port}{path}", data)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    status, issue = ask("/api/gitea/issues/lab/api", {"title": "from a program"})
    assert (status, issue["number"]) == (201, 1)
    assert [one["title"] for one in ask("/api/gitea/issues/lab/api")[1]] == ["from a program"]
    assert len(ask("/api/gitea/repos")[1]) == 2
    status, refused = ask("/api/gitea/issues/lab/none")
    assert (status, refused["code"], refused["status"]) == (502, "GITEA_API_ERROR", 404)


async def test_who_asked_stands_in_the_text(gitea: Gitea, tmp_path: Any) -> None:
    env = {"GITEA_URL": gitea.url, "GITEA_TOKEN": TOKEN, "OROCHI_PUBLIC_URL": "https://hub.lab"}
    with Hub(tmp_path, env=env) as hub:
        async with hub.client("alice") as alice, hub.client("bob") as bob:
            receipt = await bob.send("#builds", "@alice it fails on gpu-1")
            message = await anext(alice.listen())
            issue = await alice.gitea.create_issue("lab", "api", "It fails", body="See the log.", about=message)
            mark = r"<!-- orochi:[0-9a-f]{32} -->"
            signed = re.fullmatch(rf"See the log\.\n\n---\n{mark}\n(.*)", issue["body"])
            assert signed is not None, issue["body"]
            assert signed[1] == (
                "*Asked for by the agent* `alice` *in* `#builds` "
                f"([message {receipt.seq}](https://hub.lab/#/feed?channel=%23builds&seq={receipt.seq}))"
            )
            comment = await alice.gitea.add_comment("lab", "api", issue["number"], "Mended.")
            assert re.fullmatch(rf"Mended\.\n\n---\n{mark}\n\*Asked for by the agent\* `alice`", comment["body"])


async def test_an_agent_can_be_a_user_of_gitea(gitea: Gitea, tmp_path: Any) -> None:
    env = {"GITEA_URL": gitea.url, "GITEA_TOKEN": TOKEN, "OROCHI_GITEA_USERS": "alice=bob,carol=nobody"}
    with Hub(tmp_path, env=env) as hub:
        async with hub.client("alice") as alice, hub.client("carol") as carol, hub.client("dave") as dave:
            assert (await alice.gitea.create_issue("lab", "api", "a"))["user"]["login"] == "bob"
            assert (await dave.gitea.create_issue("lab", "api", "b"))["user"]["login"] == "bot"
            with pytest.raises(
                GiteaError, match="no user nobody at Gitea, as whom OROCHI_GITEA_USERS has carol's calls made"
            ):
                await carol.gitea.create_issue("lab", "api", "c")
