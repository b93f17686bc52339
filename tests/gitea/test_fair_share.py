"""One agent's calls to Gitea cost nobody else memory, disk or their own calls."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from orochi import RequestRefused
from tests.gitea.standin import Gitea, Trouble
from tests.gitea.test_once import agent, answer
from tests.python.hub import DEADLINE, Hub

AT = {"owner": "lab", "repo": "api"}
# A large text, and more of them than a hub may hold at a time.
LARGE, FRAMES = "x" * 500_000, 300
MEBIBYTE = 1024 * 1024


def create(id: str) -> str:
    """A frame that asks for a new issue with a large text."""
    params = {**AT, "title": "t", "body": LARGE}
    return json.dumps({"type": "gitea", "id": id, "payload": {"action": "create_issue", "params": params}})


def disk_bytes(hub: Hub) -> int:
    """Bytes of the log and of what SQLite keeps beside it."""
    return sum(file.stat().st_size for file in hub.db.parent.glob(hub.db.name + "*"))


def memory_bytes(hub: Hub) -> int:
    """The most memory that the hub's process has held so far."""
    status = Path(f"/proc/{hub.pid}/status").read_text(encoding="ascii")
    (peak,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peak.split()[1]) * 1024


async def test_calls_without_a_token_for_gitea_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with Hub(tmp_path) as hub:
        async with agent(hub) as socket:
            for number in range(20):
                await socket.send(create(f"a{number}"))
            for _ in range(20):
                assert (await answer(socket, "error"))["code"] == "GITEA_NOT_CONFIGURED"
        assert disk_bytes(hub) < 5 * MEBIBYTE, "20 requests of 500 kB leave no trace"


async def test_calls_beyond_a_few_are_not_read_until_one_ends(hub: Hub, gitea: Gitea) -> None:
    gitea.trouble = Trouble("slow", "POST")
    async with agent(hub) as socket:

        async def flood() -> None:
            for number in range(FRAMES):
                await socket.send(create(f"a{number}"))

        flooding = asyncio.create_task(flood())
        await asyncio.to_thread(gitea.arrived.wait, DEADLINE)
        async with hub.client("bob") as bob, hub.client("carol") as carol:
            await bob.send("#general", "others go on")
            assert (await anext(aiter(carol.listen()))).content == "others go on"
            assert await bob.gitea("get_version")
        assert not flooding.done(), "the hub reads no more of them than it works on"
        assert memory_bytes(hub) < 96 * MEBIBYTE
        gitea.trouble = None
        gitea.released.set()
        for number in range(30):
            made = await answer(socket, "gitea_result", "error")
            assert made.get("result"), f"answer {number}: {made}"
        flooding.cancel()


async def test_calls_leave_a_digest_of_the_request_on_disk_and_not_its_text(hub: Hub, gitea: Gitea) -> None:
    async with agent(hub) as socket:
        for number in range(8):
            await socket.send(create(f"a{number}"))
            await answer(socket, "gitea_result")
    held = sum(len(json.dumps(issue)) for issue in gitea.issues["lab/api"])
    # Gitea's answer is kept for repeated requests; the request itself is not.
    assert disk_bytes(hub) < held + 6 * MEBIBYTE


async def test_an_agents_slow_calls_leave_room_for_the_calls_of_others(hub: Hub, gitea: Gitea) -> None:
    gitea.trouble = Trouble("hang", "PATCH")
    async with hub.client("alice") as alice, hub.client("alice") as twin, hub.client("bob") as bob:
        close = {**AT, "issue_number": 1}
        calls = [asyncio.create_task(one.gitea("close_issue", close)) for one in (alice, twin) for _ in range(8)]
        done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        refused = [call.exception() for call in done]
        assert all(isinstance(one, RequestRefused) and one.code == "GITEA_BUSY" for one in refused)
        assert "alice has" in str(refused[0])
        assert await bob.gitea("get_version")
        gitea.released.set()
        await asyncio.gather(*calls, return_exceptions=True)


def test_programs_without_a_name_share_one_share(hub: Hub, gitea: Gitea) -> None:
    def ask(sender: dict[str, str]) -> Any:
        url = f"http://127.0.0.1:{hub.dashboard_port}/api/gitea/actions/close_issue"
        body = json.dumps({**AT, "issue_number": 1, **sender}).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body), timeout=DEADLINE) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            return json.load(error)

    async def flood() -> None:
        gitea.trouble = Trouble("hang", "PATCH")
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(12))
        calls = [loop.run_in_executor(None, ask, {}) for _ in range(9)]
        done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert done.pop().result()["code"] == "GITEA_BUSY"
        gitea.trouble = None
        assert (await asyncio.to_thread(ask, {"sender": "ci"}))["code"] == "GITEA_API_ERROR", "Gitea was asked"
        gitea.released.set()
        await asyncio.gather(*calls)

    asyncio.run(flood())


async def test_a_repeated_request_waits_for_the_first_and_takes_no_share(hub: Hub, gitea: Gitea) -> None:
    gitea.trouble = Trouble("slow", "POST")
    async with agent(hub) as socket, agent(hub) as second:
        frame = create("a1")
        await socket.send(frame)
        await asyncio.to_thread(gitea.arrived.wait, DEADLINE)
        for _ in range(8):
            await second.send(frame)
        gitea.released.set()
        for _ in range(8):
            assert (await answer(second, "gitea_result", "error"))["result"]["number"] == 1
    assert gitea.requests.count("POST /api/v1/repos/lab/api/issues") == 1
