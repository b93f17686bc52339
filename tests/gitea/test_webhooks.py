"""Webhooks: signed deliveries of Gitea become messages in a channel (docs/gitea.md)."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orochi import RegistrationRefused
from tests.python.hub import Hub, clean_environment, orochi_command

SECRET = "what-gitea-has-too"
REPO = {"full_name": "lab/api", "html_url": "http://git.lab/lab/api"}
ANA = {"login": "ana"}
ISSUE = {"number": 7, "title": "It fails", "body": "", "state": "open", "html_url": "http://git.lab/lab/api/issues/7"}
PULL = {**ISSUE, "number": 8, "title": "Mend it", "html_url": "http://git.lab/lab/api/pulls/8"}
COMMIT = {"id": "c0ffee", "message": "Mend the test\n\nIt failed.", "author": {"name": "Ana"}, "added": []}
NOTHING = "0" * 40


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub with a token, which Gitea does not know, and the secret, which it must tell nobody."""
    env = {"OROCHI_GITEA_WEBHOOK_SECRET": SECRET, "OROCHI_GITEA_CHANNELS": "lab/api=#api,ops/*=#ops"}
    with Hub(tmp_path, token="t0ken", env=env) as hub:
        yield hub
    assert SECRET not in "".join(hub.stderr)


def deliver(
    hub: Hub, event: str, payload: Any, *, secret: str | None = SECRET, delivery: str = "", **headers: str
) -> tuple[int, Any]:
    """As Gitea sends it: the status and the answer."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload, indent=2).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() if secret is not None else ""
    sent = {
        "Content-Type": "application/json",
        "X-Gitea-Event": event,
        "X-Gitea-Delivery": delivery or str(uuid.uuid4()),
        "X-Gitea-Signature": signature,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    url = f"http://127.0.0.1:{hub.dashboard_port}/api/webhooks/gitea"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, sent), timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def told(hub: Hub, channel: str) -> list[dict[str, Any]]:
    """The messages of a channel, oldest first."""
    url = f"http://127.0.0.1:{hub.dashboard_port}/api/history/{channel}?limit=1000&token=t0ken"
    with urllib.request.urlopen(url, timeout=30) as response:
        rows: list[dict[str, Any]] = json.load(response)
    return rows[::-1]


def event(**fields: Any) -> dict[str, Any]:
    """A payload with what all have."""
    return {"repository": REPO, "sender": ANA, **fields}


def push(**fields: Any) -> dict[str, Any]:
    """A push to main, as Gitea sends it."""
    usual = {"ref": "refs/heads/main", "before": "1" * 40, "after": "2" * 40, "compare_url": "http://git.lab/compare"}
    return event(**{**usual, "commits": [COMMIT], "total_commits": 3, **fields})


@pytest.mark.parametrize(
    ("kind", "payload", "line"),
    [
        ("issues", event(action="opened", issue=ISSUE), "opened issue #7: It fails http://git.lab/lab/api/issues/7"),
        ("issues", event(action="closed", issue=ISSUE), "closed issue #7: It fails http://git.lab/lab/api/issues/7"),
        (
            "issues",
            event(action="label_updated", issue=ISSUE),
            "changed the labels of issue #7: It fails http://git.lab/lab/api/issues/7",
        ),
        (
            "issue_comment",
            event(action="created", issue=ISSUE, comment={"body": "Me too.", "html_url": "http://git.lab/c/1"}),
            "commented on issue #7: It fails \u201cMe too.\u201d http://git.lab/c/1",
        ),
        (
            "issue_comment",
            event(action="deleted", issue=PULL, is_pull=True, comment={"body": "x", "html_url": "http://git.lab/c/1"}),
            "deleted a comment on pull request #8: Mend it http://git.lab/c/1",
        ),
        (
            "pull_request",
            event(action="opened", number=8, pull_request=PULL),
            "opened pull request #8: Mend it http://git.lab/lab/api/pulls/8",
        ),
        (
            "pull_request",
            event(action="closed", number=8, pull_request={**PULL, "merged": True, "state": "closed"}),
            "merged pull request #8: Mend it http://git.lab/lab/api/pulls/8",
        ),
        (
            "pull_request_rejected",
            event(action="reviewed", number=8, pull_request=PULL, review={"type": "x", "content": "Tests?"}),
            "asked for changes in pull request #8: Mend it \u201cTests?\u201d http://git.lab/lab/api/pulls/8",
        ),
        ("push", push(), "pushed 3 commits to main: Mend the test http://git.lab/compare"),
        (
            "push",
            push(before=NOTHING, ref="refs/tags/v1", commits=[]),
            "created tag v1 http://git.lab/lab/api/src/tag/v1",
        ),
        (
            "push",
            push(before=NOTHING, ref="refs/heads/fix/a#1"),
            "created branch fix/a#1 http://git.lab/lab/api/src/branch/fix/a%231",
        ),
        (
            "push",
            push(after=NOTHING, commits=None, head_commit=None),
            "deleted branch main http://git.lab/lab/api",
        ),
        ("push", push(before="1" * 40, after="1" * 40), "sent a test delivery http://git.lab/lab/api"),
        ("push", push(before=NOTHING, after=NOTHING), "sent a test delivery http://git.lab/lab/api"),
        (
            "create",
            event(ref="b", ref_type="branch", sha="1" * 40),
            "created branch b http://git.lab/lab/api/src/branch/b",
        ),
        ("delete", event(ref="b", ref_type="branch", pusher_type="user"), "deleted branch b http://git.lab/lab/api"),
        (
            "release",
            event(action="published", release={"tag_name": "v1", "name": "One", "html_url": "http://git.lab/r/1"}),
            "published release One http://git.lab/r/1",
        ),
    ],
)
def test_an_event_is_a_line_with_a_link_and_the_same_as_data(hub: Hub, kind: str, payload: Any, line: str) -> None:
    assert deliver(hub, kind, payload) == (202, {"status": "accepted", "seq": 1})
    (row,) = told(hub, "api")
    assert (row["sender"], row["content"]) == ("gitea", f"[lab/api] ana {line}")
    data = row["metadata"]["gitea"]
    assert (data["repo"], data["sender"]) == ("lab/api", "ana")
    assert data["url"] == line.split()[-1]


@pytest.mark.parametrize(("repo", "channel"), [("lab/api", "api"), ("ops/any", "ops"), ("bob/site", "gitea")])
def test_rules_choose_the_channel(hub: Hub, repo: str, channel: str) -> None:
    payload = event(action="opened", issue=ISSUE) | {"repository": {"full_name": repo}}
    assert deliver(hub, "issues", payload)[0] == 202
    assert len(told(hub, channel)) == 1


def test_other_kinds_are_taken_and_not_told(hub: Hub) -> None:
    for kind in ("fork", "wiki", "star", "", "a\u00e9", "x" * 500):
        status, answer = deliver(hub, kind.encode().decode("latin-1"), event(action="created", comment="a text"))
        assert (status, answer["status"]) == (202, "ignored")
    for body in (b'{"comment": "a text"}', b"[]", b"7", b"", b"{", b"[" * 100_000):
        assert deliver(hub, "wiki", body)[0] == 202, "what is not told is not read"


async def test_who_is_named_in_a_text_is_reached_also_later(hub: Hub) -> None:
    async with hub.client("bob", channels=[]):
        pass
    body = "Look at `@decorator`, @bob and @carol. Write to me@lab.org"
    deliver(hub, "issues", event(action="opened", issue={**ISSUE, "body": body}))
    deliver(hub, "issues", event(action="edited", issue={**ISSUE, "body": body}))
    async with hub.client("bob", channels=[], resume="stored") as bob:
        message = await anext(bob.listen())
    assert message.mentions == ["bob", "carol"]
    assert body in message.content, "the text keeps its @"
    assert message.sender == "gitea"
    assert [row["mentions"] for row in told(hub, "api")] == [["bob", "carol"], []], "an edit calls nobody again"


def test_what_an_agent_asked_for_calls_nobody(hub: Hub) -> None:
    body = "@bob, it fails.\n\n---\n*Asked for by the agent* `alice` *in* `#api`"
    deliver(hub, "issues", event(action="opened", issue={**ISSUE, "body": body}))
    (row,) = told(hub, "api")
    assert (row["mentions"], row["metadata"]["gitea"]["own"]) == ([], True)


def test_the_same_delivery_again_is_told_once_also_after_a_restart(hub: Hub) -> None:
    payload = event(action="opened", issue=ISSUE)
    assert deliver(hub, "issues", payload, delivery="d-1")[0] == 202
    assert deliver(hub, "issues", payload, delivery="d-1") == (200, {"status": "known"})
    hub.restart()
    assert deliver(hub, "issues", payload, delivery="d-1") == (200, {"status": "known"})
    assert len(told(hub, "api")) == 1


def test_a_body_is_told_once_whatever_its_headers_say(hub: Hub) -> None:
    payload = event(action="edited", number=8, issue=ISSUE, pull_request=PULL)
    assert deliver(hub, "issues", payload, delivery="d-1")[0] == 202
    hub.restart()
    for kind, delivery in [("issues", "d-2"), ("pull_request", "d-3"), ("pull_request_approved", "d-4")]:
        assert deliver(hub, kind, payload, delivery=delivery) == (200, {"status": "known"})
    assert len(told(hub, "api")) == 1


def test_events_that_tell_one_thing_are_one_line(hub: Hub) -> None:
    created = event(ref="b", ref_type="branch", sha="2" * 40)
    deleted = event(ref="b", ref_type="branch", pusher_type="user")
    pushed = push(ref="refs/heads/b", before=NOTHING)
    gone = push(ref="refs/heads/b", after=NOTHING, commits=None)
    statuses = [
        deliver(hub, kind, {**body, "n": n})[1]["status"]
        for n, (kind, body) in enumerate(
            [
                ("create", created),
                ("push", pushed),
                ("push", gone),
                ("delete", deleted),
                # It can happen again at once.
                ("push", pushed),
                ("create", created),
                ("delete", deleted),
            ]
        )
    ]
    assert statuses == ["accepted", "known", "accepted", "known", "accepted", "known", "accepted"]
    lines = [row["content"].split(" http")[0] for row in told(hub, "api")]
    assert lines == [f"[lab/api] ana {what} branch b" for what in ("created", "deleted", "created", "deleted")]


def test_two_hooks_that_deliver_one_event_are_one_line(hub: Hub) -> None:
    opened = event(action="opened", issue=ISSUE)
    # An organisation's hook and a repository's tell the same at the same time, in a body of their own.
    assert deliver(hub, "issues", {**opened, "organization": {"login": "lab"}})[0] == 202
    assert deliver(hub, "issues", opened) == (200, {"status": "known"})
    assert len(told(hub, "api")) == 1


def test_forgejo_s_headers_and_the_older_ones_are_understood(hub: Hub) -> None:
    body = json.dumps(event(action="opened", issue=ISSUE)).encode()
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    none = {"X_Gitea_Event": "", "X_Gitea_Delivery": "", "X_Gitea_Signature": ""}
    for prefix, signature, status in [
        ("X_Forgejo", {"X_Forgejo_Signature": digest}, 202),
        ("X_Gogs", {"X_Gogs_Signature": digest}, 200),
        ("X_Gogs", {"X_Hub_Signature_256": f"sha256={digest}"}, 200),
        ("X_Forgejo", {"X_Hub_Signature_256": f"sha256={'0' * 64}"}, 401),
    ]:
        headers = {**none, f"{prefix}_Event": "issues", f"{prefix}_Delivery": str(uuid.uuid4()), **signature}
        assert deliver(hub, "issues", body, **headers)[0] == status


def test_null_counts_as_absent_and_the_content_type_has_no_case(hub: Hub) -> None:
    nulls = dict.fromkeys(["number", "sender", "comment", "review", "commits", "ref", "is_pull", "release"])
    issue = {**ISSUE, "body": None, "state": None, "pull_request": None, "closed_at": None}
    payload = {**nulls, **event(action="opened", issue=issue), "sender": None}
    status, answer = deliver(hub, "issues", payload, Content_Type="Application/JSON; charset=utf-8")
    assert (status, answer["status"]) == (202, "accepted")


def test_names_of_the_hub_itself_are_not_an_agents_once_webhooks_are_on(hub: Hub, tmp_path: Path) -> None:
    def post(to: Hub, sender: str) -> tuple[int, Any]:
        body = json.dumps({"sender": sender, "channel": "#api", "content": "hi"}).encode()
        url = f"http://127.0.0.1:{to.dashboard_port}/api/messages?token=t0ken"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body), timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    for name in ("gitea", "Gitea"):
        status, refused = post(hub, name)
        assert (status, refused["code"]) == (422, "INVALID_NAME")
        assert "happens at Gitea" in refused["detail"]
    (tmp_path / "other").mkdir()
    with Hub(tmp_path / "other", token="t0ken") as other:
        assert post(other, "gitea")[0] == 201


async def test_the_name_gitea_can_not_be_registered_once_webhooks_are_on(hub: Hub) -> None:
    with pytest.raises(RegistrationRefused, match="happens at Gitea"):
        async with hub.client("gitea"):
            pass


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"secret": "another"}, 401, "AUTH_FAILED"),
        ({"secret": None}, 401, "AUTH_FAILED"),
        ({"X_Gitea_Signature": "sha256=" + "0" * 64}, 401, "AUTH_FAILED"),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 422, "INVALID_FIELD"),
        ({"delivery": "d" * 200}, 422, "INVALID_FIELD"),
        ({"X_Gitea_Delivery": ""}, 422, "INVALID_FIELD"),
    ],
)
def test_what_is_not_from_gitea_is_refused(hub: Hub, headers: dict[str, Any], status: int, code: str) -> None:
    seen, answer = deliver(hub, "issues", event(action="opened", issue=ISSUE), **headers)
    assert (seen, answer["code"]) == (status, code)
    assert SECRET not in answer["detail"]


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"[]", 400), (b'"x"', 400), (b'{"issue": 7}', 400), (b" " * 9_000_000, 413)]
)
def test_what_is_not_gitea_s_json_is_refused(hub: Hub, body: bytes, status: int) -> None:
    assert deliver(hub, "issues", body)[0] == status


def test_a_large_push_is_taken_where_that_is_configured(hub: Hub, tmp_path: Path) -> None:
    large = push(commits=[{**COMMIT, "added": ["a/long/path"] * 200_000}])
    status, answer = deliver(hub, "push", large)
    assert (status, answer["code"]) == (413, "TOO_LARGE")
    assert "OROCHI_GITEA_WEBHOOK_BYTES" in answer["detail"]
    assert deliver(hub, "push", push(commits=[{**COMMIT, "added": ["a/long/path"] * 40_000}]))[0] == 202
    (tmp_path / "other").mkdir()
    env = {"OROCHI_GITEA_WEBHOOK_SECRET": SECRET, "OROCHI_GITEA_WEBHOOK_BYTES": "8M"}
    with Hub(tmp_path / "other", env=env) as other:
        assert deliver(other, "push", large)[0] == 202


def test_without_a_secret_there_is_no_such_place(tmp_path: Path) -> None:
    with Hub(tmp_path) as hub:
        status, answer = deliver(hub, "issues", event(action="opened", issue=ISSUE))
    assert (status, answer["code"]) == (404, "NOT_FOUND")
    assert "OROCHI_GITEA_WEBHOOK_SECRET" in answer["detail"]


def test_a_rule_that_makes_no_sense_is_said_at_the_start(tmp_path: Path) -> None:
    env = clean_environment({"OROCHI_GITEA_CHANNELS": "lab"})
    run = subprocess.run(
        [*orochi_command(), "serve"], env=env, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode == 2
    assert "rules such as lab/api=#api" in run.stderr
