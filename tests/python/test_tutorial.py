"""docs/tutorial.md, as it stands there: its programs, in its order, through its kill of the hub."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from tests.python.hub import Hub, clean_environment

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"


async def start(hub: Hub, folder: Path, name: str) -> asyncio.subprocess.Process:
    """The program that the page saves as `name`.py."""
    blocks = re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = [block for block in blocks if f'OrochiClient("{name}"' in block]
    path = folder / f"{name}.py"
    path.write_text(block)
    env = clean_environment({"OROCHI_PORT": str(hub.port)})
    return await asyncio.create_subprocess_exec(
        sys.executable, str(path), env=env, cwd=folder, stdout=asyncio.subprocess.PIPE
    )


async def line(program: asyncio.subprocess.Process) -> str:
    assert program.stdout is not None
    return (await program.stdout.readline()).decode().rstrip()


async def end(program: asyncio.subprocess.Process) -> None:
    if program.returncode is None:
        program.kill()
    await program.communicate()


async def test_tutorial_loses_nothing_through_its_kill(hub: Hub, tmp_path: Path) -> None:
    bob = await start(hub, tmp_path, "bob")
    alice: asyncio.subprocess.Process | None = None
    try:
        assert await line(bob) == "bob is online"
        alice = await start(hub, tmp_path, "alice")
        assert await line(bob) == "#1 alice: @bob which branch?"
        assert [await line(alice), await line(alice)] == ["#1 is on disk; bob is online", "bob: on it"]
        await end(alice)
        async with hub.client("watcher") as watcher:
            # A person who follows the page takes longer to type than bob's client to say that he has seen it.
            while (await watcher.receipts(1))["bob"] != "seen":
                await asyncio.sleep(0)
            await end(bob)
            while "bob" in await watcher.who():
                await asyncio.sleep(0)
        alice = await start(hub, tmp_path, "alice")
        assert await line(alice) == "#3 is on disk; bob is offline"
        hub.kill()
        hub.start()
        bob = await start(hub, tmp_path, "bob")
        assert [await line(bob), await line(bob)] == ["bob is online", "#3 alice: @bob which branch?"]
        assert await line(alice) == "bob: on it"
    finally:
        await end(bob)
        if alice is not None:
            await end(alice)
