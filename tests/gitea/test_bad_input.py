"""Invalid deliveries and answers of Gitea: each has a clear answer, nothing is posted twice, and nothing is lost."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import sqlite3
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.gitea import standin_shapes as shapes
from tests.gitea.standin import Gitea, Trouble
from tests.gitea.test_late import environment, line_comment, lines, opened, payload, review
from tests.gitea.test_webhooks import SECRET, deliver, told
from tests.python.hub import DEADLINE, Hub


@pytest.fixture
def hub(gitea: Gitea, tmp_path: Path) -> Iterator[Hub]:
    """A hub that takes deliveries, and may ask the server."""
    with Hub(tmp_path, token="t0ken", env=environment(gitea)) as hub:
        yield hub


def wait_for_words(hub: Hub, words: str) -> None:
    """Waits until the hub's log says so."""
    deadline = time.monotonic() + DEADLINE
    while words not in "".join(hub.stderr):
        assert time.monotonic() < deadline, "".join(hub.stderr)
        # Each look asks the hub, so that this does not spin.
        told(hub, "gitea")


def titles(rows: list[dict[str, Any]]) -> list[str]:
    """The titles of the messages' events."""
    return [row["metadata"]["gitea"]["title"] for row in rows]


# A user that was renamed keeps its number.


def test_renamed_user_s_review_is_not_told_again_by_a_late_look(hub: Hub, gitea: Gitea) -> None:
    pull = gitea.new_pull("lab/api", "Mend it")
    assert deliver(hub, "pull_request", payload(gitea, action="opened", pull_request=shapes.pull(pull)))[0] == 202
    now = gitea.now()
    gitea.reviews["lab/api", 1] = [shapes.review(31, "ana", "REQUEST_CHANGES", "Tests?", now)]
    assert deliver(hub, "pull_request_rejected", review(gitea, pull, "rejected", "Tests?"))[0] == 202
    hub.kill()
    gitea.reviews["lab/api", 1][0]["user"] = shapes.user("anna", former="ana")
    opened(gitea, "missed")
    hub.start()
    assert titles(lines(hub, 3)) == ["Mend it", "Mend it", "missed"]


def test_renamed_user_s_comments_on_lines_are_told(hub: Hub, gitea: Gitea) -> None:
    pull = gitea.new_pull("lab/api", "Mend it")
    now = gitea.now()
    renamed = shapes.review(31, "anna", "COMMENT", "", now) | {"user": shapes.user("anna", former="ana")}
    # Another user has taken the former name.
    gitea.reviews["lab/api", 1] = [renamed, shapes.review(32, "ana", "COMMENT", "", now)]
    gitea.reviews["lab/api", 1][1]["user"] = shapes.user("ana", former="somebody else")
    gitea.line_comments = {31: [line_comment(41, "Why, @scout?", now)]}
    assert deliver(hub, "pull_request_comment", review(gitea, pull, "comment", ""))[0] == 202
    rows = lines(hub, 2)
    assert (rows[1]["metadata"]["gitea"]["place"], rows[1]["mentions"]) == ("src/a.rs line 7", ["scout"])


def test_renamed_user_s_repository_is_asked_and_told_under_its_new_name(hub: Hub, gitea: Gitea) -> None:
    assert deliver(hub, "issues", opened(gitea, "first", full="bob/site"))[0] == 202
    hub.kill()
    opened(gitea, "missed", full="bob/site")
    gitea.users |= {"robert"}
    gitea.issues["robert/site"] = gitea.issues.pop("bob/site")
    gitea.repo_ids["robert/site"] = gitea.repo_ids.pop("bob/site")
    gitea.renamed["bob/site"] = "robert/site"
    hub.start()
    assert lines(hub, 2)[1]["content"].startswith("[robert/site] (late) bob opened issue #2: missed")
    again = payload(gitea, "robert/site", action="opened", number=2, issue=gitea.issues["robert/site"][1])
    assert deliver(hub, "issues", again) == (200, {"status": "known"})
    assert deliver(hub, "issues", opened(gitea, "next", full="robert/site"))[0] == 202
    assert titles(lines(hub, 3)) == ["first", "missed", "next"]


# A delivery that breaks off.


def send_part(hub: Hub, body: bytes, part: int, *, is_reset: bool = False) -> bytes:
    """Sends a part of a signed delivery, ends the connection's way there, and reads what comes back; or resets the
    connection.
    """
    head = [
        "POST /api/webhooks/gitea HTTP/1.1",
        f"Host: 127.0.0.1:{hub.dashboard_port}",
        "Content-Type: application/json",
        "X-Gitea-Event: issues",
        "X-Gitea-Delivery: 9f0c4f5e-0000-4000-8000-000000000001",
        f"X-Gitea-Signature: {hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}",
        f"Content-Length: {len(body)}",
    ]
    with socket.create_connection(("127.0.0.1", hub.dashboard_port), timeout=DEADLINE) as to_hub:
        if is_reset:
            # The hub's word that it reads the body: a reset that overtakes the head is not seen as a delivery.
            to_hub.sendall("\r\n".join([*head, "Expect: 100-continue", "", ""]).encode())
            assert to_hub.recv(65536).startswith(b"HTTP/1.1 100 ")
            to_hub.sendall(body[:part])
            to_hub.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return b""
        to_hub.sendall("\r\n".join([*head, "", ""]).encode() + body[:part])
        to_hub.shutdown(socket.SHUT_WR)
        said = b""
        while got := to_hub.recv(65536):
            said += got
    return said


@pytest.mark.parametrize("rest", [1, 100, None], ids=["one byte short", "the end is missing", "no body"])
def test_broken_off_delivery_is_refused_and_taken_when_it_comes_again(hub: Hub, gitea: Gitea, rest: int | None) -> None:
    body = json.dumps(opened(gitea, "told")).encode()
    said = send_part(hub, body, len(body) - rest if rest else 0)
    assert said == b"" or (said.startswith(b"HTTP/1.1 400 ") and b"the body broke off" in said), said
    assert told(hub, "gitea") == []
    assert deliver(hub, "issues", body, delivery="9f0c4f5e-0000-4000-8000-000000000001")[0] == 202
    assert titles(told(hub, "gitea")) == ["told"]


@pytest.mark.parametrize("is_reset", [False, True], ids=["ended", "reset"])
def test_broken_off_delivery_that_does_not_come_again_is_told_late(hub: Hub, gitea: Gitea, is_reset: bool) -> None:
    assert deliver(hub, "issues", opened(gitea, "first"))[0] == 202
    body = json.dumps(opened(gitea, "broken off", "Look, @scout.")).encode()
    send_part(hub, body, len(body) - 100, is_reset=is_reset)
    rows = lines(hub, 2)
    assert titles(rows) == ["first", "broken off"]
    assert (rows[1]["metadata"]["gitea"]["late"], rows[1]["mentions"]) == (True, ["scout"])
    assert deliver(hub, "issues", body) == (200, {"status": "known"})


def test_too_large_delivery_is_refused_and_told_late(hub: Hub, gitea: Gitea) -> None:
    assert deliver(hub, "issues", opened(gitea, "first"))[0] == 202
    body = opened(gitea, "too large") | {"more": "x" * 1_100_000}
    assert deliver(hub, "issues", body)[0] == 413
    assert titles(lines(hub, 2)) == ["first", "too large"]


# Gitea does not answer the look for what was missed.


@pytest.mark.parametrize("path", ["", "/issues/comments", "/releases"], ids=["all", "comments", "releases"])
@pytest.mark.parametrize("kind", ["drop", "empty", "html", "truncated"])
def test_late_look_without_a_usable_answer_is_said_and_made_again(hub: Hub, gitea: Gitea, kind: str, path: str) -> None:
    assert deliver(hub, "issues", opened(gitea, "first"))[0] == 202
    hub.kill()
    opened(gitea, "missed", "Look, @scout.")
    gitea.trouble = Trouble(kind, path=path)
    hub.start()
    wait_for_words(hub, "querying Gitea for missed events failed")
    assert titles(told(hub, "gitea")) == ["first"], "all of a repository, or nothing: in order"
    assert deliver(hub, "issues", opened(gitea, "second"))[0] == 202
    gitea.trouble = None
    hub.restart()
    rows = lines(hub, 3)
    hub.restart()
    assert deliver(hub, "issues", opened(gitea, "third"))[0] == 202
    rows = lines(hub, 4)
    assert titles(rows) == ["first", "second", "missed", "third"]
    assert [row["mentions"] for row in rows].count(["scout"]) == 1


# A store that refuses while a delivery comes.


@contextmanager
def log_held_by_another_program(hub: Hub) -> Iterator[None]:
    """Another program writes to the log, and does not end."""
    with closing(sqlite3.connect(hub.db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def log_moved_away(hub: Hub) -> Iterator[None]:
    """The log's file is not in its place."""
    away = hub.db.with_name("away.db")
    hub.db.rename(away)
    yield
    away.rename(hub.db)


@pytest.mark.parametrize("without_store", [log_held_by_another_program, log_moved_away])
@pytest.mark.parametrize("is_known", [True, False], ids=["known repository", "first delivery"])
def test_delivery_that_the_store_refuses_is_told_late_and_once(
    hub: Hub, gitea: Gitea, without_store: Callable[[Hub], AbstractContextManager[None]], is_known: bool
) -> None:
    before = ["first"] if is_known else []
    if is_known:
        assert deliver(hub, "issues", opened(gitea, "first"))[0] == 202
    body = opened(gitea, "refused", "Look, @scout.")
    # The hub asks at once; Gitea's answer waits for the store.
    gitea.trouble = Trouble("slow")
    with without_store(hub):
        status, answer = deliver(hub, "issues", body)
        assert (status, answer["code"]) == (503, "STORE_UNAVAILABLE"), answer
        assert gitea.arrived.wait(DEADLINE)
    gitea.trouble = None
    gitea.released.set()
    rows = lines(hub, len(before) + 1)
    assert titles(rows) == [*before, "refused"]
    assert (rows[-1]["metadata"]["gitea"]["late"], rows[-1]["mentions"]) == (True, ["scout"])
    assert deliver(hub, "issues", body) == (200, {"status": "known"})
    hub.restart()
    assert deliver(hub, "issues", opened(gitea, "next"))[0] == 202
    assert titles(lines(hub, len(before) + 2)) == [*before, "refused", "next"]
