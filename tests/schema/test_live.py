"""Every frame of a real hub to an agent and to an observer is in the schema, key for key."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.python.hub import DEADLINE, Hub
from tests.schema.frames import faults

REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("register", {"channels": ["#c"], "machine": "gpu", "resume": "stored", "events": ["presence_change"]}),
    ("register", {"channels": None, "resume": 0, "joined": {}, "conflict": "join", "events": ["status_update"]}),
    ("subscribe", {"channel": "café"}),
    ("message", {"channel": "#c", "content": "交给@bobさん", "metadata": {"n": 1}, "color": "green"}),
    ("message", {"channel": "@bob", "content": "hi", "reply_to": 1}),
    ("message", {"channel": "#c", "content": "again"}),
    ("message", {"channel": "#c", "content": "again"}),
    ("heartbeat", {"seen": 1}),
    ("heartbeat", {}),
    ("status_update", {"status": "busy", "current_task": "tests", "progress": 0.5}),
    ("presence", {}),
    ("presence", {"detail": True}),
    ("query", {"channel": "#c", "order": "asc", "until": "2999-01-01"}),
    ("query", {"channel": "#c", "search": "again", "limit": 1}),
    ("receipts", {"seq": 1}),
    ("gitea", {"action": "get_version"}),
    ("unsubscribe", {"channel": "#café"}),
]
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("message", {"channel": "#c"}),
    ("message", {"channel": "#c", "content": "x", "seq": 1}),
    ("register", {"resume": 99}),
    ("query", {"order": "newest"}),
    ("nothing", {}),
]


async def test_frames_of_a_hub_are_frames_of_the_schema(tmp_path: Path) -> None:
    with Hub(tmp_path) as hub:
        agent_url, observer_url = f"ws://127.0.0.1:{hub.port}/", f"ws://127.0.0.1:{hub.dashboard_port}/ws"
        async with asyncio.timeout(DEADLINE), connect(agent_url) as agent, connect(observer_url) as observer:
            seen: set[str] = set()
            for kind, payload in REQUESTS:
                # The same text is the same message, sent again.
                frame = {"type": kind, "sender": "alice", "id": f"{kind} {json.dumps(payload)}", "payload": payload}
                assert not faults(frame, "from_client"), frame
                seen |= {answer["type"] for answer in await answers(agent, frame)}
            for kind, payload in WRONG:
                frame = {"type": kind, "sender": "alice", "id": "wrong", "payload": payload}
                assert faults(frame, "from_client") or payload == {"resume": 99}, frame
                assert (await answers(agent, frame))[-1]["type"] == "error"
            assert seen >= {"ack", "error", "message", "presence", "receipts", "status_update"}
            events = [json.loads(await observer.recv()) for _ in range(5)]
            for event in events:
                assert not faults(event, "from_hub"), event


async def answers(socket: ClientConnection, frame: dict[str, Any]) -> list[dict[str, Any]]:
    """Sends a request. Returns all frames up to its ack or error."""
    await socket.send(json.dumps(frame))
    frames: list[dict[str, Any]] = []
    while not frames or frames[-1]["type"] not in ("ack", "error") or frames[-1]["payload"].get("ref") != frame["id"]:
        frames.append(json.loads(await socket.recv()))
        assert not faults(frames[-1], "from_hub"), frames[-1]
    return frames
