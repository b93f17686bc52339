"""tests/gitea_live, which is meant for a real Gitea, holds with the stand-in, which is held against the recording."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from tests.gitea.standin import TOKEN, Gitea
from tests.python.hub import clean_environment

SCRIPT = Path(__file__).parents[1] / "gitea_live"
# Of the whole script.
SECONDS = 120


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    """The script in a process of its own, with the hub that the other tests use."""
    binary = {name: os.environ[name] for name in ("OROCHI_TEST_BINARY",) if name in os.environ}
    env = clean_environment({**binary, **environment})
    return subprocess.run([sys.executable, SCRIPT], env=env, capture_output=True, text=True, timeout=SECONDS)


async def test_live_cases_hold_with_the_stand_in(gitea: Gitea) -> None:
    seen = await asyncio.to_thread(run, GITEA_URL=gitea.url, GITEA_TOKEN=TOKEN)
    assert seen.returncode == 0, seen.stdout + seen.stderr
    lines = seen.stdout.splitlines()
    assert lines[0].startswith("Gitea 1.26.3 at ")
    assert "all cases hold with Gitea 1.26.3" in lines
    assert sum(line.startswith("ok  ") for line in lines) >= 40
    assert TOKEN not in seen.stdout + seen.stderr


def test_live_script_without_a_server_says_what_to_set() -> None:
    seen = run()
    assert (seen.returncode, seen.stderr.splitlines()[0]) == (1, "set GITEA_URL and GITEA_TOKEN")
