"""A stand-in for a Gitea server, which tests can't have: strict about requests, with Gitea's own answers.

It is held against the recording of a real one (test_recorded.py). A method, path, parameter,
header or body key that Gitea does not have is a fault of the hub: it is refused with 400, and kept in
:attr:`Gitea.faults`, which the test's end looks at.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.gitea.standin_answers import Refused
from tests.gitea.standin_hooks import Prepared
from tests.gitea.standin_routes import HEADERS, PREPARING, ROUTES, SCRIPT_HEADERS, Route

__all__ = ["TOKEN", "Gitea", "Trouble"]

TOKEN = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Trouble:
    """A fault in place of an answer: for every request, or for those with this method and end of the path."""

    kind: str
    method: str | None = None
    path: str = ""


class NoRoute(Exception):
    """Gitea has no such address."""


class Moved(Exception):
    """The repository has another name."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Gitea(Prepared):
    """The server: its contents, its received requests, and its faults."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.requests: list[str] = []
        # Answered requests: method, path below /api/v1, query, body.
        self.taken: list[tuple[str, str, dict[str, str], Any]] = []
        # The user of each token, and true if the token is read-only.
        self.tokens = {TOKEN: ("bot", False)}
        self.trouble: Trouble | None = None
        # Of a server that hangs or is slow: a request is there, and they may all go on.
        self.arrived = threading.Event()
        self.released = threading.Event()
        self._server = _Server(self)
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)

    @property
    def url(self) -> str:  # type: ignore[override]
        """The value for `GITEA_URL`."""
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, gitea: Gitea) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.gitea = gitea


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def gitea(self) -> Gitea:
        """The server's contents."""
        assert isinstance(self.server, _Server)
        return self.server.gitea

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET

    def _serve(self) -> None:
        raw = self.raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.gitea.requests.append(f"{self.command} {self.path}")
        trouble = self.gitea.trouble
        is_hit = trouble is not None and trouble.method in (None, self.command)
        if trouble is not None and is_hit and urlsplit(self.path).path.endswith(trouble.path):
            if trouble.kind != "slow":
                TROUBLES[trouble.kind](self, self.gitea)
                return
            self.gitea.arrived.set()
            self.gitea.released.wait(60)
        try:
            status, answer = self._answer(raw)
            body, headers = answer if isinstance(answer, tuple) else (answer, {})
        except NoRoute:
            self._send(404, b"404 page not found\n", {"Content-Type": "text/plain; charset=utf-8"})
            return
        except Moved as moved:
            self._move(moved.path)
            return
        except Refused as refused:
            status, headers = refused.status, {}
            body = {"message": refused.message, "url": f"{self.gitea.url}/api/swagger", **refused.more}
            body = {name: value for name, value in body.items() if name != "url" or value is not None}
            if refused.message is None:
                self._send(status, b"", {})
                return
        self._send(status, json.dumps(body).encode(), {"Content-Type": "application/json;charset=utf-8", **headers})

    def _move(self, path: str) -> None:
        if self.command == "GET":
            page = f'<a href="{path}">Moved Permanently</a>.\n\n'.encode()
            self._send(301, page, {"Content-Type": "text/html; charset=utf-8", "Location": path})
        else:
            self._send(301, b"", {"Location": path})

    def _answer(self, raw: bytes) -> tuple[int, Any]:
        address = urlsplit(self.path)
        self._identify()
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        path = address.path.removeprefix("/api/v1")
        for route in ROUTES + PREPARING if self._is_script() else ROUTES:
            names = route.match(self.command, path)
            if names is not None:
                self._follow(names)
                body = self._body(route, raw)
                self.gitea.taken.append((self.command, path, query, body))
                if unknown := query.keys() - route.query:
                    raise self._fault(f"{self.command} {path} has no parameters {unknown}")
                return getattr(self.gitea, route.answer)(names, query, body)  # type: ignore[no-any-return]
        self._fault(f"Gitea has no {self.command} {self.path}")
        raise NoRoute

    def _fault(self, what: str) -> Refused:
        self.gitea.faults.append(what)
        return Refused(400, what)

    def _is_script(self) -> bool:
        """True if a Python program sent the request, not the hub."""
        return str(self.headers.get("User-Agent", "")).startswith("Python-")

    def _identify(self) -> None:
        known = SCRIPT_HEADERS if self._is_script() else HEADERS
        if unknown := {name.lower() for name in self.headers} - known:
            raise self._fault(f"{self.command} {self.path} was sent with {unknown}")
        authorization = self.headers.get("Authorization")
        if authorization is None:
            raise Refused(401, "token is required")
        user, only_reads = self.gitea.tokens.get(authorization.removeprefix("token "), ("", False))
        if not user:
            raise Refused(401, "invalid username, password or token")
        self.gitea.acting = self.headers.get("Sudo", user)
        if "Sudo" in self.headers and user not in self.gitea.admins:
            raise Refused(403, "Only administrators allowed to sudo.", url=None)
        if self.gitea.acting not in self.gitea.users:
            raise Refused(404, "not found")
        if only_reads and self.command != "GET":
            said = "token does not have at least one of required scope(s), required=[write:issue], token scope="
            raise Refused(403, said + "read:issue,read:repository")

    def _follow(self, names: dict[str, str]) -> None:
        """Redirects a request for a repository's former name to its present name."""
        former = f"{names.get('owner')}/{names.get('repo')}"
        present = self.gitea.renamed.get(former)
        if present is not None:
            raise Moved(self.path.replace(f"/repos/{former}", f"/repos/{present}", 1))

    def _body(self, route: Route, raw: bytes) -> Any:
        if not route.body:
            if raw:
                raise self._fault(f"{route.method} {route.path} takes no body")
            return None
        if self.headers.get("Content-Type") != "application/json":
            raise self._fault(f"{route.path}: Content-Type is {self.headers.get('Content-Type')}")
        try:
            body = json.loads(raw)
        except ValueError:
            raise Refused(422, "[]: unexpected EOF") from None
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


def _lost(handler: Any, gitea: Gitea) -> None:
    """Does it, and breaks off instead of answering."""
    handler._answer(handler.raw)
    _drop(handler, gitea)


def _hang(handler: Any, gitea: Gitea) -> None:
    gitea.arrived.set()
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
    "lost": _lost,
    "truncated": _truncated,
    "huge": _huge,
    "html": _html,
    "empty": _said(200, ""),
    "redirect": _said(301, "", Location="http://elsewhere.invalid/api/v1/version"),
    "limited": _said(429, "too many", Retry_After="7"),
    "silent 403": _said(403, ""),
    "echo": _said(500, f"the token {TOKEN} is odd"),
}
