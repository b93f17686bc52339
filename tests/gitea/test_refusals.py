"""A refusal names the missing part, and nothing is silently left out, even where Gitea itself does neither."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orochi import GiteaError, RequestRefused
from tests.gitea.standin import TOKEN, Gitea
from tests.python.hub import Hub

AT = {"owner": "lab", "repo": "api"}
NONE = {"owner": "lab", "repo": "none"}
NOBODY = {"owner": "nobody", "repo": "api"}
OFF = {"owner": "lab", "repo": "off"}
HIDDEN = {"owner": "bob", "repo": "secret"}
NO_REPO = "no repository lab/none, or the token's user may not see it"
NO_ISSUE = "lab/api has no issue 9999"


@pytest.fixture
def gitea() -> Iterator[Gitea]:
    """A server with an issue, a pull request, and repositories that show less."""
    with Gitea() as gitea:
        gitea.new_issue(AT, {}, {"title": "It fails"})
        gitea.new_pull("lab/api", "Mend it")
        gitea.issues |= {"lab/off": [], "bob/secret": [], "bob/site": []}
        gitea.without_issues.add("lab/off")
        gitea.private.add("bob/secret")
        yield gitea
        assert gitea.faults == []


@pytest.mark.parametrize(
    ("action", "params", "status", "words"),
    [
        ("list_issues", NOBODY, 404, "no owner nobody"),
        ("list_issues", NONE, 404, NO_REPO),
        ("list_issues", HIDDEN, 404, "no repository bob/secret, or the token's user may not see it"),
        ("list_issues", OFF, 404, "issues are switched off in lab/off"),
        ("create_issue", {**NONE, "title": "t"}, 404, NO_REPO),
        ("create_issue", {**OFF, "title": "t"}, 404, "issues are switched off in lab/off"),
        ("create_issue", {**AT, "title": "t", "assignees": ["nobody"]}, 422, "name: nobody"),
        ("list_labels", NONE, 404, NO_REPO),
        ("list_pulls", NONE, 404, NO_REPO),
        ("get_issue", {**AT, "issue_number": 9999}, 404, NO_ISSUE),
        ("close_issue", {**AT, "issue_number": 9999}, 404, NO_ISSUE),
        ("edit_issue", {**AT, "issue_number": 9999, "body": "x"}, 404, NO_ISSUE),
        ("edit_issue", {**NONE, "issue_number": 1, "body": "x"}, 404, NO_REPO),
        ("add_comment", {**AT, "issue_number": 9999, "body": "x"}, 404, NO_ISSUE),
        ("list_comments", {**AT, "issue_number": 9999}, 404, NO_ISSUE),
        ("add_labels", {**AT, "issue_number": 9999, "labels": ["bug"]}, 404, NO_ISSUE),
        ("assign", {**AT, "issue_number": 9999, "assignees": ["bob"]}, 404, NO_ISSUE),
        ("assign", {**AT, "issue_number": 1, "assignees": ["bob", "nobody"]}, 422, "no user nobody at Gitea"),
        ("get_pull", {**AT, "issue_number": 1}, 404, "number 1 in lab/api is an issue, not a pull request"),
        ("get_pull", {**AT, "issue_number": 9999}, 404, "lab/api has no pull request 9999"),
        ("list_repos", {"org": "nobody"}, 404, "no organisation nobody"),
        ("create_repo", {"name": "x", "org": "nobody"}, 404, "user redirect does not exist [name: nobody]"),
        ("create_repo", {"name": "x", "org": "bob"}, 404, "no organisation bob, it is a user"),
        ("create_repo", {"name": "-"}, 500, "a name that it keeps for itself"),
    ],
)
async def test_refusal_names_what_is_missing(
    hub: Hub, action: str, params: dict[str, Any], status: int, words: str
) -> None:
    async with hub.client("alice") as alice:
        with pytest.raises(GiteaError) as refused:
            await alice.gitea(action, params)
        assert refused.value.status == status
        assert words in refused.value.detail


async def test_refusal_for_a_user_that_an_agent_acts_as_names_it(gitea: Gitea, tmp_path: Path) -> None:
    env = {"GITEA_URL": gitea.url, "GITEA_TOKEN": TOKEN, "OROCHI_GITEA_USERS": "alice=nobody"}
    with Hub(tmp_path, env=env) as hub:
        async with hub.client("alice") as alice:
            for action, params in [("list_issues", AT), ("create_issue", {**AT, "title": "t"}), ("get_version", {})]:
                with pytest.raises(GiteaError, match="no user nobody at Gitea, as whom OROCHI_GITEA_USERS has alice"):
                    await alice.gitea(action, params)


async def test_pull_requests_of_an_empty_repository_are_none(hub: Hub, gitea: Gitea) -> None:
    async with hub.client("alice") as alice:
        await alice.gitea.create_repo("new", org="lab")
        assert await alice.gitea.list_pulls("lab", "new") == []


async def test_repositories_of_a_user_are_listed_as_an_organisation_s(hub: Hub) -> None:
    async with hub.client("alice") as alice:
        assert [repo["full_name"] for repo in await alice.gitea.list_repos("bob")] == ["bob/secret", "bob/site"]


async def test_what_gitea_leaves_out_is_told(hub: Hub, gitea: Gitea) -> None:
    async with hub.client("alice") as alice:
        ask = alice.gitea
        issue = await ask("create_issue", {**AT, "title": "t" * 300, "labels": ["bug", 99999]})
        assert (issue["labels_dropped"], issue["title_cut"]) == ([99999], True)
        assert "assignees_dropped" not in issue
        at = {**AT, "issue_number": issue["number"]}
        assert (await ask("edit_issue", {**at, "title": "失" * 130}))["title_cut"] is True
        assert "title_cut" not in await ask("edit_issue", {**at, "title": "short"})
        added = await ask("add_labels", {**at, "labels": ["later", 99999]})
        assert (added["labels_dropped"], [label["name"] for label in added["labels"]]) == ([99999], ["bug", "later"])
        assert isinstance(await ask("add_labels", {**at, "labels": ["later"]}), list)


async def test_labels_that_gitea_leaves_out_are_told_by_the_typed_call_too(hub: Hub) -> None:
    async with hub.client("alice") as alice:
        at = ("lab", "api", (await alice.gitea.create_issue("lab", "api", "t"))["number"])
        held = await alice.gitea.add_labels(*at, ["bug", 99999])
        assert ([label["name"] for label in held], held.labels_dropped) == (["bug"], [99999])
        held = await alice.gitea.add_labels(*at, ["later"])
        assert ([label["name"] for label in held], held.labels_dropped) == (["bug", "later"], [])


async def test_what_a_stranger_may_not_set_is_told(hub: Hub, gitea: Gitea) -> None:
    gitea.strangers.add("bot")
    async with hub.client("alice") as alice:
        issue = await alice.gitea("create_issue", {**AT, "title": "t", "labels": ["bug"], "assignees": ["bob"]})
        assert (issue["labels_dropped"], issue["assignees_dropped"]) == ([71], ["bob"])
        at = {**AT, "issue_number": issue["number"]}
        assert (await alice.gitea("assign", {**at, "assignees": ["bob"]}))["assignees_dropped"] == ["bob"]
        with pytest.raises(RequestRefused, match="write permission is required"):
            await alice.gitea("add_labels", {**at, "labels": ["bug"]})
