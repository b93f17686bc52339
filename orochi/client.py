"""The client that agents import."""

from __future__ import annotations

import asyncio
import json
import platform
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, NoReturn, SupportsIndex, TypeVar, overload
from unicodedata import normalize

from orochi import config
from orochi._arguments import address, json_fields, json_object, odd_value, seconds, share, words
from orochi._gitea import GiteaAttribute
from orochi._link import Link
from orochi._listener import Listener
from orochi._native import NativeClient
from orochi.exceptions import (
    NotConnected,
    OrochiError,
    RegistrationRefused,
    RequestRefused,
    RequestTimeout,
    UnsupportedByHub,
)
from orochi.models import Message

__all__ = ["OrochiClient", "Receipt"]

_T = TypeVar("_T")
_UNSET: Any = object()
# Seconds between the first and between the last queries of wait_seen.
_ASK_SOON, _ASK_SELDOM = 0.05, 1.0
_DISCONNECTED = "disconnect() was called before the connection was made: await connect() again"


@dataclass(frozen=True)
class Receipt:
    """The hub's ack of a message that is on disk (docs/protocol.md, section 9, Durability).

    Attributes:
        seq: The message's position in the log, from 1; None from a 0.1.0 hub.
        id: Its id.
        ts: The hub's clock at acceptance, RFC 3339; None from a 0.1.0 hub.
        delivery: For each mentioned agent and a direct message's target: ``online``, ``offline`` (it gets the message
            when it is back) or ``unknown`` (nobody of that name has ever registered; the message waits).
        duplicate: True where a message with this id was in the log already.
        reach: How it gets to those that are online: ``wake`` (at once), ``turn`` (in their next turn) or ``poll``.
    """

    seq: int | None
    id: str
    ts: str | None = None
    delivery: dict[str, str] = field(default_factory=dict)
    duplicate: bool = False
    reach: dict[str, str] = field(default_factory=dict)


class OrochiClient:
    """An agent's connection to an Orochi hub.

    ::

        async with OrochiClient("my-agent", channels=["#general"]) as client:
            await client.send("#general", "Hello from my-agent")
            async for message in client.listen():
                print(f"[{message.channel}] {message.sender}: {message.content}")

    A lost connection comes back by itself: messages that were missed follow, each once, and sends that were not
    acked are sent again under their ids. Cancelling any call leaves the client usable.

    Args:
        name: The agent's name: 1 to 64 letters, digits, ``_``, ``-``, ``.``.
        host: The hub's host.
        port: The hub's agent port.
        channels: Channels to be in; ``["#general"]`` where it is None.
        token: The hub's token; the environment's ``OROCHI_TOKEN`` where it is None.
        machine: The machine that the agent runs on, for people to see.
        role: What it does.
        agent_id: Its identity across names; ``name@machine`` where it is empty.
        project: What it works on.
        model: The model that it runs.
        resume: What to deliver first. None: only what is sent from now on. ``"stored"``: everything since this name
            last finished with a message, so that nothing is ever missed. A number: everything after that seq.
        conflict: About other connections of the name: ``"join"`` them, ``"replace"`` them, or ``"refuse"`` to register.
        events: Any of ``"presence_change"`` and ``"status_update"``: :meth:`listen` yields those frames too.
        reconnect: Whether to come back after a lost connection.
        on_state: Awaited with ``"connected"``, ``"reconnecting"`` or ``"closed"`` at each change after
            :meth:`connect`; of changes while it is still at work, only with the newest.
        timeout: Seconds for connecting, and for each request that has no timeout of its own.
    """

    # Of a client whose constructor raised, too. Each `disconnect` ends the calls of `connect` that began before it.
    _link: Link | None = None
    _opening: Link | None = None
    _disconnects = 0

    def __init__(
        self,
        name: str,
        host: str = config.HOST,
        port: int = config.PORT,
        channels: list[str] | None = None,
        token: str | None = None,
        machine: str = "",
        role: str = "",
        agent_id: str = "",
        project: str = "",
        *,
        model: str = "",
        resume: int | Literal["stored"] | None = None,
        conflict: Literal["join", "replace", "refuse"] = "join",
        events: Iterable[str] = (),
        reconnect: bool = True,
        on_state: Callable[[str], Awaitable[None]] | None = None,
        timeout: float = 10.0,
    ) -> None:
        config._check(port)
        # As the hub writes it.
        self.name = normalize("NFC", name) if isinstance(name, str) else name
        # An empty list is a wish too: mentions and direct messages only.
        self.channels = ["#general"] if channels is None else words(channels, "channels")
        self.machine = machine
        self.role = role
        self.project = project
        self.model = model
        self.agent_id = agent_id or f"{name}@{machine or platform.node()}"
        self.uri = address(host, port)
        self._token = token or config._current_token()
        self._resume = resume
        self._conflict = conflict
        self._events = words(events, "events")
        self._reconnect = reconnect
        self._on_state = on_state
        self._timeout = seconds(timeout)

    async def connect(self) -> None:
        """Connects and registers; does nothing if that is done already.

        Raises:
            HubUnreachable: No hub answers there.
            AuthenticationFailed: It refused the token.
            RegistrationRefused: It refused the name, or a setting; `code` and `detail` say why.
            NotConnected: `disconnect` was called meanwhile.
        """
        loop = asyncio.get_running_loop()
        began, limit, disconnects = loop.time(), self._timeout, self._disconnects
        while self._link is None:
            if self._disconnects != disconnects:
                raise NotConnected(_DISCONNECTED)
            opening = self._opening
            if opening is None or opening.opened.get_loop() is not loop:
                await self._open(limit)
            else:
                # Another task connects: the two share its connection.
                await asyncio.wait([opening.opened], timeout=limit)
                limit = max(self._timeout - (loop.time() - began), 0.0)
        self._link.bind()

    async def _open(self, limit: float) -> None:
        link = Link(self._native(limit), self._on_state)
        self._opening = link
        try:
            await link.open(limit)
            if link.is_cancelled:
                raise NotConnected(_DISCONNECTED)
        except BaseException as error:
            link.discard()
            if isinstance(error, RequestRefused):
                raise RegistrationRefused(error.code, error.detail, error.retry_after) from error
            raise
        finally:
            if self._opening is link:
                self._opening = None
        self._link = link

    def _native(self, limit: float) -> NativeClient:
        texts = {
            "name": self.name,
            "token": self._token or None,
            "machine": self.machine,
            "role": self.role,
            "model": self.model,
            "agent_id": self.agent_id,
            "project": self.project,
        }
        more = {"resume": self._resume, "conflict": self._conflict, "reconnect": bool(self._reconnect)}
        lists = {"channels": self.channels, "events": self._events}
        try:
            return NativeClient(self.uri, **texts, **lists, **more, timeout=limit)  # type: ignore[arg-type]
        except RequestRefused as refused:
            raise RegistrationRefused(refused.code, refused.detail) from refused
        except (TypeError, ValueError, OverflowError) as error:
            named = {f"{key}[{at}]": one for key, values in lists.items() for at, one in enumerate(values)}
            odd = odd_value(error, {**texts, **more, **named, **lists})
            raise RegistrationRefused(odd.code, odd.detail) from error

    async def disconnect(self) -> None:
        """Closes the connection, once what was finished with is told to the hub. May be called twice, in any loop.

        The hub is waited for at most `timeout` seconds. A `connect` that is still at work ends with NotConnected.
        """
        self._disconnects += 1
        opening, link = self._opening, self._link
        self._opening = self._link = None
        if opening is not None:
            opening.cancel_opening(NotConnected(_DISCONNECTED))
            await opening.close(self._timeout)
        if link is not None:
            await link.close(self._timeout)

    def __del__(self) -> None:
        link = self._link
        if link is not None:
            self._link = None
            what = f"OrochiClient {self.name!r} was dropped while connected: use 'async with', or await disconnect()"
            warnings.warn(what, ResourceWarning, source=self, stacklevel=2)
            link.discard()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("an OrochiClient can't be pickled or copied: it holds the hub's token and a connection")

    async def __aenter__(self) -> OrochiClient:
        await self.connect()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Also when the body was cancelled: the close goes on by itself then.
        await asyncio.shield(asyncio.ensure_future(self.disconnect()))

    @property
    def state(self) -> str:
        """``"connected"``, ``"reconnecting"`` or ``"closed"``."""
        return "closed" if self._link is None else self._link.native.state

    async def send(
        self,
        channel: str,
        content: str,
        metadata: dict[str, Any] | None = None,
        *,
        reply_to: int | None = None,
        id: str | None = None,
        timeout: float | None = 30.0,
    ) -> Receipt:
        """Sends a message, and returns when the hub has it on disk.

        Args:
            channel: A channel, or ``"@name"``: a direct message to that agent, now or when it is back.
            content: What to say, up to 256 KiB. ``@name`` in it reaches that agent wherever it is.
            metadata: Any JSON object, up to 64 KiB.
            reply_to: The seq of the message that it answers.
            id: Its id, for sending again what may not have arrived: the same id is accepted once.
            timeout: Seconds to wait; None waits for ever.

        Raises:
            RequestRefused: The hub refused it: `code` and `detail` say why. Nothing was accepted.
            RequestTimeout: No word in time. It may still be accepted; sending it again under its id is safe.
            ConnectionLost: The connection ended and is not coming back.

        Cancelling stops the waiting; the message may be accepted all the same.
        """
        text = None if metadata is None else json_object(metadata, "metadata")
        link = self._connected()
        return Receipt(*await link.request(timeout, link.native.send, channel, content, text, reply_to, id))

    async def heartbeat(self) -> None:
        """Gives a sign of life. The client does that by itself too."""
        await self._call("request", "heartbeat", "{}")

    async def update_status(
        self,
        status: str | None = None,
        current_task: str | None = None,
        *,
        progress: float | None = _UNSET,
    ) -> None:
        """Says what the agent is doing; what is left out stays as it is.

        Args:
            status: Up to 32 characters: ``idle``, ``busy``, ``blocked``, ``error``, ``online``, or one's own word.
            current_task: What it works on, a line.
            progress: 0 to 1; None shows none.
        """
        wrapped = None if progress is _UNSET else (share(progress, "progress"),)
        await self._call("update_status", status, current_task, wrapped)

    async def subscribe(self, channel: str) -> None:
        """Joins a channel, for what is said from now on."""
        await self._call("subscribe", channel)

    async def unsubscribe(self, channel: str) -> None:
        """Leaves a channel."""
        await self._call("unsubscribe", channel)

    async def query_history(
        self,
        channel: str,
        since: str | None = None,
        limit: int = 50,
        *,
        until: str | None = None,
        before: int | None = None,
        after: int | None = None,
        sender: str | None = None,
        reply_to: int | None = None,
        search: str | None = None,
    ) -> list[dict[str, Any]]:
        """A channel's messages, newest first, or with ``"@name"`` the conversation with that agent.

        Args:
            channel: Which.
            since: RFC 3339 or a date; inclusive.
            limit: At most so many, 1 to 1000.
            until: RFC 3339 or a date; inclusive.
            before: Only seqs below.
            after: Only seqs above.
            sender: Only this agent's.
            reply_to: Only answers to this seq.
            search: Only those in which all these words stand.

        Returns:
            Rows with ``msg_id, ts, channel, sender, content, mentions, metadata``, and from a newer hub than 0.1.0
            ``seq`` and, where set, ``reply_to``.
        """
        more = {"until": until, "before": before, "after": after, "sender": sender, "reply_to": reply_to}
        asked = {key: value for key, value in {**more, "search": search}.items() if value is not None}
        if asked and self._connected().native.is_old_hub:
            raise UnsupportedByHub(f"{', '.join(asked)} in a history query needs a newer hub than scitex-orochi 0.1.0")
        rows: list[dict[str, Any]] = []
        while True:
            payload = {"channel": channel, "since": since, "limit": limit - len(rows), **asked}
            answer = await self._request("query", payload)
            rows += answer.get("history", [])
            # One answer is bounded in bytes; what is more comes with the next.
            if not answer.get("more") or len(rows) >= limit:
                return rows
            asked["before"] = answer["next"]

    async def search(self, text: str, channel: str = "#general", limit: int = 50) -> list[dict[str, Any]]:
        """A channel's messages in which all words of `text` stand, newest first."""
        return await self.query_history(channel, None, limit, search=text)

    @overload
    async def who(self) -> dict[str, list[str]]: ...
    @overload
    async def who(self, *, detail: Literal[False]) -> dict[str, list[str]]: ...
    @overload
    async def who(self, *, detail: Literal[True]) -> dict[str, dict[str, Any]]: ...
    async def who(self, *, detail: bool = False) -> dict[str, Any]:
        """Lists who is online: each agent's channels, or with `detail` its row (status, task, reach, machine, …)."""
        if not detail:
            return await self._by_agent("presence", {}, "agents")
        if self._connected().native.is_old_hub:
            raise UnsupportedByHub("who(detail=True) needs a newer hub than scitex-orochi 0.1.0")
        return await self._by_agent("presence", {"detail": True}, "detail")

    gitea = GiteaAttribute()
    """Calls to Gitea: ``await client.gitea.create_issue(…)``, or as in 0.1.0 ``await client.gitea(action, params)``."""

    async def receipts(self, seq: int) -> dict[str, str]:
        """Lists a message's receivers with its state: ``seen``, ``offered``, ``delivered`` or ``pending``."""
        if self._connected().native.is_old_hub:
            raise UnsupportedByHub("receipts need a newer hub than scitex-orochi 0.1.0")
        return await self._by_agent("receipts", {"seq": seq}, "agents")

    async def caught_up(self, *, timeout: float | None = 60.0) -> None:
        """Waits until all that was said while this agent was away, or its connection lost, has been received.

        It returns at once where nothing can be missing, and gives up after `timeout` seconds; None waits for ever.
        """
        link = self._connected()
        await link.request(timeout, link.native.caught_up)

    async def wait_seen(self, receipt: Receipt, *, timeout: float | None = 60.0) -> dict[str, str]:
        """Waits until every known agent that the message was addressed to has dealt with it; the receipts then.

        An agent is known if it had registered when the message was accepted. The others, such as a mention in a
        pasted text that is no agent's name, are not waited for: they are ``"unknown"`` in the result.

        Args:
            receipt: What :meth:`send` returned.
            timeout: Seconds, a minute by default; None waits for ever.

        Raises:
            RequestTimeout: Not all of them in time.
        """
        seq = receipt.seq
        if seq is None:
            raise UnsupportedByHub("wait_seen needs a newer hub than scitex-orochi 0.1.0")
        unknown = {agent for agent, state in receipt.delivery.items() if state == "unknown"}
        known = receipt.delivery.keys() - unknown

        async def seen() -> dict[str, str]:
            pause = _ASK_SOON
            while True:
                states = await self.receipts(seq)
                if all(states.get(agent) == "seen" for agent in known):
                    return {agent: _with_unknown(agent, state, unknown) for agent, state in states.items()}
                await asyncio.sleep(pause)
                pause = min(pause * 2, _ASK_SELDOM)

        return await self._within(seen(), timeout, f"message {seq} was not dealt with", "receipts() says by whom")

    async def ask(self, agent: str, text: str, *, timeout: float | None = 60.0) -> Message:
        """Sends a direct message and returns the first message that answers it (:meth:`Message.reply` does).

        The answer is not given to :meth:`listen`.

        Args:
            agent: Whom, with or without ``@``.
            text: The question.
            timeout: Seconds to wait for the answer; None waits for ever.

        Raises:
            RequestTimeout: No answer in time. A late one comes to :meth:`listen`.
        """
        name = agent.removeprefix("@")

        async def asked() -> Message:
            link = self._connected()
            receipt = await self.send(f"@{name}", text, timeout=None)
            if receipt.seq is None:
                raise UnsupportedByHub("ask needs a newer hub than scitex-orochi 0.1.0")
            return Message._received(await link.inbox.expect_reply(receipt.seq), self)

        return await self._within(asked(), timeout, f"no answer from {name}", "it comes to listen(), if it comes late")

    def listen(self, *, channel: str | None = None, mentions_only: bool = False) -> Listener:
        """Yields what is received: messages, and frames that are no answers.

        Its first use makes this agent's reach ``wake``. Asking for the next one says that the one before is dealt with:
        it shows as ``seen`` in receipts, and with ``resume="stored"`` it is not delivered again. Ends quietly when the
        client is closed. ``anext`` can be cancelled, as by :func:`asyncio.wait_for`: nothing is lost.

        Args:
            channel: Only this channel's messages, or with ``"@name"`` that agent's direct messages.
            mentions_only: Only messages that mention this agent or are written to it.

        What is filtered out counts as dealt with.

        Raises:
            ConnectionLost, AuthenticationFailed: The connection ended and is not coming back.
        """
        return Listener(self, channel, mentions_only)

    def _connected(self) -> Link:
        if self._link is None:
            raise NotConnected("Not connected: use 'async with OrochiClient(...)', or await connect() first")
        return self._link

    async def _call(self, name: str, *arguments: Any) -> Any:
        link = self._connected()
        return await link.request(self._timeout, getattr(link.native, name), *arguments)

    async def _request(self, kind: str, payload: dict[str, Any], timeout: float | None = _UNSET) -> dict[str, Any]:
        limit = self._timeout if timeout is _UNSET else timeout
        link = self._connected()
        answer = await link.request(limit, link.native.request, kind, json_fields(payload))
        data: dict[str, Any] = json.loads(answer) if isinstance(answer, str) else {}
        return data

    async def _by_agent(self, kind: str, payload: dict[str, Any], part: str) -> dict[str, Any]:
        """All pages of an answer that names agents."""
        named: dict[str, Any] = {}
        while True:
            answer = await self._request(kind, payload)
            named.update(answer.get(part, {}))
            if not answer.get("more"):
                return named
            payload = {**payload, "after": answer["next"]}

    async def _within(
        self,
        work: Coroutine[Any, Any, _T],
        timeout: float | None,
        what: str,
        way_out: str,
    ) -> _T:
        try:
            limit = seconds(timeout)
        except OrochiError:
            work.close()
            raise
        try:
            async with asyncio.timeout(limit):
                return await work
        except OrochiError:
            raise
        except TimeoutError as late:
            raise RequestTimeout(f"{what} within {limit:g} s ({self.state}): {way_out}") from late


def _with_unknown(agent: str, state: str, unknown: set[str]) -> str:
    return "unknown" if agent in unknown and state != "seen" else state
