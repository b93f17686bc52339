"""0.1.0's command line, unmodified, against this hub: the output of each command, and what stays unchanged."""

from __future__ import annotations

import asyncio
import json
import re
from urllib.request import urlopen

import pytest

from orochi import OrochiClient
from tests.interop.old import HOST_NAME, Old, end, line
from tests.python.hub import DEADLINE, Hub

STAMP = r"\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00\]"


async def next_content(client: OrochiClient) -> str:
    async with asyncio.timeout(DEADLINE):
        async for msg in client.listen():
            if msg.type == "message":
                return str(msg.content)
    raise AssertionError("the hub closed")


async def test_send_reaches_the_channel_though_it_hangs_up_at_once(hub: Hub, old: Old) -> None:
    async with hub.client("bob", channels=["#general"]) as bob:
        for n in range(5):
            assert await old.run("send", "#general", f"number {n}") == (0, f"Sent to #general: number {n}\n", "")
            assert await next_content(bob) == f"number {n}"
        rows = await bob.query_history("#general")
        assert {row["sender"] for row in rows} == {HOST_NAME}


@pytest.mark.parametrize("command", [["listen"], ["login", "--channels", "#general"]])
async def test_listen_and_login_print_what_is_said_and_nothing_else(hub: Hub, old: Old, command: list[str]) -> None:
    process = await old.start(*command, OROCHI_AGENT="ear")
    try:
        if command[0] == "listen":
            assert " INFO Connected as ear " in await line(process.stderr)
            assert await line(process.stderr) == "Listening on #general (Ctrl+C to stop)..."
        else:
            assert await line(process.stdout) == "Logged in as ear"
            assert await line(process.stdout) == "Channels: #general"
            assert await line(process.stdout) == "Listening for messages... (Ctrl+C to quit)"
        # Others that come, change their status and go are no messages.
        async with hub.client("alice") as alice:
            await alice.update_status("busy", "x")
            receipt = await alice.send("#general", "hello @ear")
            assert receipt.delivery == {"ear": "online"}
            await alice.send("#elsewhere", "@ear there")
        heard = [await line(process.stdout), await line(process.stdout)]
        if command[0] == "listen":
            assert re.fullmatch(STAMP + r" \[#general\] alice: hello @ear", heard[0])
            assert re.fullmatch(STAMP + r" \[#elsewhere\] alice: @ear there", heard[1])
        else:
            assert heard == ["[#general] alice: hello @ear", "[#elsewhere] alice: @ear there"]
    finally:
        await end(process)


async def test_who_status_channels_and_members_show_who_is_here(hub: Hub, old: Old) -> None:
    async with hub.client("alice", channels=["#general", "#ops"]):
        agents = {"alice": ["#general", "#ops"], "asker": ["#general"]}
        for args, expected in [
            (["who"], "".join(f"  {name}: {channels}\n" for name, channels in agents.items())),
            (["who", "--json"], json.dumps(agents, indent=2) + "\n"),
            (["status"], "Connected agents: 2\n  alice: ['#general', '#ops']\n  asker: ['#general']\n"),
            (["status", "--json"], json.dumps({"agents": agents}, indent=2) + "\n"),
            (["channels"], "#general\n#ops\n"),
            (["channels", "--json"], '[\n  "#general",\n  "#ops"\n]\n'),
            (["members"], "alice: #general, #ops\nasker: #general\n"),
            (["members", "--channel", "#ops"], "alice\n"),
        ]:
            assert await old.run(*args, OROCHI_AGENT="asker") == (0, expected, ""), args


async def test_history_prints_what_was_said_newest_first(hub: Hub, old: Old) -> None:
    async with hub.client("alice") as alice:
        for n in range(3):
            await alice.send("#ops", f"number {n}", {"n": n})
    code, out, _ = await old.run("history", "#ops")
    lines = out.splitlines()
    assert (code, len(lines)) == (0, 3)
    for n, printed in enumerate(reversed(lines)):
        assert re.fullmatch(STAMP + f" alice: number {n}", printed)
    code, out, _ = await old.run("history", "#ops", "--limit", "1", "--json")
    (row,) = json.loads(out)
    assert (row["content"], row["metadata"], row["mentions"], row["seq"]) == ("number 2", {"n": 2}, [], 3)
    assert await old.run("history", "#none") == (0, "No history for #none.\n", "")


async def test_join_is_accepted(hub: Hub, old: Old) -> None:
    assert await old.run("join", "#ops") == (0, "Joined #ops\n", "")


def row_of(hub: Hub, name: str) -> dict[str, object]:
    with urlopen(f"http://127.0.0.1:{hub.dashboard_port}/api/agents", timeout=DEADLINE) as answer:
        rows = {row["name"]: row for row in json.load(answer)}
    row: dict[str, object] = rows[name]
    return row


async def test_a_command_under_a_running_agents_name_disturbs_it_in_nothing(hub: Hub, old: Old) -> None:
    identity = {"machine": "gpu-1", "role": "trainer", "agent_id": "worker-7", "project": "p"}
    async with (
        hub.client("worker", channels=["#jobs"], **identity) as worker,
        hub.client("boss", channels=["#general"]) as boss,
    ):
        await worker.update_status("busy", "epoch 3")
        before = await asyncio.to_thread(row_of, hub, "worker")
        for args in (["who"], ["send", "#general", "from the shell"], ["history", "#general"], ["join", "#ops"]):
            code, _, err = await old.run(*args, OROCHI_AGENT="worker")
            assert (code, err) == (0, ""), args
            # The channels of the command's own connection go with it, and only those.
            assert (await boss.who())["worker"] == ["#jobs"], args
        after = await asyncio.to_thread(row_of, hub, "worker")
        changing = {"last_heartbeat", "last_seen", "connections"}
        assert {k: v for k, v in after.items() if k not in changing} == {
            k: v for k, v in before.items() if k not in changing
        }
        assert await next_content(boss) == "from the shell"
        receipt = await boss.send("#jobs", "@worker go on")
        assert receipt.delivery == {"worker": "online"}
        assert await next_content(worker) == "@worker go on"
