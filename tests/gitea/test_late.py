"""Late events: those at Gitea while the hub was away or could not store them are posted once it is back, once, in
order.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gitea import standin_shapes as shapes
from tests.gitea.standin import TOKEN, Gitea, Trouble
from tests.gitea.test_webhooks import SECRET, deliver, told
from tests.python.hub import DEADLINE, Hub

AT = {"owner": "lab", "repo": "api"}


def environment(gitea: Gitea, **more: str) -> dict[str, str]:
    """A hub that is told of the server, and may ask it."""
    return {"GITEA_URL": gitea.url, "GITEA_TOKEN": TOKEN, "OROCHI_GITEA_WEBHOOK_SECRET": SECRET, **more}


@pytest.fixture
def hub(gitea: Gitea, tmp_path: Path) -> Iterator[Hub]:
    """Such a hub."""
    with Hub(tmp_path, token="t0ken", env=environment(gitea)) as hub:
        yield hub


def payload(gitea: Gitea, full: str = "lab/api", **fields: Any) -> dict[str, Any]:
    """A delivery's body from the server's own objects."""
    return {"repository": gitea._repository(full), "sender": shapes.user("ana"), **fields}


def opened(gitea: Gitea, title: str, body: str = "", full: str = "lab/api") -> dict[str, Any]:
    """A new issue of ana's, and the body of its delivery."""
    gitea.acting = "bob"
    owner, repo = full.split("/")
    issue = gitea.new_issue({"owner": owner, "repo": repo}, {}, {"title": title, "body": body})[1]
    return payload(gitea, full, action="opened", number=issue["number"], issue=issue)


def lines(hub: Hub, count: int, channel: str = "gitea") -> list[dict[str, Any]]:
    """The channel's messages, once there are so many."""
    deadline = time.monotonic() + DEADLINE
    while len(rows := told(hub, channel)) < count:
        assert time.monotonic() < deadline, [row["content"] for row in rows]
    return rows


def write_everything(gitea: Gitea) -> None:
    """The events while the hub was away."""
    opened(gitea, "missed", "Look, @scout.")
    gitea.comment({**AT, "index": "1"}, {}, {"body": "missed comment for @scout"})
    now = gitea.now()
    release = shapes.release(
        1, "v1", f"{gitea.url}/lab/api", name="One", body="@scout", published_at=now, created_at=now
    )
    gitea.releases["lab/api"] = [release]
    pull = gitea.new_pull("lab/api", "Mend it")
    gitea.reviews["lab/api", pull["number"]] = [shapes.review(31, "bob", "REQUEST_CHANGES", "Tests?", now)]
    gitea.line_comments[31] = [line_comment(41, "Why, @scout?", now)]


def line_comment(number: int, body: str, now: str) -> dict[str, Any]:
    """A review's comment on a line, as Gitea lists it."""
    return {
        "id": number,
        "body": body,
        "user": shapes.user("bob"),
        "resolver": None,
        "pull_request_review_id": 31,
        "created_at": now,
        "updated_at": now,
        "path": "src/a.rs",
        "commit_id": "d" * 40,
        "original_commit_id": "",
        "diff_hunk": "@@",
        "position": 7,
        "original_position": 0,
        "html_url": f"http://git.lab/lab/api/pulls/2/files#issuecomment-{number}",
        "pull_request_url": "",
    }


def test_late_events_are_told_once_in_order_with_their_mentions(hub: Hub, gitea: Gitea) -> None:
    assert deliver(hub, "issues", opened(gitea, "first"))[0] == 202
    hub.kill()
    write_everything(gitea)
    hub.start()
    rows = lines(hub, 7)
    late = rows[1:]
    contents = [row["content"].split(" http")[0] for row in late]
    assert set(contents) == {
        "[lab/api] (late) bob opened issue #2: missed “Look, @scout.”",
        "[lab/api] (late) bob commented on issue #1: first “missed comment for @scout”",
        "[lab/api] (late) bot published release One “@scout”",
        "[lab/api] (late) bob opened pull request #3: Mend it",
        "[lab/api] (late) bob asked for changes in pull request #3: Mend it “Tests?”",
        "[lab/api] (late) bob commented on src/a.rs line 7 of pull request #3: Mend it “Why, @scout?”",
    }
    assert [row["mentions"] for row in late].count(["scout"]) == 4
    assert all(row["metadata"]["gitea"]["late"] for row in late)
    hub.restart()
    # A delivery that was late itself, and one that is new.
    issue = gitea.issues["lab/api"][1]
    again = payload(gitea, action="opened", number=2, issue=issue)
    assert deliver(hub, "issues", again) == (200, {"status": "known"})
    assert deliver(hub, "issues", opened(gitea, "new"))[0] == 202
    assert len(lines(hub, 8)) == 8


def test_late_events_wait_for_a_gitea_that_is_away_and_hide_no_delivery(hub: Hub, gitea: Gitea) -> None:
    assert deliver(hub, "issues", opened(gitea, "first"))[0] == 202
    hub.kill()
    missed = opened(gitea, "missed")
    gitea.trouble = Trouble("html")
    hub.start()
    assert deliver(hub, "issues", opened(gitea, "second"))[0] == 202
    assert missed["number"] == 2
    hub.restart()
    gitea.trouble = None
    hub.restart()
    titles = [row["metadata"]["gitea"]["title"] for row in lines(hub, 3)]
    assert titles == ["first", "second", "missed"]


def test_late_events_of_a_renamed_repository_are_told(hub: Hub, gitea: Gitea) -> None:
    assert deliver(hub, "issues", opened(gitea, "first"))[0] == 202
    hub.kill()
    opened(gitea, "missed")
    gitea.issues["lab/new"] = gitea.issues.pop("lab/api")
    gitea.repo_ids["lab/new"] = gitea.repo_ids.pop("lab/api")
    gitea.renamed["lab/api"] = "lab/new"
    hub.start()
    assert lines(hub, 2)[1]["content"].startswith("[lab/new] (late) bob opened issue #2")


def test_late_events_are_found_with_clocks_that_differ(hub: Hub, gitea: Gitea) -> None:
    for count, ahead in [(2, 3600), (4, -3600)]:
        gitea.clock_ahead = ahead
        full = f"lab/r{ahead}"
        gitea.issues[full] = []
        assert deliver(hub, "issues", opened(gitea, "first", full=full))[0] == 202
        hub.kill()
        opened(gitea, "missed", full=full)
        hub.start()
        lines(hub, count)
    assert [row["metadata"]["gitea"].get("late", False) for row in lines(hub, 4)] == [False, True, False, True]


def test_late_events_are_not_asked_for_where_that_is_switched_off(gitea: Gitea, tmp_path: Path) -> None:
    with Hub(tmp_path, token="t0ken", env=environment(gitea, OROCHI_GITEA_CATCH_UP="0")) as hub:
        assert deliver(hub, "issues", opened(gitea, "first"))[0] == 202
        hub.kill()
        opened(gitea, "missed")
        hub.start()
        assert deliver(hub, "issues", opened(gitea, "second"))[0] == 202
    assert gitea.requests == []


def test_late_events_of_many_repositories_take_one_request_a_kind(hub: Hub, gitea: Gitea) -> None:
    repositories = [f"lab/r{number}" for number in range(20)]
    for full in repositories:
        gitea.issues[full] = []
        assert deliver(hub, "issues", opened(gitea, "first", full=full))[0] == 202
    hub.kill()
    for full in repositories:
        for number in range(9):
            opened(gitea, f"missed {number}", full=full)
    gitea.requests.clear()
    hub.start()
    rows = lines(hub, 200)
    assert len({row["metadata"]["gitea"]["url"] for row in rows}) == 200
    assert len(gitea.requests) == 60, "issues, comments and releases of each"
    for full in repositories:
        titles = [row["metadata"]["gitea"]["title"] for row in rows if row["metadata"]["gitea"]["repo"] == full]
        assert titles == ["first", *(f"missed {number}" for number in range(9))]


def review(gitea: Gitea, pull: dict[str, Any], verdict: str, content: str) -> dict[str, Any]:
    """The body of a review's delivery."""
    said = {"type": f"pull_request_review_{verdict}", "content": content}
    return payload(gitea, action="reviewed", number=pull["number"], pull_request=shapes.pull(pull), review=said)


def test_comments_on_lines_are_read_and_told_with_file_line_and_link(hub: Hub, gitea: Gitea) -> None:
    pull = gitea.new_pull("lab/api", "Mend it")
    now = gitea.now()
    gitea.reviews["lab/api", 1] = [
        shapes.review(30, "ana", "COMMENT", "", now),
        shapes.review(31, "ana", "REQUEST_CHANGES", "Hm", now),
        shapes.review(32, "bob", "COMMENT", "", now),
    ]
    gitea.line_comments = {31: [line_comment(41, "Why, @scout?", now), line_comment(42, "And `@this`", now)]}
    assert deliver(hub, "pull_request_rejected", review(gitea, pull, "rejected", "Hm, @scout"))[0] == 202
    rows = lines(hub, 3)
    assert [row["mentions"] for row in rows] == [["scout"], ["scout"], []]
    assert rows[1]["content"] == (
        "[lab/api] bob commented on src/a.rs line 7 of pull request #1: Mend it “Why, @scout?” "
        "http://git.lab/lab/api/pulls/2/files#issuecomment-41"
    )
    assert rows[1]["metadata"]["gitea"]["place"] == "src/a.rs line 7"
    hub.restart()
    assert deliver(hub, "issues", opened(gitea, "next"))[0] == 202
    assert len(lines(hub, 4)) == 4, "told once, also by the look for missed events"


def test_comments_on_lines_that_can_not_be_read_are_read_later(hub: Hub, gitea: Gitea) -> None:
    pull = gitea.new_pull("lab/api", "Mend it")
    now = gitea.now()
    gitea.reviews["lab/api", 1] = [shapes.review(31, "ana", "COMMENT", "", now)]
    gitea.line_comments = {31: [line_comment(41, "Why, @scout?", now)]}
    gitea.trouble = Trouble("html")
    assert deliver(hub, "pull_request_comment", review(gitea, pull, "comment", ""))[0] == 202
    hub.restart()
    gitea.trouble = None
    hub.restart()
    # The pull request itself was never reported, so it is reported now, too.
    assert "src/a.rs line 7" in lines(hub, 3)[-1]["content"] + lines(hub, 3)[-2]["content"]


def status(gitea: Gitea, state: str, sha: str, number: int) -> dict[str, Any]:
    """The body of a CI result's delivery."""
    more: dict[str, Any] = {
        "context": "ci/test",
        "description": f"it is {state}",
        "target_url": "http://ci.lab/1",
        "id": number,
    }
    return payload(gitea, state=state, sha=sha, commit={"id": sha, "author": {"username": ""}}, **more)


def test_results_are_addressed_to_the_agent_whose_commit_branch_or_pull_request_it_is(
    gitea: Gitea, tmp_path: Path
) -> None:
    pushed, asked, own = "1" * 40, "2" * 40, "3" * 40
    with Hub(tmp_path, token="t0ken", env=environment(gitea, OROCHI_GITEA_USERS="worker=ana")) as hub:
        push: dict[str, Any] = {
            "ref": "refs/heads/fix",
            "before": "9" * 40,
            "after": pushed,
            "total_commits": 1,
            "commits": [],
        }
        assert deliver(hub, "push", payload(gitea, **push))[0] == 202
        gitea.branches["lab/api"] = {"side": asked}
        pull = gitea.new_pull("lab/api", "Mend it", sha=asked)
        pull["body"] = "x\n\n---\n*Asked for by the agent* `alice`"
        assert deliver(hub, "status", status(gitea, "failure", pushed, 1))[0] == 202
        assert deliver(hub, "status", status(gitea, "error", asked, 2))[0] == 202
        commit = {"id": own, "author": {"username": "Ana"}}
        assert deliver(hub, "status", {**status(gitea, "failure", own, 3), "commit": commit})[0] == 202
        rows = told(hub, "gitea")[1:]
    assert [row["content"].split(" http")[0] for row in rows] == [
        "[lab/api] ci/test failed on fix at 1111111: it is failure",
        "[lab/api] ci/test ended with an error on side at 2222222: it is error",
        "[lab/api] ci/test failed at 3333333: it is failure",
    ]
    assert [row["mentions"] for row in rows] == [["worker"], ["alice"], ["worker"]]


def test_results_are_told_where_they_fail_and_where_they_succeed_again(hub: Hub, gitea: Gitea) -> None:
    gitea.branches["lab/api"] = {"main": "1" * 40}
    seen = []
    for number, state in enumerate(["pending", "success", "failure", "pending", "failure", "success", "success"]):
        seen.append(deliver(hub, "status", status(gitea, state, "1" * 40, number))[1]["status"])
    assert seen == ["ignored", "ignored", "accepted", "ignored", "accepted", "accepted", "ignored"]
    gitea.branches["lab/api"] = {"main": "2" * 40}
    deliver(hub, "status", status(gitea, "failure", "2" * 40, 10))
    gitea.branches["lab/api"] = {"main": "3" * 40}
    deliver(hub, "status", status(gitea, "success", "3" * 40, 11))
    assert "succeeded on main at 3333333" in told(hub, "gitea")[-1]["content"], "the next commit mends it"


def test_workflow_runs_are_told_like_results(hub: Hub, gitea: Gitea) -> None:
    def run(number: int, conclusion: str, action: str = "completed") -> dict[str, Any]:
        more = {"head_branch": "main", "head_sha": "1" * 40, "html_url": "http://g/runs/1", "display_title": "Mend it"}
        body = {"id": number, "conclusion": conclusion, "status": "completed", **more}
        return payload(gitea, action=action, workflow={"name": "build"}, workflow_run=body)

    runs = [run(1, "", "requested"), run(1, "success"), run(2, "failure"), run(3, "cancelled"), run(4, "success")]
    assert [deliver(hub, "workflow_run", one)[1]["status"] for one in runs] == [
        *["ignored"] * 2,
        "accepted",
        "ignored",
        "accepted",
    ]
    assert [row["content"] for row in told(hub, "gitea")] == [
        "[lab/api] build failed on main at 1111111: Mend it http://g/runs/1",
        "[lab/api] build succeeded on main at 1111111: Mend it http://g/runs/1",
    ]
    assert json.dumps(told(hub, "gitea")[0]["metadata"]["gitea"]["context"]) == '"build"'
