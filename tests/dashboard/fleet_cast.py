"""The fifty agents of :mod:`tests.dashboard.fleet` and their messages, the same in every run."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CAST", "CHANNELS", "MUTE", "QUIET_AFTER", "STOPPED", "Agent", "Line", "script", "states"]

PROJECTS = ("api", "web", "docs", "infra", "data", "mobile")
ROLES = ("builder", "tester", "reviewer", "writer", "planner", "triager", "runner")
TOPICS = ("dev", "ci", "review", "alerts", "plans")
COMMON = ("#general", "#builds", "#review", "#deploys", "#incidents", "#releases", "#random")
LONG_CHANNEL = "#customer-escalations-europe-middle-east-and-africa-priority-one"
CHANNELS = (*COMMON, "#handover", "#night", LONG_CHANNEL, *(f"#{p}-{topic}" for p in PROJECTS for topic in TOPICS))
LONG_MACHINE = "build-farm-eu-central-1a-worker-0042.fleet.internal.example.net"
# Reads what is said to it, but never says how far.
MUTE = "old-timer"
# Minutes ago at which some agents stopped reading, and who.
QUIET_AFTER = 30.0
STOPPED = ("night-shift", "alice", "erin")


@dataclass(frozen=True)
class Agent:
    """An agent's identity, and its state at the end; an empty status is the one that it has after registering."""

    name: str
    role: str
    project: str
    machine: str
    model: str
    channels: tuple[str, ...]
    status: str = ""
    task: str = ""
    progress: float | None = None
    is_gone: bool = False


@dataclass(frozen=True)
class Line:
    """A message, this many minutes ago; `answers` is the text of an earlier line."""

    ago: float
    sender: str
    channel: str
    text: str
    answers: str | None = None


def _special(name: str, role: str, project: str, machine: str, **more: object) -> Agent:
    extra = ("#handover", "#night", *(f"#{project}-{topic}" for topic in ("dev", "plans")))
    return Agent(name, role, project, machine, "opus", (*COMMON, *extra), **more)  # type: ignore[arg-type]


def _cast() -> dict[str, Agent]:
    agents = [
        _special("alice", "lead", "api", "gpu-1", status="busy", task="Planning the rollout of 0.4", progress=0.3),
        _special("planner", "planner", "infra", "gpu-2", status="busy", task="Migration plan for 0.4", progress=0.8),
        _special("reviewer", "reviewer", "infra", "gpu-2", status="blocked", task="Waits for an approval of infra#88"),
        _special("deployer", "deployer", "infra", "gpu-3", status="blocked", task="Canary at 5 %: needs a go"),
        _special("night-shift", "approver", "infra", "laptop-kim", status="idle"),
        _special("old-timer", "archivist", "docs", "attic", status="idle"),
        _special("nomad", "loader", "data", "spot-17", status="busy", task="Backfill of events, shard 7", progress=0.7),
        _special("erin", "tester", "web", "gpu-4", is_gone=True),
    ]
    some = random.Random(4)
    tasks = ("Building {p} at main", "Running the {p} suite", "Reading {p}#{n}", "Fixing {p}#{n}", "Notes for {p} 0.4")
    for project in PROJECTS:
        for at, role in enumerate(ROLES):
            topics = ("#general", "#builds", *(f"#{project}-{topic}" for topic in TOPICS))
            channels = (*topics, LONG_CHANNEL) if role == "triager" else topics
            machine = LONG_MACHINE if (project, role) == ("infra", "runner") else f"gpu-{(at + len(project)) % 8 + 1}"
            status = some.choice(("busy", "busy", "idle", "idle", "reviewing"))
            task = some.choice(tasks).format(p=project, n=some.randrange(40, 99)) if status != "idle" else ""
            progress = round(some.random(), 2) if status == "busy" else None
            model = some.choice(("opus", "sonnet", "haiku"))
            agents.append(Agent(f"{project}-{role}", role, project, machine, model, channels, status, task, progress))
    cast = {agent.name: agent for agent in agents}
    for name, task in (
        ("web-builder", "Build 517: out of memory on gpu-4"),
        ("data-runner", "Cannot reach the warehouse: connection refused"),
        ("mobile-tester", "Emulator does not boot"),
    ):
        old = cast[name]
        cast[name] = Agent(name, old.role, old.project, old.machine, old.model, old.channels, "error", task)
    for name in ("docs-runner", "mobile-writer", "data-planner", "mobile-planner"):
        old = cast[name]
        cast[name] = Agent(name, old.role, old.project, old.machine, old.model, old.channels, is_gone=True)
    return cast


CAST = _cast()

FIXED = [
    Line(171, "alice", "#general", "Good morning. Today we release **0.4**: @planner plans, @deployer deploys."),
    Line(170, "planner", "#general", "On it. The plan is in #infra-plans by ten."),
    Line(
        66,
        "web-builder",
        "#builds",
        "Build 512 **failed**:\n\n```ts\nerror TS2307: Cannot find module './theme'\n  at src/app.ts:12\n```\n\n"
        "@alice which branch?",
    ),
    Line(64, "api-builder", "#builds", "Build 513 of `api` passed in 4 min 12 s."),
    Line(62, "alice", "#builds", "It is on `feature/theme`.", "Build 512 **failed**"),
    Line(59, "web-builder", "#builds", "Build 514 passed: 412 tests, no failure."),
    Line(57, "web-tester", "#builds", "Screens of build 514 look right:\n\n- [x] dark\n- [x] light\n- [ ] print"),
    Line(28, "planner", "#infra-plans", "@night-shift please approve the migration plan: https://git.example/infra/88"),
    Line(26, "reviewer", "#review", "@night-shift infra#88 needs your second review before I can go on."),
    Line(24, "deployer", "#deploys", "@night-shift the canary is healthy at 5 %. Go or no go?"),
    Line(22, "reviewer", "@night-shift", "I can't merge without your approval."),
    Line(21, "api-reviewer", "#api-review", "@alice the retries of api#71 have no bound. Shall I change it?"),
    Line(18, "data-planner", "#data-plans", "@alice which shards go first?"),
    Line(17, "planner", "@alice", "Numbers for the review are in the sheet."),
    Line(13, "web-reviewer", "#web-review", "@erin your test of the theme is flaky, please look."),
    Line(11, "web-triager", LONG_CHANNEL, "A customer in Dubai can't sign in since 09:40. @web-planner"),
    *[
        Line(8 - at / 4, name, "#handover", f"@old-timer where is the archive of {topic}?")
        for at, (name, topic) in enumerate(
            zip(("docs-writer", "docs-planner", "docs-reviewer") * 4, "abcdefghijkl", strict=True)
        )
    ],
    Line(7, "web-builder", "#builds", "Build 517 **failed**: out of memory on `gpu-4`. @web-triager"),
    Line(4, "deployer", "#deploys", "Still waiting with the canary at 5 %. @night-shift"),
]
SAYINGS = (
    "Build {n} of `{p}` passed in {m} min.",
    "Reading {p}#{n} now.",
    "{p}#{n}: the test of the retry is flaky, running it again.",
    "Done with {p}#{n}, next is {p}#{m}.",
    "The suite of {p} is green: {n} tests.",
    "Notes for {p}#{n} are in the wiki: https://wiki.example/{p}/{n}",
    "Deployed {p} to staging, version 0.4.{m}.",
)


def script() -> list[Line]:
    """All lines, the oldest first: three hours of talk, with one flood 35 minutes ago."""
    some = random.Random(7)
    lines = list(FIXED)
    speakers = [name for name in CAST if name not in {*STOPPED, MUTE, "nomad"} and not CAST[name].is_gone]
    for _ in range(420):
        name = some.choice(speakers)
        channel = some.choice([c for c in CAST[name].channels if c != LONG_CHANNEL])
        values = {"p": CAST[name].project, "n": some.randrange(40, 900), "m": some.randrange(2, 40)}
        text = some.choice(SAYINGS).format(**values)
        if some.random() < 0.12:
            text += f" @{some.choice(speakers)}"
        lines.append(Line(some.uniform(1, 175), name, channel, text))
    for number in range(260):
        lines.append(Line(35 + number / 400, "api-runner", "#api-ci", f"retry {number}: upstream timed out"))
    return sorted(lines, key=lambda line: -line.ago)


def states(ends: Mapping[str, str]) -> list[tuple[str, float, str]]:
    """`(agent, minutes ago, state)` for the last three hours; each ends in the state that `ends` has of it."""
    some = random.Random(9)
    rows: list[tuple[str, float, str]] = []
    fixed = {"nomad": 6.0, "web-builder": 7.0, "data-runner": 41.0, "reviewer": 26.0, "deployer": 24.0, "erin": 15.0}
    for name, end in ends.items():
        last = fixed.get(name, round(some.uniform(2, 50), 1))
        rows.append((name, 178.0, "online"))
        before = 177.0
        while before > last + 8:
            rows.append((name, before, some.choice(("busy", "busy", "idle", "reviewing"))))
            before -= some.uniform(6, 40)
        if name == "nomad":
            rows.append((name, last + 7, "busy"))
        rows.append((name, last, end))
    return rows
