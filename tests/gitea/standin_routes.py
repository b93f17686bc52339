"""The routes of Gitea that the stand-in has, and the input of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["HEADERS", "PREPARING", "ROUTES", "SCRIPT_HEADERS", "Route"]


@dataclass(frozen=True)
class Route:
    """One of Gitea's: its method and path, and what it takes."""

    method: str
    path: str
    answer: str
    query: frozenset[str] = frozenset()
    body: Mapping[str, type] = field(default_factory=dict)
    required: frozenset[str] = frozenset()

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """The path's names; None where it is another's."""
        pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", self.path)
        found = re.fullmatch(pattern, path) if method == self.method else None
        return found.groupdict() if found else None


PAGED = frozenset({"page", "limit"})
# The headers that a request of the hub may have. Gitea would ignore others, but the hub has no reason to send them.
HEADERS = frozenset({"host", "authorization", "accept", "content-type", "content-length", "sudo"})
# The additional headers of Python's own requests.
SCRIPT_HEADERS = HEADERS | {"user-agent", "connection", "accept-encoding"}
ISSUE = {"title": str, "body": str, "labels": list, "assignees": list}
IN = "/repos/{owner}/{repo}"
NEW_ORG = {"username": str, "description": str, "visibility": str}
NEW_REPO = {"name": str, "private": bool}
CHANGES = {"state": str, "title": str, "body": str, "assignees": list}
NAME, USERNAME = frozenset({"name"}), frozenset({"username"})
ROUTES = [
    Route("GET", "/version", "version"),
    Route("GET", "/repos/search", "search", PAGED),
    Route("GET", "/repositories/{id}", "repository_by_id"),
    Route("GET", "/users/{user}", "user"),
    Route("GET", "/users/{user}/repos", "user_repos", PAGED),
    Route("GET", "/orgs/{org}", "organisation"),
    Route("GET", "/orgs/{org}/repos", "org_repos", PAGED),
    Route("GET", "/orgs/{org}/labels", "labels_of_org", PAGED),
    Route("GET", "/user", "me"),
    Route("GET", "/user/repos", "my_repos", PAGED),
    Route("POST", "/user/repos", "new_repo", body=NEW_REPO, required=NAME),
    Route("POST", "/orgs/{org}/repos", "new_repo", body=NEW_REPO, required=NAME),
    Route("POST", "/orgs", "new_org", body=NEW_ORG, required=USERNAME),
    Route("GET", IN, "repository"),
    Route("GET", IN + "/labels", "labels_of_repo", PAGED),
    Route("GET", IN + "/branches", "branches_of", PAGED),
    Route("GET", IN + "/releases", "releases_of", PAGED),
    Route("GET", IN + "/issues", "list_issues", PAGED | {"state", "type", "since"}),
    Route("GET", IN + "/issues/comments", "comments_since", PAGED | {"since"}),
    Route("POST", IN + "/issues", "new_issue", body=ISSUE, required=frozenset({"title"})),
    Route("GET", IN + "/issues/{index}", "issue"),
    Route("PATCH", IN + "/issues/{index}", "edit_issue", body=CHANGES),
    Route("GET", IN + "/issues/{index}/comments", "comments_of", frozenset({"since"})),
    Route("POST", IN + "/issues/{index}/labels", "add_labels", body={"labels": list}),
    Route("POST", IN + "/issues/{index}/comments", "comment", body={"body": str}),
    Route("GET", IN + "/commits/{sha}/pull", "pull_of_commit"),
    Route("GET", IN + "/pulls", "pulls", PAGED | {"state"}),
    Route("GET", IN + "/pulls/{index}", "pull"),
    Route("GET", IN + "/pulls/{index}/reviews", "reviews_of", PAGED),
    Route("GET", IN + "/pulls/{index}/reviews/{review}/comments", "review_comments"),
]
# Routes for scripts that prepare a server; a request of the hub to them is a fault.
PREPARING = [
    Route("POST", IN + "/labels", "new_label", body={"name": str, "color": str}, required=NAME),
    Route("POST", IN + "/hooks", "new_hook", body={"type": str, "active": bool, "events": list, "config": dict}),
]
