"""Calls to Gitea, made by the hub with its own token (docs/gitea.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Literal, Protocol, TypeAlias, overload

from orochi.exceptions import GiteaError, RequestRefused
from orochi.models import Message

__all__ = ["Gitea", "GiteaAttribute", "Labels"]

# As the hub's answer to a call may take its whole 10 s.
_TIMEOUT = 30.0
_Ask = Callable[[str, dict[str, Any], float | None], Awaitable[dict[str, Any]]]
_Row = dict[str, Any]
State: TypeAlias = Literal["open", "closed", "all"]


class Labels(list[_Row]):
    """All labels that an issue has; ``labels_dropped`` are the ids that were asked for and that Gitea left out."""

    def __init__(self, labels: Iterable[_Row] = (), labels_dropped: Iterable[int] = ()) -> None:
        super().__init__(labels)
        self.labels_dropped = list(labels_dropped)


class Gitea:
    """``client.gitea``: typed methods for the actions, and ``client.gitea(action, params)`` for any of them.

    Each returns Gitea's own JSON; what Gitea left out without a word stands in it as ``labels_dropped``,
    ``assignees_dropped`` and ``title_cut`` (docs/gitea.md). Each raises :class:`orochi.GiteaError`, whose ``status``
    and ``detail`` are Gitea's own where Gitea refused, and :class:`orochi.RequestRefused` for what can't be asked, such
    as an unknown label.

    What makes something (an issue, a comment, a repository, an organisation) is made once, also where the connection is
    lost in between. ``about`` is the message on which an issue or a comment is made: its text then ends with the
    channel, and a link where the hub knows its own address.
    """

    def __init__(self, ask: _Ask) -> None:
        self._ask = ask

    async def __call__(self, action: str, params: _Row | None = None, *, timeout: float | None = _TIMEOUT) -> Any:
        """Any action by its name, as 0.1.0 has it; ``timeout`` in seconds, None waits for ever."""
        try:
            answer = await self._ask("gitea", {"action": action, "params": params or {}}, timeout)
        except RequestRefused as refused:
            if not refused.code.startswith("GITEA_"):
                raise
            raise GiteaError(refused.code, refused.detail, refused.retry_after, refused.status) from None
        return answer.get("result")

    async def create_issue(
        self,
        owner: str,
        repo: str,
        title: str,
        *,
        body: str = "",
        labels: Sequence[str | int] = (),
        assignees: Sequence[str] = (),
        about: Message | None = None,
    ) -> _Row:
        """Opens an issue; labels are names or Gitea's ids, assignees login names. ``number`` of the result names it."""
        more = {"title": title, "body": body, "labels": list(labels), "assignees": list(assignees), **_about(about)}
        issue: _Row = await self("create_issue", _place(owner, repo, **more))
        return issue

    async def get_issue(self, owner: str, repo: str, number: int) -> _Row:
        """One issue or pull request."""
        issue: _Row = await self("get_issue", _place(owner, repo, issue_number=number))
        return issue

    async def list_issues(self, owner: str, repo: str, *, state: State = "open") -> list[_Row]:
        """All issues of a repository in this state, newest first, without pull requests."""
        issues: list[_Row] = await self("list_issues", _place(owner, repo, state=state))
        return issues

    async def edit_issue(
        self, owner: str, repo: str, number: int, *, title: str | None = None, body: str | None = None
    ) -> _Row:
        """Gives an issue another title or text; what is None stays."""
        issue: _Row = await self("edit_issue", _place(owner, repo, issue_number=number, title=title, body=body))
        return issue

    async def close_issue(self, owner: str, repo: str, number: int) -> _Row:
        """Closes an issue; one that is closed stays so."""
        issue: _Row = await self("close_issue", _place(owner, repo, issue_number=number))
        return issue

    async def reopen_issue(self, owner: str, repo: str, number: int) -> _Row:
        """Opens a closed issue again."""
        issue: _Row = await self("reopen_issue", _place(owner, repo, issue_number=number))
        return issue

    async def assign(self, owner: str, repo: str, number: int, assignees: Sequence[str]) -> _Row:
        """Makes these users, and no others, the issue's assignees."""
        issue: _Row = await self("assign", _place(owner, repo, issue_number=number, assignees=list(assignees)))
        return issue

    async def add_labels(self, owner: str, repo: str, number: int, labels: Sequence[str | int]) -> Labels:
        """Adds labels, by name or Gitea's id; all that the issue has then. An id that is no label is told in the
        result's ``labels_dropped``.
        """
        held: Any = await self("add_labels", _place(owner, repo, issue_number=number, labels=list(labels)))
        # The hub answers with Gitea's list, or with an object where Gitea left something out.
        return Labels(held["labels"], held["labels_dropped"]) if isinstance(held, dict) else Labels(held)

    async def list_labels(self, owner: str, repo: str) -> list[_Row]:
        """A repository's own labels."""
        labels: list[_Row] = await self("list_labels", _place(owner, repo))
        return labels

    async def add_comment(self, owner: str, repo: str, number: int, body: str, *, about: Message | None = None) -> _Row:
        """Comments on an issue or a pull request."""
        more = {"issue_number": number, "body": body, **_about(about)}
        comment: _Row = await self("add_comment", _place(owner, repo, **more))
        return comment

    async def list_comments(self, owner: str, repo: str, number: int) -> list[_Row]:
        """All comments on an issue or a pull request, oldest first."""
        comments: list[_Row] = await self("list_comments", _place(owner, repo, issue_number=number))
        return comments

    async def list_pulls(self, owner: str, repo: str, *, state: State = "open") -> list[_Row]:
        """All pull requests of a repository in this state."""
        pulls: list[_Row] = await self("list_pulls", _place(owner, repo, state=state))
        return pulls

    async def get_pull(self, owner: str, repo: str, number: int) -> _Row:
        """One pull request."""
        pull: _Row = await self("get_pull", _place(owner, repo, issue_number=number))
        return pull

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

    async def list_my_repos(self) -> list[_Row]:
        """The repositories of the token's own user."""
        repos: list[_Row] = await self("list_my_repos")
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


def _about(message: Message | None) -> _Row:
    if message is None:
        return {}
    # A direct message is in no channel.
    channel = message.channel if message.channel.startswith("#") else None
    return {"channel": channel, "seq": message.seq}
