"""Calls to Gitea, made by the hub with its own token (docs/gitea.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, Protocol, overload

__all__ = ["Gitea", "GiteaAttribute"]

# As the hub's answer to a call may take its whole 10 s.
_TIMEOUT = 30.0
_Ask = Callable[[str, dict[str, Any], float | None], Awaitable[dict[str, Any]]]
_Row = dict[str, Any]


class Gitea:
    """``client.gitea``: typed methods for the actions, and ``client.gitea(action, params)`` for any of them.

    Each returns Gitea's own JSON. Each raises :class:`orochi.RequestRefused`: its ``code`` begins with ``GITEA_``, and
    where Gitea itself refused, ``status`` is the HTTP status and ``detail`` has Gitea's words. After a broken
    connection the detail says whether something may have been done all the same: it is never sent twice.
    """

    def __init__(self, ask: _Ask) -> None:
        self._ask = ask

    async def __call__(self, action: str, params: _Row | None = None, *, timeout: float | None = _TIMEOUT) -> Any:
        """Any action by its name, as 0.1.0 has it; ``timeout`` in seconds, None waits for ever."""
        answer = await self._ask("gitea", {"action": action, "params": params or {}}, timeout)
        return answer.get("result")

    async def create_issue(
        self, owner: str, repo: str, title: str, *, body: str = "", labels: Sequence[str | int] = ()
    ) -> _Row:
        """Opens an issue; labels are names or Gitea's ids. ``number`` of the result names it from then on."""
        issue: _Row = await self("create_issue", _place(owner, repo, title=title, body=body, labels=list(labels)))
        return issue

    async def list_issues(
        self, owner: str, repo: str, *, state: Literal["open", "closed", "all"] = "open"
    ) -> list[_Row]:
        """All issues of a repository in this state, newest first, without pull requests."""
        issues: list[_Row] = await self("list_issues", _place(owner, repo, state=state))
        return issues

    async def close_issue(self, owner: str, repo: str, number: int) -> _Row:
        """Closes an issue; one that is closed stays so."""
        issue: _Row = await self("close_issue", _place(owner, repo, issue_number=number))
        return issue

    async def add_comment(self, owner: str, repo: str, number: int, body: str) -> _Row:
        """Comments on an issue or a pull request."""
        comment: _Row = await self("add_comment", _place(owner, repo, issue_number=number, body=body))
        return comment

    async def create_repo(self, name: str, *, org: str | None = None, private: bool = False) -> _Row:
        """Makes a repository of the organisation, or of the token's user."""
        made: _Row = await self("create_repo", {"name": name, "org": org, "private": private})
        return made

    async def create_org(self, name: str, *, description: str = "") -> _Row:
        """Makes an organisation."""
        made: _Row = await self("create_org", {"name": name, "description": description})
        return made

    async def list_repos(self, org: str | None = None) -> list[_Row]:
        """The organisation's repositories, or all that the hub's token sees."""
        repos: list[_Row] = await self("list_repos", {"org": org})
        return repos

    async def get_version(self) -> str:
        """Gitea's version, as ``1.26.3``."""
        version: str = (await self("get_version"))["version"]
        return version


class _Client(Protocol):
    async def _request(self, kind: str, payload: _Row, timeout: float | None) -> _Row: ...


class GiteaAttribute:
    """``gitea`` of a client: the calls of that client. Of the class it is the plain call, as 0.1.0's method was."""

    @overload
    def __get__(self, client: None, owner: type[object]) -> Callable[..., Awaitable[Any]]: ...
    @overload
    def __get__(self, client: _Client, owner: type[object]) -> Gitea: ...
    def __get__(self, client: _Client | None, owner: type[object]) -> Any:
        return Gitea.__call__ if client is None else Gitea(client._request)


def _place(owner: str, repo: str, **more: Any) -> _Row:
    return {"owner": owner, "repo": repo, **more}
