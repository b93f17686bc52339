"""The stand-in gets the requests that a real Gitea 1.26.3 got (tests/gitea/recorded/calls.json), in the same order, and
answers with the same status, headers, keys and types.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tests.gitea import standin_shapes as shapes
from tests.gitea.standin import TOKEN, Gitea
from tests.gitea.standin_shapes import RECORDED

STRANGER, READER, ROOT = "a" * 40, "b" * 40, "c" * 40
LAB = {"owner": "lab", "repo": "api"}
# The recording's token for a case, if it was not the user bot's.
TOKENS = {
    "issue by a stranger, labels and assignees left out": STRANGER,
    "issue by a token that may only read": READER,
    "issue by a wrong token": "f" * 40,
    "issue without a token": None,
    "issue as another user": ROOT,
    "issue as no user": ROOT,
    "issue as another user, by no administrator": STRANGER,
    "comment on a locked issue by a stranger": STRANGER,
    "another's issue changed by a stranger": STRANGER,
    "labels added by a stranger": STRANGER,
    "assigned by a stranger to an issue of its own": STRANGER,
    "repository by a stranger": STRANGER,
    "private repository of another": STRANGER,
    "one's own by a wrong token": "f" * 40,
}
SUDO = {
    "issue as another user": "ana",
    "issue as no user": "nobody",
    "issue as another user, by no administrator": "ana",
}
# Gitea's own headers that a client can go by.
HEADERS = ("content-type", "location", "x-total-count")


def empty(gitea: Gitea) -> None:
    """A new server, with the recording's users."""
    for held in (gitea.orgs, gitea.issues, gitea.labels, gitea.org_labels):
        held.clear()
    gitea.users, gitea.strangers, gitea.admins = {"bot", "ana", "out", "root1"}, {"out"}, {"root1"}
    gitea.tokens |= {STRANGER: ("out", False), READER: ("bot", True), ROOT: ("root1", False)}


def with_labels(gitea: Gitea) -> None:
    """The labels that the recording made."""
    names = ["bug", *(f"area-{n:02}" for n in range(60))]
    gitea.labels["lab/api"] = [shapes.label(number, name) for number, name in enumerate(names, 1)]
    gitea.org_labels["lab"] = [shapes.label(62, "team")]


def with_many(gitea: Gitea) -> None:
    """As many issues as the recording had."""
    while len(gitea.issues["lab/api"]) < 68:
        gitea.new_issue(LAB, {}, {"title": "many"})
    gitea.blocked.discard(1)


def with_comments(gitea: Gitea) -> None:
    """As many comments as the recording had."""
    for _ in range(60):
        gitea.comment({**LAB, "index": "1"}, {}, {"body": "x"})


def with_others(gitea: Gitea) -> None:
    """A stranger's issue, and repositories of other kinds."""
    gitea.acting = "out"
    gitea.new_issue(LAB, {}, {"title": "by out"})
    gitea.acting = "bot"
    gitea.locked.add(1)
    gitea.issues |= {"lab/noissues": [], "lab/old": []}
    gitea.without_issues.add("lab/noissues")
    gitea.new_issue({"owner": "lab", "repo": "old"}, {}, {"title": "x"})
    gitea.archived.add("lab/old")


def renamed(gitea: Gitea) -> None:
    """The archived repository has another name."""
    gitea.issues["lab/renamed"] = gitea.issues.pop("lab/old")
    gitea.renamed["lab/old"] = "lab/renamed"


# The preparation of the server before each case.
BEFORE: dict[str, Callable[[Gitea], Any]] = {
    "version": empty,
    "pull requests, none": lambda gitea: gitea.empty.clear(),
    "labels, first page": with_labels,
    "comments": with_comments,
    "closed with an open dependency": lambda gitea: gitea.blocked.add(1),
    "closed": with_many,
    "pull requests": lambda gitea: gitea.new_pull("lab/api", "Mend"),
    "comment on a locked issue by a stranger": with_others,
    "renamed repository, read": renamed,
}


def ask(gitea: Gitea, call: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
    """One recorded request to the stand-in."""
    headers = {}
    if (token := TOKENS.get(call["case"], TOKEN)) is not None:
        headers["Authorization"] = f"token {token}"
    if call["case"] in SUDO:
        headers["Sudo"] = SUDO[call["case"]]
    body = None
    if call["sent"] is not None:
        body = "{" if isinstance(call["sent"], str) else json.dumps(call["sent"])
        headers["Content-Type"] = "application/json"
    connection = http.client.HTTPConnection(urlsplit(gitea.url).netloc, timeout=30)
    connection.putrequest(call["method"], call["path"], skip_accept_encoding=True)
    for name, value in {**headers, "Content-Length": str(len(body or ""))}.items():
        connection.putheader(name, value)
    connection.endheaders(body.encode() if body else None)
    response = connection.getresponse()
    raw = response.read()
    connection.close()
    seen = {name.lower(): value for name, value in response.getheaders()}
    if seen.get("content-type", "").startswith("application/json"):
        return response.status, seen, json.loads(raw)
    return response.status, seen, raw.decode() or None


def difference(real: Any, seen: Any, at: str = "") -> list[str]:
    """Lists the differences in keys and types between two answers. Null is a missing value of any type."""
    if real is None or seen is None:
        return []
    if type(real) is not type(seen):
        return [f"{at}: {type(real).__name__} and {type(seen).__name__}"]
    if isinstance(real, dict):
        keys = real.keys() ^ seen.keys()
        faults = [f"{at}.{key} is {'missing' if key in real else 'not Gitea`s'}" for key in sorted(keys)]
        return faults + [
            one for key in real.keys() & seen.keys() for one in difference(real[key], seen[key], f"{at}.{key}")
        ]
    if isinstance(real, list):
        if bool(real) != bool(seen):
            return [f"{at}: {len(real)} and {len(seen)} entries"]
        return difference(real[0], seen[0], f"{at}[]") if real else []
    return []


def test_the_stand_in_answers_as_a_real_gitea_did() -> None:
    faults = []
    with Gitea() as gitea:
        for call in json.loads((RECORDED / "calls.json").read_text(encoding="utf-8")):
            BEFORE.get(call["case"], lambda _: None)(gitea)
            status, headers, answer = ask(gitea, call)
            if status != call["status"]:
                faults.append(f"{call['case']}: {call['status']} and {status}")
                continue
            for name in HEADERS:
                if headers.get(name) != call["headers"].get(name):
                    faults.append(f"{call['case']}: {name} {call['headers'].get(name)} and {headers.get(name)}")
            for rel in ("next", "last", "first", "prev"):
                link = f'rel="{rel}"'
                if (link in headers.get("link", "")) != (link in call["headers"].get("link", "")):
                    faults.append(f"{call['case']}: a link to {rel}")
            if isinstance(answer, list) and call.get("entries"):
                assert len(answer) == call["entries"], call["case"]
            if isinstance(answer, dict) and "message" in answer:
                assert answer["message"] == call["answer"]["message"], call["case"]
            faults += [f"{call['case']}: {one}" for one in difference(call["answer"], answer)]
    assert faults == [], "\n".join(faults)


def test_titles_are_cut_where_a_real_gitea_cut_them() -> None:
    calls = {one["case"]: one for one in json.loads((RECORDED / "calls.json").read_text(encoding="utf-8"))}
    for case in ("issue with a title of 300 letters", "issue with a title of 130 wide letters", "issue made"):
        assert shapes.shown_title(calls[case]["sent"]["title"]) == calls[case]["answer"]["title"]
