"""Codex with its command on the path: an idle session is woken by `codex queue`."""

from __future__ import annotations

import json
from typing import Any

from tests.join.kit import Machine, until


def test_codex_idle_session_is_woken_by_its_queue_and_the_mention_is_answered(machine: Machine):
    queue = machine.install_codex()
    told = machine.init("codex")
    assert "/hooks" in told
    codex = machine.session("codex", "0199-thread")
    assert "api-codex" in codex.start()
    until(lambda: machine.hub.row("api-codex"))
    assert (machine.hub.row("api-codex") or {})["reach"] != "wake", "the thread is not known before its first hook"
    codex.hook("SessionStart", source="startup")
    until(lambda: (machine.hub.row("api-codex") or {}).get("reach") == "wake")
    seq = machine.hub.post("@api-codex", "-h; which branch?\n--message=x")
    until(lambda: queue.exists() and queue.read_text().endswith("\n"))
    (line,) = queue.read_text().splitlines()
    queued: dict[str, Any] = json.loads(line)
    assert queued["thread"] == "0199-thread"
    assert f"orochi#{seq} alice to you" in queued["message"]
    assert codex.hook("UserPromptSubmit", prompt=queued["message"]) is None
    codex.call("send", to="@alice", text="main", reply_to=seq)
    until(lambda: machine.hub.receipt(seq, "api-codex") == "seen")
    assert machine.hub.ask("/api/history/@api-codex?agent=alice")[0]["reply_to"] == seq


def test_codex_that_can_not_be_run_leaves_the_mention_for_its_next_turn(machine: Machine):
    queue = machine.install_codex()
    machine.init("codex")
    codex = machine.session("codex", "0199-thread")
    codex.start()
    until(lambda: machine.hub.row("api-codex"))
    (machine.home / "bin" / "codex").unlink()
    codex.hook("SessionStart", source="startup")
    seq = machine.hub.post("@api-codex", "which branch?")
    until(lambda: (machine.hub.row("api-codex") or {}).get("reach") == "turn")
    assert f"orochi#{seq}" in (codex.hook("UserPromptSubmit", prompt="a person's") or "")
    assert not queue.exists()
