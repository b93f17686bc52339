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


def test_a_person_looks_around(hub: Hub, gitea: Gitea) -> None:
    orochi(hub, "create", "lab/api", "It fails", "--body", "See the log.\nIt is long.")
    shown = orochi(hub, "show", "lab/api", "1").stdout.splitlines()
    assert shown[0].startswith("#1     open    It fails  http")
    assert shown[1:4] == ["", "    See the log.", "    It is long."]
    assert orochi(hub, "labels", "lab/api").stdout == "bug\nlater\n"
    assert orochi(hub, "labels", "bob/site").stdout == "No labels in bob/site.\n"
    assert orochi(hub, "pulls", "lab/api").stdout == "No open pull requests in lab/api.\n"
    gitea.new_pull("lab/api", "Mend it")
    assert orochi(hub, "pulls", "lab/api", "--state", "all").stdout.startswith("#2     open    Mend it  http")
    assert orochi(hub, "repos", "bob").stdout == "bob/site\n"


def test_params_of_a_call_are_written_as_key_and_value(hub: Hub, gitea: Gitea) -> None:
    made = orochi(hub, "call", "create_issue", "owner=lab", "repo=api", "title=42", "body=a=b", "labels=bug,72")
    issue = json.loads(made.stdout)
    assert (issue["title"], [label["name"] for label in issue["labels"]]) == ("42", ["bug", "later"])
    assert issue["body"].startswith("a=b\n")
    at = ["owner=lab", '{"repo": "api"}', "issue_number=1"]
    assert json.loads(orochi(hub, "call", "assign", *at, "assignees=bob").stdout)["assignee"]["login"] == "bob"
    assert json.loads(orochi(hub, "call", "assign", *at, "assignees=").stdout)["assignees"] is None
    assert json.loads(orochi(hub, "call", "create_repo", "name=own", "private=true").stdout)["private"] is True


def test_what_gitea_left_out_is_said_on_stderr(hub: Hub, gitea: Gitea) -> None:
    run = orochi(hub, "call", "create_issue", "owner=lab", "repo=api", f"title={'t' * 300}", "labels=bug,99999")
    assert run.stderr == "Gitea ignored these labels: 99999\nGitea cut the title to 255 columns\n"
    assert json.loads(run.stdout)["labels_dropped"] == [99999]
    gitea.strangers.add("bot")
    run = orochi(hub, "create", "lab/api", "t", "--label", "bug", "--assignee", "bob")
    assert (run.returncode, run.stderr) == (0, "Gitea ignored these labels: 71\nGitea did not assign: bob\n")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["issues", "lab"], 2, "expected owner/repo"),
        (["issues", "lab/none"], 1, "no repository lab/none"),
        (["create", "lab/api", "t", "--label", "bogus"], 1, "bug, later"),
        (["call", "close_isue"], 1, "close_issue"),
        (["call", "get_version", "[1]"], 2, "expected a JSON object"),
        (["call", "get_version", "owner"], 2, "expected key=value"),
        (["call", "get_issue", "issue_number=x"], 2, "expected issue_number to be a number"),
        (["create", "lab/api", " "], 1, "not blank"),
    ],
)
def test_what_is_wrong_is_said(hub: Hub, arguments: list[str], code: int, words: str) -> None:
    run = orochi(hub, *arguments)
    assert (run.returncode, run.stdout) == (code, "")
    assert words in run.stderr
