"""Gitea's objects as a real one wrote them (tests/gitea/recorded), with other values where a test needs them."""

from __future__ import annotations

import copy
import json
import unicodedata
import zlib
from pathlib import Path
from typing import Any

__all__ = [
    "comment",
    "issue",
    "label",
    "organisation",
    "pull",
    "release",
    "repository",
    "review",
    "shown_title",
    "user",
]

RECORDED = Path(__file__).parent / "recorded"
_CALLS = {one["case"]: one["answer"] for one in json.loads((RECORDED / "calls.json").read_text(encoding="utf-8"))}
_DELIVERIES = json.loads((RECORDED / "deliveries.json").read_text(encoding="utf-8"))
_RELEASE = next(json.loads(one["body"]) for one in _DELIVERIES if one["case"] == "release")["release"]
# Gitea cuts a title at this width, in columns of a terminal.
TITLE_WIDTH = 255


def _shape(case: str, **values: Any) -> dict[str, Any]:
    shape: dict[str, Any] = copy.deepcopy(_CALLS[case])
    assert values.keys() <= shape.keys(), values.keys() - shape.keys()
    return shape | values


def user(login: str, *, former: str = "") -> dict[str, Any]:
    """A user as it stands in other objects. One that was renamed keeps the number that it had as `former`."""
    shape: dict[str, Any] = copy.deepcopy(_CALLS["issue made"]["user"])
    return shape | {
        "id": zlib.crc32((former or login).encode()),
        "login": login,
        "username": login,
        "email": f"{login}@example.org",
    }


def organisation(name: str, **values: Any) -> dict[str, Any]:
    """An organisation."""
    return _shape("organisation made", name=name, username=name, **values)


def repository(full_name: str, url: str, **values: Any) -> dict[str, Any]:
    """A repository."""
    owner, name = full_name.split("/")
    shape = _shape("repository made", name=name, full_name=full_name, html_url=f"{url}/{full_name}", **values)
    return shape | {"owner": shape["owner"] | {"login": owner, "username": owner}}


def label(id: int, name: str) -> dict[str, Any]:
    """A label."""
    shape: dict[str, Any] = copy.deepcopy(_CALLS["labels added"][0])
    return shape | {"id": id, "name": name}


def issue(full_name: str, number: int, url: str, **values: Any) -> dict[str, Any]:
    """An issue, or a pull request where it is read as an issue."""
    owner, name = full_name.split("/")
    kind = "pulls" if values.get("pull_request") else "issues"
    shape = _shape("issue made", number=number, html_url=f"{url}/{full_name}/{kind}/{number}", **values)
    return shape | {"repository": shape["repository"] | {"name": name, "owner": owner, "full_name": full_name}}


def comment(id: int, issue: dict[str, Any], **values: Any) -> dict[str, Any]:
    """A comment on this issue or pull request."""
    at = issue["html_url"]
    on_pull = bool(issue["pull_request"])
    urls = {"issue_url": "" if on_pull else at, "pull_request_url": at if on_pull else ""}
    return _shape("comment", id=id, html_url=f"{at}#issuecomment-{id}", **urls, **values)


def pull(issue: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The pull request that is read as this issue elsewhere."""
    same = ("number", "title", "body", "state", "user", "html_url", "created_at", "updated_at", "closed_at")
    return _shape("pull request", **{name: issue[name] for name in same} | values)


def release(id: int, tag: str, url: str, **values: Any) -> dict[str, Any]:
    """A release."""
    shape: dict[str, Any] = copy.deepcopy(_RELEASE)
    return shape | {"id": id, "tag_name": tag, "html_url": f"{url}/releases/tag/{tag}"} | values


def review(id: int, login: str, state: str, body: str, submitted_at: str) -> dict[str, Any]:
    """A review. The recording has none: the keys are those of Gitea's API description."""
    return {
        "id": id,
        "user": user(login),
        "team": None,
        "state": state,
        "body": body,
        "commit_id": "d" * 40,
        "stale": False,
        "official": False,
        "dismissed": False,
        "comments_count": 1,
        "submitted_at": submitted_at,
        "updated_at": submitted_at,
        "html_url": "",
        "pull_request_url": "",
    }


def shown_title(title: str) -> str:
    """A title as Gitea keeps it."""

    def width(text: str) -> int:
        return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)

    if width(title) <= TITLE_WIDTH:
        return title
    kept = ""
    for letter in title:
        # The sign at the end counts three bytes there.
        if width(kept + letter) > TITLE_WIDTH - 3:
            break
        kept += letter
    return kept + "\u2026"
