"""Fifty agents in forty channels, three hours into a working day: the size that the dashboard is designed for.

Everything is real but the clock: minutes can't be waited for, so the times of messages and states are moved back in
the log. The cast and their lines are in :mod:`tests.dashboard.fleet_cast`.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing

import websockets

from orochi import OrochiClient
from tests.dashboard.fleet_cast import CAST, MUTE, QUIET_AFTER, STOPPED, Agent, Line, script, states
from tests.dashboard.hubs import read, set_past
from tests.python.hub import DEADLINE, Hub

__all__ = ["LOST", "client", "move_back", "playing", "vanish"]

# The agent that dies at 70 % of its work.
LOST = "nomad"


@asynccontextmanager
async def playing(hub: Hub) -> AsyncIterator[dict[str, OrochiClient]]:
    """The hub with all of it, and the clients of those that are still there, by name."""
    async with AsyncExitStack() as stack:
        agents: dict[str, OrochiClient] = {}
        for agent in CAST.values():
            if agent.name != LOST:
                agents[agent.name] = await stack.enter_async_context(client(hub, agent))
        readers = {name: asyncio.create_task(read(agent)) for name, agent in agents.items() if name != MUTE}
        for reader in readers.values():
            stack.callback(reader.cancel)
        lines = script()
        before = [line for line in lines if line.ago > QUIET_AFTER]
        seqs = await _say(agents, before)
        for name in STOPPED:
            last = await agents["planner"].send(f"@{name}", "Thanks, noted.")
            await agents["planner"].wait_seen(last, timeout=DEADLINE)
            seqs.append(last.seq or 0)
            readers[name].cancel()
        rest = [line for line in lines if line.ago <= QUIET_AFTER]
        seqs += await _say(agents, rest)
        for agent in CAST.values():
            if agent.is_gone:
                await agents.pop(agent.name).disconnect()
            elif agent.name != LOST and agent.status:
                await agents[agent.name].update_status(
                    status=agent.status, current_task=agent.task, progress=agent.progress
                )
        await vanish(hub, CAST[LOST])
        await asyncio.wait_for(_noted_as_lost(hub, agents["planner"]), DEADLINE)
        thanks = [QUIET_AFTER + 0.01] * len(STOPPED)
        move_back(hub, sorted(seqs), [line.ago for line in before] + thanks + [line.ago for line in rest])
        yield agents


def client(hub: Hub, agent: Agent) -> OrochiClient:
    """A client with the agent's identity, not connected yet."""
    return hub.client(
        agent.name,
        channels=list(agent.channels),
        machine=agent.machine,
        role=agent.role,
        project=agent.project,
        model=agent.model,
    )


async def vanish(hub: Hub, agent: Agent) -> None:
    """Registers the agent, has it report its status, and cuts the connection as a killed process does: no close
    frame."""
    register = {
        "channels": list(agent.channels),
        "machine": agent.machine,
        "role": agent.role,
        "project": agent.project,
        "model": agent.model,
    }
    status = {"status": agent.status, "current_task": agent.task, "progress": agent.progress}
    token = f"?token={hub.token}" if hub.token else ""
    async with websockets.connect(f"ws://127.0.0.1:{hub.port}/{token}") as socket:
        for number, (kind, payload) in enumerate((("register", register), ("status_update", status))):
            await socket.send(_frame(kind, f"vanish-{number}", agent.name, payload))
            while f'"vanish-{number}"' not in str(await asyncio.wait_for(socket.recv(), DEADLINE)):
                pass
        socket.transport.abort()


async def _noted_as_lost(hub: Hub, other: OrochiClient) -> None:
    """Asks the hub until it has written the loss: before that its time can't be moved back."""
    with closing(sqlite3.connect(hub.db)) as log:
        wanted = "SELECT 1 FROM agent_states WHERE agent = ? AND state = 'lost'"
        while log.execute(wanted, (LOST,)).fetchone() is None:
            await other.who()


def _frame(kind: str, id: str, sender: str, payload: object) -> str:
    return json.dumps({"type": kind, "id": id, "sender": sender, "payload": payload})


async def _say(agents: dict[str, OrochiClient], lines: list[Line]) -> list[int]:
    """Sends the lines in the order of the script; their seqs. A line that answers another one names it by its text."""
    by_text: dict[str, int] = {}
    seqs = []
    for line in lines:
        answered = by_text.get(line.answers) if line.answers else None
        receipt = await agents[line.sender].send(line.channel, line.text, reply_to=answered)
        by_text[line.text] = receipt.seq or 0
        seqs.append(receipt.seq or 0)
    return seqs


def move_back(hub: Hub, seqs: list[int], ago: list[float]) -> None:
    """Moves these messages so many minutes back, and gives every agent three hours of states."""
    with closing(sqlite3.connect(hub.db)) as log:
        ends = dict(log.execute("SELECT agent, state FROM agent_states ORDER BY ts"))
    set_past(hub, zip(seqs, ago, strict=True), states(ends))
