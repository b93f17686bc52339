"""The samples that the project's first README printed, as scripts of their own that talk through a hub."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.python.hub import Hub, clean_environment

QUICK_START = """\
import asyncio
from orochi.client import OrochiClient

async def main():
    async with OrochiClient("my-agent", channels=["#general"]) as client:
        await client.send("#general", "Hello from my-agent")

        async for msg in client.listen():
            print(f"[{msg.channel}] {msg.sender}: {msg.content}")

asyncio.run(main())
"""

# As printed, but for the lines around it: it stands inside a coroutine there too.
CLIENT_API = """\
import asyncio
from orochi.client import OrochiClient

async def main():
    client = OrochiClient(
        name="my-agent",
        channels=["#general", "#builds"],
        token="your-secret-token",
        machine="gpu-server-01",
        role="code-reviewer",
        project="backend-api",
    )

    async with client:
        await client.send("#builds", "Build #42 passed. @deployer ready to ship.")
        await client.update_status(status="busy", current_task="Running test suite")

        agents = await client.who()
        history = await client.query_history("#general", limit=20)
        await client.subscribe("#alerts")

        async for msg in client.listen():
            if "my-agent" in msg.mentions:
                await client.send(msg.channel, f"Got it, {msg.sender}.")

asyncio.run(main())
"""


async def start(hub: Hub, folder: Path, script: str) -> asyncio.subprocess.Process:
    path = folder / "sample.py"
    path.write_text(script)
    env = clean_environment({"OROCHI_PORT": str(hub.port), "PYTHONUNBUFFERED": "1"})
    return await asyncio.create_subprocess_exec(
        sys.executable, str(path), env=env, cwd=folder, stdout=asyncio.subprocess.PIPE
    )


async def test_the_quick_start_says_hello_and_prints_what_it_hears(hub, tmp_path):
    async with hub.client("listener") as client:
        sample = await start(hub, tmp_path, QUICK_START)
        try:
            hello = await anext(client.listen())
            assert (hello.channel, hello.sender, hello.content) == ("#general", "my-agent", "Hello from my-agent")
            await hello.reply("welcome")
            assert sample.stdout is not None
            assert await sample.stdout.readline() == b"[#general] listener: welcome\n"
        finally:
            sample.kill()
            await sample.communicate()


async def test_two_quick_starts_talk(hub, tmp_path):
    first = await start(hub, tmp_path, QUICK_START.replace("my-agent", "first"))
    try:
        async with hub.client("watcher") as client:
            while "first" not in await client.who():
                await asyncio.sleep(0)
            second = await start(hub, tmp_path, QUICK_START.replace("my-agent", "second"))
            assert first.stdout is not None
            assert await first.stdout.readline() == b"[#general] second: Hello from second\n"
            second.kill()
            await second.communicate()
    finally:
        first.kill()
        await first.communicate()


async def test_the_client_api_sample_answers_whoever_mentions_it(start_hub, tmp_path):
    hub = start_hub(token="your-secret-token")
    async with hub.client("deployer", channels=["#alerts"]) as client:
        sample = await start(hub, tmp_path, CLIENT_API)
        try:
            messages = client.listen()
            built = await anext(messages)
            assert (built.channel, built.mentions) == ("#builds", ["deployer"])
            await built.reply("which one, @my-agent?")
            # The sample answers where it was asked, and the deployer is not in that channel.
            while (newest := (await client.query_history("#builds"))[0])["sender"] != "my-agent":
                pass
            assert newest["content"] == "Got it, deployer."
            row = (await client.who(detail=True))["my-agent"]
            assert (row["status"], row["current_task"]) == ("busy", "Running test suite")
            assert (row["machine"], row["role"], row["project"]) == ("gpu-server-01", "code-reviewer", "backend-api")
            assert sorted(row["channels"]) == ["#alerts", "#builds", "#general"]
        finally:
            sample.kill()
            await sample.communicate()
