"""A stand-in for a Gitea server, which can't be had in tests: strict in what it takes, Gitea's in what it answers.

Written from Gitea's published API description and the behaviour of its handlers (1.26): a method, path, parameter,
header or body key that Gitea does not have is a fault of the hub: it is refused with 400, and kept in
:attr:`Gitea.faults`, which the test's end looks at.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

__all__ = ["TOKEN", "Gitea", "Trouble"]

TOKEN = "0123456789abcdef0123456789abcdef01234567"
# Gitea's limits, as it comes.
PAGE_DEFAULT, PAGE_MAX = 30, 50


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
# What a request of the hub may carry; Gitea would overlook others, but none has a reason to be there.
HEADERS = frozenset({"host", "authorization", "accept", "content-type", "content-length", "sudo"})
ISSUE = {"title": str, "body": str, "labels": list, "assignees": list}
ROUTES = [
    Route("GET", "/version", "version"),
    Route("GET", "/repos/search", "search", PAGED),
    Route("GET", "/orgs/{org}/repos", "org_repos", PAGED),
    Route("GET", "/orgs/{org}/labels", "org_labels", PAGED),
    Route("POST", "/user/repos", "new_repo", body={"name": str, "private": bool}, required=frozenset({"name"})),
    Route("POST", "/orgs/{org}/repos", "new_repo", body={"name": str, "private": bool}, required=frozenset({"name"})),
    Route(
        "POST",
        "/orgs",
        "new_org",
        body={"username": str, "description": str, "visibility": str},
        required=frozenset({"username"}),
    ),
    Route("GET", "/repos/{owner}/{repo}/labels", "labels", PAGED),
    Route("GET", "/repos/{owner}/{repo}/issues", "issues", PAGED | {"state", "type"}),
    Route("POST", "/repos/{owner}/{repo}/issues", "new_issue", body=ISSUE, required=frozenset({"title"})),
    Route("GET", "/repos/{owner}/{repo}/issues/{index}", "issue"),
    Route(
        "PATCH",
        "/repos/{owner}/{repo}/issues/{index}",
        "edit_issue",
        body={"state": str, "title": str, "body": str, "assignees": list},
    ),
    Route("GET", "/repos/{owner}/{repo}/issues/{index}/comments", "comments"),
    Route("POST", "/repos/{owner}/{repo}/issues/{index}/labels", "add_labels", body={"labels": list}),
    Route("GET", "/repos/{owner}/{repo}/pulls", "pulls", PAGED | {"state"}),
    Route("GET", "/repos/{owner}/{repo}/pulls/{index}", "pull"),
    Route("GET", "/user/repos", "my_repos", PAGED),
    Route("POST", "/repos/{owner}/{repo}/issues/{index}/comments", "comment", body={"body": str}),
]


@dataclass
class Trouble:
    """What the server does instead of answering: to every request, or to those with this method."""

    kind: str
    method: str | None = None


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str | None) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message


class Gitea:
    """The server and what it holds. Numbers and ids differ, so that taking one for the other shows."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.faults: list[str] = []
        self.requests: list[str] = []
        # What was answered: method, path below /api/v1, query, body.
        self.taken: list[tuple[str, str, dict[str, str], Any]] = []
        self.trouble: Trouble | None = None
        # Of a server that hangs or is slow: a request is there, and they may all go on.
        self.arrived = threading.Event()
        self.released = threading.Event()
        # An issue was closed.
        self.closed = threading.Event()
        self.orgs = {"lab"}
        self.labels = {"lab/api": [{"id": 71, "name": "bug"}, {"id": 72, "name": "later"}]}
        self.org_labels = {"lab": [{"id": 90, "name": "team"}]}
        self.issues: dict[str, list[dict[str, Any]]] = {"lab/api": [], "bob/site": []}
        self.archived: set[str] = set()
        self.users = {"bot", "bob"}
        # Who did it: the token's user, or whom `Sudo` names.
        self.acting = "bot"
        self.blocked: set[int] = set()
        self._server = _Server(self)
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)

    @property
    def url(self) -> str:
        """What `GITEA_URL` is to be."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Gitea:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def page(self, entries: list[Any], query: dict[str, str]) -> tuple[list[Any], dict[str, str]]:
        """One page as Gitea cuts it, and its headers."""
        limit = min(int(query.get("limit", 0)) or PAGE_DEFAULT, PAGE_MAX)
        start = (max(int(query.get("page", 1)), 1) - 1) * limit
        headers = {"X-Total-Count": str(len(entries))}
        if start + limit < len(entries):
            # With the server's own idea of its address, which need not be the one that was asked.
            headers["Link"] = '<http://gitea.invalid/api/v1/next?page=2>; rel="next"'
        return entries[start : start + limit], headers

    def repo(self, owner: str, repo: str) -> list[dict[str, Any]]:
        """A repository's issues."""
        found = self.issues.get(f"{owner}/{repo}")
        if found is None:
            raise Refused(404, "The target couldn't be found.")
        return found

    def issue_of(self, names: dict[str, str], missing: int = 404) -> dict[str, Any]:
        """The issue that a path names; Gitea's comments answer 500 where there is none."""
        for issue in self.repo(names["owner"], names["repo"]):
            if str(issue["number"]) == names["index"]:
                return issue
        raise Refused(missing, "issue does not exist" if missing == 404 else "")

    # Each answers a status and a body.

    def version(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        return 200, {"version": "1.26.3"}

    def search(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        rows, headers = self.page([{"full_name": name} for name in sorted(self.issues)], query)
        return 200, ({"ok": True, "data": rows}, headers)

    def org_repos(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        self._org(names["org"])
        own = [{"full_name": name} for name in sorted(self.issues) if name.startswith(names["org"] + "/")]
        return 200, self.page(own, query)

    def org_labels_(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        self._org(names["org"])
        return 200, self.page(self.org_labels.get(names["org"], []), query)

    def labels_(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        self.repo(names["owner"], names["repo"])
        rows, headers = self.page(self.labels.get(f"{names['owner']}/{names['repo']}", []), query)
        # This list alone names no next page.
        return 200, (rows, {"X-Total-Count": headers["X-Total-Count"]})

    def new_repo(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        owner = names.get("org", "bot")
        if "org" in names:
            self._org(owner)
        name = f"{owner}/{body['name']}"
        if name in self.issues:
            raise Refused(409, "The repository with the same name already exists.")
        self.issues[name] = []
        return 201, {"full_name": name, "private": body.get("private", False)}

    def new_org(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        if body["username"] in self.orgs:
            raise Refused(422, f"user already exists [name: {body['username']}]")
        self.orgs.add(body["username"])
        return 201, {"username": body["username"], "description": body.get("description", "")}

    def issues_(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        state = query.get("state", "open")
        found = [one for one in self.repo(names["owner"], names["repo"]) if state in ("all", one["state"])]
        if query.get("type") != "issues":
            found.append({"number": 999, "title": "a pull request", "state": "open", "pull_request": {}})
        return 200, self.page(found[::-1], query)

    def new_issue(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        held = self.repo(names["owner"], names["repo"])
        name = f"{names['owner']}/{names['repo']}"
        if name in self.archived:
            raise Refused(423, f"{name} is archived")
        if not all(isinstance(one, int) for one in body.get("labels", [])):
            raise Refused(422, "json: cannot unmarshal string into Go struct field .labels of type int64")
        known = [*self.labels.get(name, []), *self.org_labels.get(names["owner"], [])]
        number = len(held) + 1
        issue = {
            "id": 5000 + number,
            "number": number,
            "html_url": f"{self.url}/{name}/issues/{number}",
            "title": body["title"],
            "body": body.get("body", ""),
            "state": "open",
            "user": {"login": self.acting},
            "assignees": [{"login": name} for name in body.get("assignees", [])],
            "labels": [label for label in known if label["id"] in body.get("labels", [])],
            "comments": 0,
        }
        held.append(issue)
        return 201, issue

    def issue(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        return 200, self.issue_of(names)

    def edit_issue(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        issue = self.issue_of(names)
        if issue["number"] in self.blocked:
            raise Refused(412, "cannot close this issue or pull request because it still has open dependencies")
        if body.get("state", "open") not in ("open", "closed"):
            raise Refused(412, f"unknown state: {body.get('state')}")
        issue.update(body)
        if issue["state"] == "closed":
            self.closed.set()
        return 201, issue

    def comments(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        return 200, [{"id": 8000 + n} for n in range(self.issue_of(names)["comments"])]

    def add_labels(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        issue = self.issue_of(names)
        known = self.labels.get(f"{names['owner']}/{names['repo']}", [])
        issue["labels"] += [label for label in known if label["id"] in body["labels"]]
        return 200, issue["labels"]

    def pulls(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        self.repo(names["owner"], names["repo"])
        return 200, self.page([{"number": 999, "title": "a pull request"}], query)

    def pull(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        if names["index"] != "999":
            raise Refused(404, "The target couldn't be found.")
        return 200, {"number": 999, "title": "a pull request"}

    def my_repos(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        return 200, self.page([{"full_name": name} for name in self.issues if name.startswith("bot/")], query)

    def comment(self, names: dict[str, str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        issue = self.issue_of(names, missing=500)
        if not body.get("body"):
            raise Refused(422, "[Body]: Required")
        issue["comments"] += 1
        return 201, {"id": 8000 + issue["comments"], "body": body["body"], "user": {"login": self.acting}}

    def _org(self, name: str) -> None:
        if name not in self.orgs:
            raise Refused(404, "The target couldn't be found.")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, gitea: Gitea) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.gitea = gitea


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def gitea(self) -> Gitea:
        """What the server holds."""
        assert isinstance(self.server, _Server)
        return self.server.gitea

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.gitea.requests.append(f"{self.command} {self.path}")
        trouble = self.gitea.trouble
        if trouble is not None and trouble.method in (None, self.command):
            if trouble.kind != "slow":
                TROUBLES[trouble.kind](self, self.gitea)
                return
            self.gitea.arrived.set()
            self.gitea.released.wait(60)
        try:
            status, answer = self._answer(raw)
            body, headers = answer if isinstance(answer, tuple) else (answer, {})
        except Refused as refused:
            status, headers = refused.status, {}
            body = {"message": refused.message, "url": f"{self.gitea.url}/api/swagger"}
        self._send(status, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})

    def _answer(self, raw: bytes) -> tuple[int, Any]:
        address = urlsplit(self.path)
        if self.headers.get("Authorization") != f"token {TOKEN}":
            raise Refused(401, "invalid username, password or token")
        self._headers()
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        path = address.path.removeprefix("/api/v1")
        for route in ROUTES:
            names = route.match(self.command, path)
            if names is not None:
                body = self._body(route, raw)
                self.gitea.taken.append((self.command, path, query, body))
                if unknown := query.keys() - route.query:
                    raise self._fault(f"{self.command} {path} has no parameters {unknown}")
                answer = getattr(self.gitea, route.answer + "_", None) or getattr(self.gitea, route.answer)
                return answer(names, query, body)  # type: ignore[no-any-return]
        raise self._fault(f"Gitea has no {self.command} {self.path}")

    def _fault(self, what: str) -> Refused:
        self.gitea.faults.append(what)
        return Refused(400, what)

    def _headers(self) -> None:
        if unknown := {name.lower() for name in self.headers} - HEADERS:
            raise self._fault(f"{self.command} {self.path} was sent with {unknown}")
        self.gitea.acting = self.headers.get("Sudo", "bot")
        if self.gitea.acting not in self.gitea.users:
            raise Refused(404, f"user does not exist [name: {self.gitea.acting}]")

    def _body(self, route: Route, raw: bytes) -> Any:
        if not route.body:
            if raw:
                raise self._fault(f"{route.method} {route.path} takes no body")
            return None
        if self.headers.get("Content-Type") != "application/json":
            raise self._fault(f"{route.path}: Content-Type is {self.headers.get('Content-Type')}")
        body = json.loads(raw)
        for name, value in body.items():
            if name not in route.body or not isinstance(value, route.body[name]):
                raise self._fault(f"{route.method} {route.path} does not take {name}={value!r}")
        for name in route.required:
            if not body.get(name):
                raise Refused(422, f"[{name.title()}]: Required")
        return body

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _said(status: int, message: str, **headers: str) -> Callable[[Any, Gitea], None]:
    def answer(handler: Any, gitea: Gitea) -> None:
        body = json.dumps({"message": message}).encode() if message else b""
        handler._send(status, body, {name.replace("_", "-"): value for name, value in headers.items()})

    return answer


def _drop(handler: Any, gitea: Gitea) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def _hang(handler: Any, gitea: Gitea) -> None:
    gitea.released.wait(60)
    _drop(handler, gitea)


def _truncated(handler: Any, gitea: Gitea) -> None:
    handler._send(200, b'{"version": "1.', {"Content-Type": "application/json"})


def _huge(handler: Any, gitea: Gitea) -> None:
    handler._send(200, b'{"version": "' + b"x" * 20_500_000 + b'"}', {"Content-Type": "application/json"})


def _html(handler: Any, gitea: Gitea) -> None:
    handler._send(502, b"<html><h1>Bad Gateway</h1></html>", {"Content-Type": "text/html"})


TROUBLES: dict[str, Callable[[Any, Gitea], None]] = {
    "drop": _drop,
    "hang": _hang,
    "truncated": _truncated,
    "huge": _huge,
    "html": _html,
    "redirect": _said(301, "", Location="http://elsewhere.invalid/api/v1/version"),
    "limited": _said(429, "too many", Retry_After="7"),
    "silent 403": _said(403, ""),
    "echo": _said(500, f"the token {TOKEN} is odd"),
}
