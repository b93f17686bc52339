"""docs/python.md's Gitea sample, as it stands there, in a process of its own."""

from __future__ import annotations

import asyncio
import re
import sys
import textwrap
from pathlib import Path

from tests.gitea.standin import Gitea
from tests.python.hub import DEADLINE, Hub, clean_environment

PAGE = Path(__file__).resolve().parents[2] / "docs" / "python.md"


def sample() -> str:
    """The block that talks of Gitea, and the lines that make a script of it."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (block,) = [block for block in blocks if "gitea.create_issue" in block]
    assert block.count("\n") < 15
    body = textwrap.indent(block, "    ")
    return f"import asyncio\nfrom orochi import OrochiClient\n\nasync def main():\n{body}\nasyncio.run(main())\n"


async def test_sample_files_lists_comments_and_closes(hub: Hub, gitea: Gitea, tmp_path: Path) -> None:
    script = tmp_path / "sample.py"
    script.write_text(sample())
    env = clean_environment({"OROCHI_PORT": str(hub.port), "PYTHONUNBUFFERED": "1"})
    async with hub.client("ana") as ana:
        running = await asyncio.create_subprocess_exec(
            sys.executable, str(script), env=env, cwd=tmp_path, stdout=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(DEADLINE):
                while "filer" not in await ana.who():
                    pass
                await ana.send("@filer", "it fails, @filer")
                assert (await anext(ana.listen())).content == "Filed as #1."
                assert running.stdout is not None
                assert await running.stdout.readline() == b"1 It fails on gpu-1\n"
            assert await asyncio.to_thread(gitea.closed.wait, DEADLINE)
        finally:
            running.kill()
            await running.communicate()
    (issue,) = gitea.issues["lab/api"]
    assert (issue["state"], issue["comments"]) == ("closed", 1)
    assert issue["body"].startswith("it fails, @filer\n\n---\n")
