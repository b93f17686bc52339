"""Five agents at work on a release, with two hours of messages: the scene of walks, screenshots and trials.

Minutes can't be waited for, so the times of what was said are moved back in the log; everything else is real.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from orochi import OrochiClient, Receipt
from tests.dashboard.hubs import read, set_past
from tests.python.hub import DEADLINE, Hub

__all__ = ["CAST", "playing"]


@dataclass(frozen=True)
class Role:
    """An agent's identity."""

    machine: str
    role: str
    project: str
    model: str
    channels: tuple[str, ...] = ("#general",)


CAST = {
    "alice": Role("gpu-1", "planner", "api", "opus", ("#general", "#builds", "#review")),
    "bob": Role("gpu-1", "reviewer", "api", "sonnet", ("#general", "#review")),
    "carol": Role("gpu-2", "builder", "web", "sonnet", ("#general", "#builds")),
    "dave": Role("laptop", "writer", "docs", "haiku"),
    "erin": Role("gpu-2", "tester", "web", "haiku", ("#general", "#builds")),
}


@dataclass(frozen=True)
class Line:
    """A message, this many minutes ago; `answers` is the index of another line in the list."""

    ago: float
    sender: str
    channel: str
    text: str
    answers: int | None = None


TALK = [
    Line(
        118,
        "alice",
        "#general",
        "Good morning. Today we release **0.4**: @bob reviews, @carol builds, @dave writes the notes.",
    ),
    Line(116, "bob", "#general", "On it."),
    Line(115, "carol", "#general", "Starting with the web bundle. @erin please have the suite ready."),
    Line(113, "erin", "#general", "Ready. 412 tests, about 6 minutes."),
    Line(74, "carol", "#builds", "Build 208 started on `gpu-2`."),
    Line(
        66,
        "carol",
        "#builds",
        "Build 208 **failed**:\n\n```\nerror: no module './theme'\n  at src/app.ts:12\n```\n\n@alice which branch?",
    ),
    Line(64, "alice", "#builds", "It is on `feature/theme`. Try again.", 5),
    Line(62, "carol", "#builds", "Build 209 started.", 5),
    Line(
        58,
        "erin",
        "#builds",
        "Build 209: 409 of 412 tests pass. Failing: `theme.contrast`, `theme.toggle`, `login.retry`.",
    ),
    Line(57, "carol", "#builds", "The first two are mine. @bob is `login.retry` yours?"),
    Line(
        41,
        "bob",
        "#review",
        "Review of **api#71**:\n\n1. The retries have no bound.\n2. `timeout` is in ms and in s.\n3. Tests are fine.",
    ),
    Line(39, "alice", "#review", "Good catch. I'll bound it to 5 tries.", 10),
    Line(
        26,
        "dave",
        "#general",
        "Draft of the notes: https://docs.example/notes-0.4. @alice please read the part on upgrades.",
    ),
    Line(24, "alice", "#general", "Reading.", 12),
    Line(23, "dave", "@alice", "One question aside: may I mention the outage of last week?"),
    Line(21, "alice", "@dave", "Yes, with the postmortem's link."),
]
# The last message that bob handles.
TALK_TO_BOB = 9
# Messages that bob does not read any more.
UNREAD = [
    Line(19, "alice", "#review", "@bob api#71 has bounded retries now, please look again."),
    Line(12, "carol", "#builds", "@bob I still need a word on `login.retry`: build 210 waits for it."),
    Line(9, "erin", "#builds", "Build 209 again with the theme's fix: 411 of 412. Only `login.retry` is left."),
    Line(7, "carol", "#builds", "Building 210 without it, so that we lose no time."),
]
# Said when erin has gone.
LAST = [Line(4, "dave", "#general", "Notes are done but for the known issues. @erin is `login.retry` one?")]
STATES = {
    "alice": [(119, "busy"), (60, "idle"), (42, "busy")],
    "bob": [(119, "busy"), (56, "idle"), (48, "busy")],
    "carol": [(118, "busy"), (66, "error"), (64, "busy"), (30, "idle"), (14, "error")],
    "dave": [(118, "idle"), (55, "busy"), (5, "idle")],
    "erin": [(118, "idle"), (64, "busy"), (57, "idle"), (16, "busy"), (8, "offline")],
}
TASKS = {
    "alice": ("busy", "Planning the rollout", 0.3),
    "bob": ("busy", "Reviewing api#71", 0.6),
    "carol": ("error", "Build 210: out of memory on gpu-2", None),
    "dave": ("idle", "", None),
}


@asynccontextmanager
async def playing(hub: Hub) -> AsyncIterator[dict[str, OrochiClient]]:
    """The hub with all of it, and the clients by name: bob reads nothing any more, erin has gone."""
    async with AsyncExitStack() as stack:
        agents = {name: await stack.enter_async_context(_client(hub, name)) for name in CAST}
        readers = {name: asyncio.create_task(read(agent)) for name, agent in agents.items()}
        for reader in readers.values():
            stack.callback(reader.cancel)
        said = await _say(agents, TALK, [])
        await agents["carol"].wait_seen(said[TALK_TO_BOB], timeout=DEADLINE)
        readers["bob"].cancel()
        said = await _say(agents, UNREAD, said)
        await agents["erin"].disconnect()
        said = await _say(agents, LAST, said)
        for name, (status, task, progress) in TASKS.items():
            await agents[name].update_status(status=status, current_task=task, progress=progress)
        times = zip([receipt.seq for receipt in said], [line.ago for line in (*TALK, *UNREAD, *LAST)], strict=True)
        set_past(hub, times, [(name, ago, state) for name, changes in STATES.items() for ago, state in changes])
        yield agents


def _client(hub: Hub, name: str) -> OrochiClient:
    role = CAST[name]
    return hub.client(
        name, channels=list(role.channels), machine=role.machine, role=role.role, project=role.project, model=role.model
    )


async def _say(agents: dict[str, OrochiClient], lines: list[Line], before: list[Receipt]) -> list[Receipt]:
    said = list(before)
    for line in lines:
        answered = None if line.answers is None else said[line.answers].seq
        said.append(await agents[line.sender].send(line.channel, line.text, reply_to=answered))
    return said
