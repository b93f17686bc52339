"""`orochi gitea` in a terminal."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.gitea.standin import Gitea
from tests.python.hub import Hub, clean_environment, orochi_command


def orochi(hub: Hub, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One run of the command line as the agent `ana`."""
    place = ["--host", "127.0.0.1", "--port", str(hub.port), "--name", "ana"]
    command = [*orochi_command(), *place, "gitea", *arguments]
    return subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False)


def test_a_person_files_lists_comments_and_closes(hub: Hub, gitea: Gitea) -> None:
    url = f"{gitea.url}/lab/api/issues/1"
    made = orochi(hub, "create", "lab/api", "It fails", "--body", "See the log.", "--label", "bug", "--assignee", "bob")
    assert (made.returncode, made.stdout) == (0, f"#1     open    It fails  {url}\n")
    assert gitea.issues["lab/api"][0]["body"].endswith("`ana`")
    assert orochi(hub, "issues", "lab/api").stdout == made.stdout
    assert orochi(hub, "comment", "lab/api", "1", "Mended.").stdout == "Commented on lab/api#1\n"
    assert orochi(hub, "close", "lab/api", "1").stdout == f"#1     closed  It fails  {url}\n"
    assert orochi(hub, "issues", "lab/api").stdout == "No open issues in lab/api.\n"
    assert orochi(hub, "reopen", "lab/api", "1").returncode == 0
    assert orochi(hub, "repos", "--org", "lab").stdout == "lab/api\n"
    assert json.loads(orochi(hub, "issues", "lab/api", "--json").stdout)[0]["number"] == 1
    assert json.loads(orochi(hub, "call", "get_version").stdout) == {"version": "1.26.3"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["issues", "lab"], 2, "expected owner/repo"),
        (["issues", "lab/none"], 1, "no repository lab/none"),
        (["create", "lab/api", "t", "--label", "bogus"], 1, "bug, later"),
        (["call", "close_isue"], 1, "close_issue"),
        (["call", "get_version", "[1]"], 2, "expected a JSON object"),
    ],
)
def test_what_is_wrong_is_said(hub: Hub, arguments: list[str], code: int, words: str) -> None:
    run = orochi(hub, *arguments)
    assert (run.returncode, run.stdout) == (code, "")
    assert words in run.stderr
