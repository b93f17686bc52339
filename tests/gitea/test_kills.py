"""The hub is killed at random points between a request and Gitea's answer, and between a delivery, its message and its
note: every answer is known in the end, each thing is made once, and each event is told once.

`KILLS` sets how many times; the gate does a few.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import threading
from pathlib import Path
from typing import Any

from tests.gitea.standin import TOKEN, Gitea
from tests.gitea.test_late import environment, lines, opened
from tests.gitea.test_once import agent, answer
from tests.gitea.test_webhooks import deliver
from tests.python.hub import Hub

KILLS = int(os.environ.get("KILLS", "6"))
# Longer than a request takes from the agent to Gitea and back.
WITHIN_SECONDS = 0.06


async def test_kills_between_a_request_and_its_answer_leave_nothing_unknown(gitea: Gitea, tmp_path: Path) -> None:
    chance = random.Random(20)
    gitea.new_issue({"owner": "lab", "repo": "api"}, {}, {"title": "held"})
    with Hub(tmp_path, env={"GITEA_URL": gitea.url, "GITEA_TOKEN": TOKEN}) as hub:
        for number in range(KILLS):
            action, params = [
                ("create_issue", {"owner": "lab", "repo": "api", "title": f"issue {number}"}),
                ("add_comment", {"owner": "lab", "repo": "api", "issue_number": 1, "body": f"comment {number}"}),
                ("create_repo", {"name": f"repo-{number}", "org": "lab"}),
                ("create_org", {"name": f"org-{number}"}),
            ][number % 4]
            frame = json.dumps({"type": "gitea", "id": f"k{number}", "payload": {"action": action, "params": params}})
            async with agent(hub) as socket:
                await socket.send(frame)
                # Until a moment by chance, whatever comes.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(chance.uniform(0, WITHIN_SECONDS)):
                        while True:
                            await socket.recv()
                hub.kill()
            hub.start()
            async with agent(hub) as socket:
                await socket.send(frame)
                assert (await answer(socket, "gitea_result", "error")).get("result"), (number, action)
    titles = [issue["title"] for issue in gitea.issues["lab/api"]]
    bodies = [comment["body"].split("\n")[0] for comment in gitea.comments.get("lab/api", [])]
    for number in range(KILLS):
        seen = [titles.count(f"issue {number}"), bodies.count(f"comment {number}")]
        seen += [f"lab/repo-{number}" in gitea.issues, f"org-{number}" in gitea.orgs]
        assert seen[number % 4] == 1, number


def test_kills_between_a_delivery_and_its_note_lose_and_double_nothing(gitea: Gitea, tmp_path: Path) -> None:
    chance = random.Random(21)
    with Hub(tmp_path, token="t0ken", env=environment(gitea)) as hub:
        assert deliver(hub, "issues", opened(gitea, "first"))[0] == 202
        for number in range(KILLS):
            body = opened(gitea, f"event {number}")

            def send(body: dict[str, Any] = body) -> None:
                # Gitea does not try again either.
                with contextlib.suppress(OSError):
                    deliver(hub, "issues", body)

            sending = threading.Thread(target=send)
            sending.start()
            sending.join(chance.uniform(0, 0.02))
            hub.kill()
            sending.join()
            hub.start()
        rows = lines(hub, KILLS + 1)
    titles = [row["metadata"]["gitea"]["title"] for row in rows]
    assert sorted(titles) == sorted(["first", *(f"event {number}" for number in range(KILLS))])
