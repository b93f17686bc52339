"""What makes something at Gitea is made once, however often its request is sent (docs/gitea.md)."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.gitea.standin import Gitea, Trouble
from tests.python.hub import DEADLINE, Hub

ISSUES = "POST /api/v1/repos/lab/api/issues"


@asynccontextmanager
async def agent(hub: Hub, name: str = "alice") -> AsyncIterator[ClientConnection]:
    """A registered connection, frame by frame."""
    async with connect(f"ws://127.0.0.1:{hub.port}") as socket:
        await socket.send(json.dumps({"type": "register", "sender": name, "payload": {"channels": []}}))
        await answer(socket, "ack")
        yield socket


async def ask(socket: ClientConnection, id: str, **params: Any) -> None:
    """A create_issue under this id."""
    payload = {"action": "create_issue", "params": {"owner": "lab", "repo": "api", **params}}
    await socket.send(json.dumps({"type": "gitea", "id": id, "payload": payload}))


async def answer(socket: ClientConnection, *types: str) -> dict[str, Any]:
    """The payload of the next frame of one of these types."""
    async with asyncio.timeout(DEADLINE):
        while (frame := json.loads(await socket.recv()))["type"] not in types:
            pass
    payload: dict[str, Any] = frame["payload"]
    return payload


async def number(socket: ClientConnection) -> int:
    """The number of the issue that was made."""
    made: int = (await answer(socket, "gitea_result"))["result"]["number"]
    return made


async def test_a_request_that_is_sent_again_gets_the_first_ones_answer_also_from_a_hub_that_restarted(
    hub: Hub, gitea: Gitea
) -> None:
    async with agent(hub) as socket:
        await ask(socket, "a1", title="It fails")
        assert await number(socket) == 1
        await ask(socket, "a1", title="It fails")
        assert await number(socket) == 1
    hub.restart()
    async with agent(hub) as socket, agent(hub, "bob") as other:
        await ask(socket, "a1", title="It fails")
        assert await number(socket) == 1
        await ask(other, "a1", title="It fails")
        assert await number(other) == 2, "an id is its sender's own"
    assert gitea.requests.count(ISSUES) == 2


async def test_a_request_that_comes_again_while_gitea_thinks_waits_for_the_same_answer(hub: Hub, gitea: Gitea) -> None:
    gitea.trouble = Trouble("slow", "POST")
    async with agent(hub) as socket:
        await ask(socket, "a1", title="It fails")
        await asyncio.to_thread(gitea.arrived.wait, DEADLINE)
    async with agent(hub) as socket:
        await ask(socket, "a1", title="It fails")
        # The presence is answered after the hub has taken the request before it.
        await socket.send(json.dumps({"type": "presence", "payload": {}}))
        await answer(socket, "presence")
        gitea.released.set()
        assert await number(socket) == 1
    assert gitea.requests.count(ISSUES) == 1


async def test_after_a_crash_in_between_nothing_is_made_twice(hub: Hub, gitea: Gitea) -> None:
    gitea.trouble = Trouble("slow", "POST")
    async with agent(hub) as socket:
        await ask(socket, "a1", title="It fails")
        await asyncio.to_thread(gitea.arrived.wait, DEADLINE)
        hub.kill()
    gitea.released.set()
    hub.start()
    async with agent(hub) as socket:
        await ask(socket, "a1", title="It fails")
        refused = await answer(socket, "error", "gitea_result")
        assert refused["code"] == "GITEA_UNAVAILABLE"
        assert "look at Gitea" in refused["detail"]
    assert gitea.requests.count(ISSUES) == 1


async def test_an_id_stands_for_one_request(hub: Hub, gitea: Gitea) -> None:
    async with agent(hub) as socket:
        await ask(socket, "1", title="It fails")
        await number(socket)
        await ask(socket, "1", title="Something else")
        assert (await answer(socket, "error", "gitea_result"))["code"] == "ID_REUSED"
    assert [issue["title"] for issue in gitea.issues["lab/api"]] == ["It fails"]


async def test_what_was_refused_can_be_asked_again(hub: Hub, gitea: Gitea) -> None:
    gitea.archived.add("lab/api")
    async with agent(hub) as socket:
        await ask(socket, "a1", title="It fails")
        assert (await answer(socket, "error"))["status"] == 423
        gitea.archived.clear()
        await ask(socket, "a1", title="It fails")
        assert await number(socket) == 1


@pytest.mark.parametrize(("body", "made"), [({"id": "a1"}, 1), ({}, 2)])
def test_over_http_an_id_does_the_same(hub: Hub, gitea: Gitea, body: dict[str, str], made: int) -> None:
    for _ in range(2):
        url = f"http://127.0.0.1:{hub.dashboard_port}/api/gitea/issues/lab/api"
        data = json.dumps({"title": "It fails", "sender": "ci", **body}).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=30) as response:
            assert response.status == 201
    assert gitea.requests.count(ISSUES) == made
    assert gitea.issues["lab/api"][0]["body"] == "*Asked for by the agent* `ci`"
