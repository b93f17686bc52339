"""The stand-in's contents and answers: each method is one of Gitea's routes."""

from __future__ import annotations

import threading
import time
from typing import Any

from tests.gitea import standin_shapes as shapes

__all__ = ["Answers", "Refused"]

# Gitea's limits, as it comes.
PAGE_DEFAULT, PAGE_MAX = 30, 50
RESERVED_OWNERS, RESERVED_REPOS = {"api", "admin", "user"}, {".", "..", "-"}
NOT_FOUND = "not found"
Names = dict[str, str]


class Refused(Exception):
    """An answer that is no success. A message of None is an answer without a body."""

    def __init__(self, status: int, message: str | None, **more: Any) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        # 404 has `errors`, which are null where there are none.
        self.more = {"errors": None, **more} if status == 404 else more


class Answers:
    """The server's state. Numbers and ids differ, so that taking one for the other shows."""

    url: str

    def __init__(self) -> None:
        self.orgs = {"lab"}
        self.orgs_of_bot: set[str] = set()
        self.users = {"bot", "bob"}
        # Users that may not write in others' repositories.
        self.strangers: set[str] = set()
        self.admins = {"bot"}
        self.labels: dict[str, list[dict[str, Any]]] = {
            "lab/api": [shapes.label(71, "bug"), shapes.label(72, "later")],
        }
        self.org_labels = {"lab": [shapes.label(90, "team")]}
        self.issues: dict[str, list[dict[str, Any]]] = {"lab/api": [], "bob/site": []}
        self.comments: dict[str, list[dict[str, Any]]] = {}
        self.reviews: dict[tuple[str, int], list[dict[str, Any]]] = {}
        self.line_comments: dict[int, list[dict[str, Any]]] = {}
        self.releases: dict[str, list[dict[str, Any]]] = {}
        self.branches: dict[str, dict[str, str]] = {}
        # The pull request of each commit.
        self.pulls_by_commit: dict[str, tuple[str, int]] = {}
        self.archived: set[str] = set()
        self.empty: set[str] = set()
        self.private: set[str] = set()
        self.without_issues: set[str] = set()
        self.renamed: dict[str, str] = {}
        self.repo_ids: dict[str, int] = {}
        # When organisations and repositories were made.
        self.made: dict[str, str] = {}
        # Numbers of issues that can't be closed, or not be commented on by strangers.
        self.blocked: set[int] = set()
        self.locked: set[int] = set()
        # The acting user: the token's, or the one that `Sudo` names.
        self.acting = "bot"
        # An issue was closed.
        self.closed = threading.Event()
        # Seconds that the server's clock is ahead of ours.
        self.clock_ahead = 0.0
        # Ends a number of issues and comments, like a database's.
        self._ids = 5000
        self._lock = threading.Lock()

    def now(self) -> str:
        """The server's time as Gitea writes it, to the second."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.clock_ahead))

    def page(self, entries: list[Any], query: Names) -> tuple[list[Any], dict[str, str]]:
        """One page as Gitea cuts it, and its headers."""
        limit = min(int(query.get("limit", 0)) or PAGE_DEFAULT, PAGE_MAX)
        start = (max(int(query.get("page", 1)), 1) - 1) * limit
        headers = {"X-Total-Count": str(len(entries))}
        # With the server's own address, which may differ from the requested one.
        links = ["next", "last"] if start + limit < len(entries) else []
        links += ["first", "prev"] if start > 0 else []
        if links:
            headers["Link"] = ",".join(f'<http://gitea.invalid/api/v1/next?page=2>; rel="{rel}"' for rel in links)
        return entries[start : start + limit], headers

    def without_link(self, entries: list[Any], query: Names) -> tuple[list[Any], dict[str, str]]:
        """Some lists name no next page."""
        rows, headers = self.page(entries, query)
        return rows, {"X-Total-Count": headers["X-Total-Count"]}

    def name_of(self, names: Names) -> str:
        """The repository that a path names, where whoever asks may see it."""
        owner, full = names["owner"], f"{names['owner']}/{names['repo']}"
        if owner not in self.orgs | self.users:
            raise Refused(404, "GetUserByName", errors=[f"user redirect does not exist [name: {owner}]"])
        is_hidden = full in self.private and self.acting != owner
        if full not in self.issues or is_hidden:
            raise Refused(404, NOT_FOUND)
        return full

    def held(self, names: Names, *, archived: int | None = None) -> tuple[str, list[dict[str, Any]]]:
        """A repository's issues, where it has any to show."""
        full = self.name_of(names)
        if full in self.without_issues:
            raise Refused(404, NOT_FOUND)
        if archived and full in self.archived:
            raise Refused(archived, f"{full} is archived")
        return full, self.issues[full]

    def issue_of(self, names: Names, missing: int = 404, archived: int | None = None) -> dict[str, Any]:
        """The issue that a path names; Gitea's comments answer 500 where there is none."""
        for issue in self.held(names, archived=archived)[1]:
            if str(issue["number"]) == names["index"]:
                return issue
        raise Refused(missing, NOT_FOUND if missing == 404 else "")

    def may_write(self) -> bool:
        """True if the acting user may change others' content."""
        return self.acting not in self.strangers

    def next_id(self) -> int:
        """A number that no other thing has."""
        with self._lock:
            self._ids += 1
            return self._ids

    # Each answers a status and a body.

    def version(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        return 200, {"version": "1.26.3"}

    def me(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        return 200, shapes.user(self.acting)

    def user(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        if names["user"] not in self.users | self.orgs:
            raise Refused(404, "GetUserByName", errors=[f"user redirect does not exist [name: {names['user']}]"])
        made = {"created": self.made[names["user"]]} if names["user"] in self.made else {}
        return 200, shapes.user(names["user"]) | made

    def organisation(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        self._org(names["org"])
        return 200, shapes.organisation(names["org"])

    def _repository(self, full: str) -> dict[str, Any]:
        values = {"empty": full in self.empty, "private": full in self.private, "archived": full in self.archived}
        number = self.repo_ids.setdefault(full, 700 + len(self.repo_ids))
        shape = shapes.repository(full, self.url, id=number, has_issues=full not in self.without_issues, **values)
        shape["created_at"] = self.made.get(full, shape["created_at"])
        if full in self.without_issues:
            del shape["internal_tracker"]
        return shape

    def repository(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        return 200, self._repository(self.name_of(names))

    def repository_by_id(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        for full, number in self.repo_ids.items():
            if str(number) == names["id"] and full in self.issues:
                return 200, self._repository(full)
        raise Refused(404, NOT_FOUND)

    def search(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        rows, headers = self.page([self._repository(full) for full in sorted(self.issues)], query)
        return 200, ({"ok": True, "data": rows}, headers)

    def org_repos(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        self._org(names["org"])
        return 200, self.page(self._of(names["org"]), query)

    def user_repos(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        self.user(names, query, body)
        return 200, self.page(self._of(names["user"]), query)

    def my_repos(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        # Repositories of a user's organisations are the user's too.
        own = [one for owner in ("bot", *sorted(self.orgs_of_bot)) for one in self._of(owner)]
        return 200, self.page(own, query)

    def _of(self, owner: str) -> list[dict[str, Any]]:
        return [self._repository(full) for full in sorted(self.issues) if full.startswith(owner + "/")]

    def labels_of_org(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        self._org(names["org"])
        return 200, self.without_link(self.org_labels.get(names["org"], []), query)

    def labels_of_repo(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        return 200, self.without_link(self.labels.get(self.name_of(names), []), query)

    def branches_of(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        found = self.branches.get(self.name_of(names), {})
        return 200, self.page([{"name": name, "commit": {"id": sha}} for name, sha in found.items()], query)

    def releases_of(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        return 200, self.page(self.releases.get(self.name_of(names), [])[::-1], query)

    def new_repo(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        owner = names.get("org", "bot")
        if "org" in names:
            self._org(owner)
            if not self.may_write():
                raise Refused(403, "User is not allowed to create repositories in this organization.")
        if body["name"] in RESERVED_REPOS:
            raise Refused(500, "")
        full = f"{owner}/{body['name']}"
        if full in self.issues:
            raise Refused(409, "The repository with the same name already exists.")
        self.issues[full] = []
        self.empty.add(full)
        self.made[full] = self.now()
        if body.get("private"):
            self.private.add(full)
        return 201, self._repository(full)

    def new_org(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        name = body["username"]
        if name in self.orgs | self.users:
            raise Refused(422, f"user already exists [name: {name}]")
        if name in RESERVED_OWNERS:
            raise Refused(422, f"name is reserved [name: {name}]")
        if " " in name:
            raise Refused(422, "[UserName]: invalid username")
        self.orgs.add(name)
        self.orgs_of_bot.add(name)
        self.made[name] = self.now()
        return 201, shapes.organisation(name, description=body.get("description", ""))

    def list_issues(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        state, since = query.get("state", "open"), query.get("since", "")
        found = [one for one in self.held(names)[1] if state in ("all", one["state"]) and one["updated_at"] >= since]
        if query.get("type") == "issues":
            found = [one for one in found if not one["pull_request"]]
        return 200, self.page(found[::-1], query)

    def new_issue(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        full, held = self.held(names, archived=423)
        if not all(isinstance(one, int) for one in body.get("labels", [])):
            raise Refused(422, "json: cannot unmarshal string into Go struct field .labels of type int64")
        labels, assignees = body.get("labels", []), body.get("assignees", [])
        for name in assignees if self.may_write() else []:
            if name not in self.users:
                said = f"Assignee does not exist: [name: user does not exist [uid: 0, name: {name}]]"
                raise Refused(422, said)
        if not self.may_write():
            labels, assignees = [], []
        known = [*self.labels.get(full, []), *self.org_labels.get(names["owner"], [])]
        with self._lock:
            number, now = len(held) + 1, self.now()
            issue = shapes.issue(
                full,
                number,
                self.url,
                id=5000 + number,
                title=shapes.shown_title(body["title"]),
                body=body.get("body", ""),
                state="open",
                user=shapes.user(self.acting),
                labels=[label for label in known if label["id"] in labels],
                comments=0,
                created_at=now,
                updated_at=now,
                **self._assigned(assignees),
            )
            held.append(issue)
        return 201, issue

    def new_pull(self, full: str, title: str, *, sha: str = "d" * 40) -> dict[str, Any]:
        """A pull request, which can't be made through the hub."""
        names = dict(zip(("owner", "repo"), full.split("/"), strict=True))
        issue: dict[str, Any] = self.new_issue(names, {}, {"title": title})[1]
        issue["pull_request"] = {"merged": False, "merged_at": None, "draft": False, "html_url": ""}
        issue["html_url"] = f"{self.url}/{full}/pulls/{issue['number']}"
        self.pulls_by_commit[sha] = (full, issue["number"])
        return issue

    def _assigned(self, logins: list[str]) -> dict[str, Any]:
        users = [shapes.user(login) for login in logins]
        return {"assignee": users[0] if users else None, "assignees": users or None}

    def issue(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        return 200, self.issue_of(names)

    def edit_issue(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        issue = self.issue_of(names)
        if not self.may_write() and issue["user"]["login"] != self.acting:
            raise Refused(403, None)
        if issue["number"] in self.blocked and body.get("state") == "closed":
            raise Refused(412, "cannot close this issue or pull request because it still has open dependencies")
        if body.get("state", "open") not in ("open", "closed"):
            raise Refused(412, f"unknown state: {body.get('state')}")
        if "assignees" in body and self.may_write():
            if not set(body["assignees"]) <= self.users:
                raise Refused(500, "")
            issue |= self._assigned(body["assignees"])
        if body.get("title"):
            issue["title"] = shapes.shown_title(body["title"])
        issue |= {name: body[name] for name in ("state", "body") if name in body}
        issue["updated_at"] = self.now()
        issue["closed_at"] = issue["updated_at"] if issue["state"] == "closed" else None
        if issue["state"] == "closed":
            self.closed.set()
        return 201, issue

    def comments_of(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        issue = self.issue_of(names, missing=500)
        held = self.comments.get(self.name_of(names), [])
        found = [one for one in held if _is_on(one, issue) and one["updated_at"] >= query.get("since", "")]
        return 200, (found, {"X-Total-Count": str(len(found))})

    def comments_since(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        full, _ = self.held(names)
        found = [one for one in self.comments.get(full, []) if one["updated_at"] >= query.get("since", "")]
        return 200, self.page(found, query)

    def comment(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        issue = self.issue_of(names, missing=500, archived=423)
        if issue["number"] in self.locked and not self.may_write():
            raise Refused(403, "You cannot comment on a locked issue.")
        if not body.get("body"):
            raise Refused(422, "[Body]: Required")
        now = self.now()
        values = {"body": body["body"], "user": shapes.user(self.acting), "created_at": now, "updated_at": now}
        made = shapes.comment(self.next_id() + 3000, issue, **values)
        issue["comments"] += 1
        issue["updated_at"] = now
        self.comments.setdefault(self.name_of(names), []).append(made)
        return 201, made

    def add_labels(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        issue = self.issue_of(names)
        if not self.may_write():
            raise Refused(403, "write permission is required")
        known = [*self.labels.get(self.name_of(names), []), *self.org_labels.get(names["owner"], [])]
        new = [label for label in known if label["id"] in body["labels"] and label not in issue["labels"]]
        issue["labels"] = [*issue["labels"], *new]
        return 200, issue["labels"]

    def pulls(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        full = self.name_of(names)
        if full in self.empty:
            raise Refused(404, NOT_FOUND)
        state = query.get("state", "open")
        found = [one for one in self.issues[full] if one["pull_request"] and state in ("all", one["state"])]
        sizes = {"additions", "deletions", "changed_files"}
        rows = [{key: value for key, value in shapes.pull(one).items() if key not in sizes} for one in found]
        return 200, self.page(rows, query)

    def pull(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        full = self.name_of(names)
        for issue in self.issues[full]:
            if str(issue["number"]) == names["index"] and issue["pull_request"]:
                return 200, shapes.pull(issue)
        raise Refused(404, NOT_FOUND)

    def pull_of_commit(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        full, number = self.pulls_by_commit.get(names["sha"], ("", 0))
        if full != self.name_of(names):
            raise Refused(404, NOT_FOUND)
        return self.pull({**names, "index": str(number)}, query, body)

    def reviews_of(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        self.pull(names, query, body)
        return 200, self.page(self.reviews.get((self.name_of(names), int(names["index"])), []), query)

    def review_comments(self, names: Names, query: Names, body: Any) -> tuple[int, Any]:
        self.pull(names, query, body)
        return 200, self.line_comments.get(int(names["review"]), [])

    def _org(self, name: str) -> None:
        if name not in self.orgs:
            raise Refused(404, "GetOrgByName", errors=[f"user redirect does not exist [name: {name}]"])


def _is_on(comment: dict[str, Any], issue: dict[str, Any]) -> bool:
    return issue["html_url"] in (comment["issue_url"], comment["pull_request_url"])
