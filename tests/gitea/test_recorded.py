"""The hub and the stand-in against the deliveries and answers of a real Gitea 1.26.3 (tests/gitea/recorded)."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.python.hub import DEADLINE, Hub

RECORDED = Path(__file__).parent / "recorded"
TOLD = RECORDED / "told.json"
SECRET = "s3cret"


def recorded(name: str) -> Any:
    """One file of the recording."""
    return json.loads((RECORDED / name).read_text(encoding="utf-8"))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub that takes the recorded deliveries; the work of two users is agents' work."""
    env = {"OROCHI_GITEA_WEBHOOK_SECRET": SECRET, "OROCHI_GITEA_USERS": "worker=bot,merger=root1"}
    with Hub(tmp_path, env=env) as hub:
        yield hub


def post(hub: Hub, delivery: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """A delivery as it was recorded: the status and the answer."""
    url = f"http://127.0.0.1:{hub.dashboard_port}/api/webhooks/gitea"
    request = urllib.request.Request(url, delivery["body"].encode(), delivery["headers"])
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def message(hub: Hub, seq: int) -> dict[str, Any]:
    """The posted message, without the parts that differ from run to run."""
    with urllib.request.urlopen(
        f"http://127.0.0.1:{hub.dashboard_port}/api/messages/{seq}", timeout=DEADLINE
    ) as response:
        row = json.load(response)
    return {name: row[name] for name in ("channel", "sender", "content", "mentions", "metadata")}


def test_deliveries_of_a_real_gitea_are_told_as_the_golden_file_has_them(hub: Hub) -> None:
    seen = []
    for delivery in recorded("deliveries.json"):
        status, answer = post(hub, delivery)
        told = message(hub, answer["seq"]) if "seq" in answer else None
        event = delivery["headers"]["X-Gitea-Event"]
        seen.append(
            {"case": delivery["case"], "event": event, "status": status, "said": answer["status"], "told": told}
        )
    if os.environ.get("UPDATE_TOLD"):
        TOLD.write_text(json.dumps(seen, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert seen == recorded("told.json")


def test_deliveries_that_come_again_tell_nothing_more(hub: Hub) -> None:
    deliveries = recorded("deliveries.json")
    for delivery in deliveries:
        post(hub, delivery)
    hub.restart()
    for number, delivery in enumerate(reversed(deliveries)):
        headers = {**delivery["headers"], "X-Gitea-Delivery": f"again-{number}"}
        status, answer = post(hub, {**delivery, "headers": headers})
        assert (status, answer["status"]) in [(200, "known"), (202, "ignored")], delivery["case"]
