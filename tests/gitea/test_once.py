"""Create actions are idempotent, however often a request is sent (docs/gitea.md)."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.gitea.standin import TOKEN, Gitea, Trouble
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


async def test_after_a_crash_in_between_what_was_made_is_found(hub: Hub, gitea: Gitea) -> None:
    gitea.trouble = Trouble("slow", "POST")
    async with agent(hub) as socket:
        await ask(socket, "a1", title="It fails")
        await asyncio.to_thread(gitea.arrived.wait, DEADLINE)
        hub.kill()
    gitea.released.set()
    hub.start()
    async with agent(hub) as socket:
        await ask(socket, "a1", title="It fails")
        assert await number(socket) == 1
        await ask(socket, "a1", title="It fails")
        assert await number(socket) == 1
    assert gitea.requests.count(ISSUES) == 1


CREATIONS: list[tuple[str, dict[str, Any]]] = [
    ("create_issue", {"owner": "lab", "repo": "api", "title": "It fails"}),
    ("add_comment", {"owner": "lab", "repo": "api", "issue_number": 1, "body": "Me too."}),
    ("create_repo", {"name": "tools", "org": "lab"}),
    ("create_repo", {"name": "own"}),
    ("create_org", {"name": "ops"}),
]


@pytest.mark.parametrize(("action", "params"), CREATIONS)
@pytest.mark.parametrize("ahead", [0, 3600, -3600])
async def test_after_a_lost_answer_what_was_made_is_found(
    hub: Hub, gitea: Gitea, action: str, params: dict[str, Any], ahead: int
) -> None:
    gitea.clock_ahead = ahead
    gitea.new_issue({"owner": "lab", "repo": "api"}, {}, {"title": "held"})
    gitea.trouble = Trouble("lost", "POST")
    async with agent(hub) as socket:
        payload = {"action": action, "params": params}
        await socket.send(json.dumps({"type": "gitea", "id": "a1", "payload": payload}))
        made = (await answer(socket, "gitea_result", "error"))["result"]
        assert {"number", "body", "full_name", "username"} & made.keys()
    assert len([request for request in gitea.requests if request.startswith("POST")]) == 1


@pytest.mark.parametrize(("action", "params"), CREATIONS)
async def test_after_a_crash_before_gitea_was_reached_it_is_made_once(
    gitea: Gitea, tmp_path: Path, action: str, params: dict[str, Any]
) -> None:
    gitea.new_issue({"owner": "lab", "repo": "api"}, {}, {"title": "held"})
    # Nothing listens on port 1; a name that answers nothing holds the request back.
    gitea.trouble = Trouble("hang", "POST")
    with Hub(tmp_path, env={"GITEA_URL": gitea.url, "GITEA_TOKEN": TOKEN}) as hub:
        frame = json.dumps({"type": "gitea", "id": "a1", "payload": {"action": action, "params": params}})
        async with agent(hub) as socket:
            await socket.send(frame)
            await asyncio.to_thread(gitea.arrived.wait, DEADLINE)
            hub.kill()
        gitea.trouble = None
        gitea.released.set()
        hub.start()
        async with agent(hub) as socket:
            await socket.send(frame)
            assert (await answer(socket, "gitea_result", "error"))["result"]
            await socket.send(frame)
            assert (await answer(socket, "gitea_result", "error"))["result"]
    assert len([request for request in gitea.requests if request.startswith("POST")]) == 2, "the lost one, and one more"


async def test_what_can_not_be_found_out_is_told_and_found_out_later(hub: Hub, gitea: Gitea) -> None:
    gitea.trouble = Trouble("slow", "POST")
    async with agent(hub) as socket:
        await ask(socket, "a1", title="It fails")
        await asyncio.to_thread(gitea.arrived.wait, DEADLINE)
        hub.kill()
    gitea.released.set()
    gitea.trouble = Trouble("html")
    hub.start()
    async with agent(hub) as socket:
        await ask(socket, "a1", title="It fails")
        refused = await answer(socket, "error", "gitea_result")
        assert (refused["code"], "send it again later" in refused["detail"]) == ("GITEA_UNAVAILABLE", True)
        gitea.trouble = None
        await ask(socket, "a1", title="It fails")
        assert await number(socket) == 1
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
    assert gitea.issues["lab/api"][0]["body"].endswith("*Asked for by the agent* `ci`")
