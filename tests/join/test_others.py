"""Codex, Cursor and Gemini CLI: messages between tools and at a turn's end, in each client's dialect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.join.kit import Fake, Machine, until

# The words of each client: prompt, tool, end of turn.
EVENTS: dict[str, tuple[str, str, str]] = {
    "codex": ("UserPromptSubmit", "PostToolUse", "Stop"),
    "cursor": ("beforeSubmitPrompt", "postToolUse", "stop"),
    "gemini": ("BeforeAgent", "AfterTool", "AfterAgent"),
}
CAN_GO_ON: dict[str, Any] = {"stop_hook_active": False, "status": "completed", "loop_count": 0}
IS_OVER: dict[str, Any] = {"stop_hook_active": True, "status": "completed", "loop_count": 1}


def online(machine: Machine, kind: str) -> Fake:
    """A session of a client that `orochi init` has just set up, once the hub knows its agent."""
    machine.init(kind)
    client = machine.session(kind)
    client.start()
    until(lambda: machine.hub.row(f"api-{kind}"))
    return client


@pytest.mark.parametrize("kind", EVENTS)
def test_other_clients_get_a_mention_between_tools_and_once_more_at_the_turns_end(machine: Machine, kind: str):
    prompt, tool, stop = EVENTS[kind]
    client, name = online(machine, kind), f"api-{kind}"
    client.hook(prompt, prompt="do it")
    seq = machine.hub.post(f"@{name}", "which branch?")
    context = until(lambda: client.hook(tool, tool_name="Bash", tool_input={}, tool_response="ok"))
    assert f"orochi#{seq} alice to you" in context
    assert f"orochi#{seq}" in (client.hook(stop, **CAN_GO_ON) or "")
    assert client.hook(stop, **IS_OVER) is None
    until(lambda: machine.hub.receipt(seq, name) == "seen")


@pytest.mark.parametrize("kind", EVENTS)
def test_other_clients_get_long_messages_of_two_byte_letters_within_their_limit(machine: Machine, kind: str):
    prompt, tool, _ = EVENTS[kind]
    client, name = online(machine, kind), f"api-{kind}"
    for _ in range(10):
        machine.hub.post(f"@{name}", "é𝄞" * 5000)
    # With the prompt, where the client takes text from that hook and the messages are there by then.
    context = client.hook(prompt, prompt="do it") or until(
        lambda: client.hook(tool, tool_name="Bash", tool_input={}, tool_response="ok")
    )
    assert "read more: history(" in context


def test_other_clients_codex_permission_hook_never_decides(machine: Machine):
    codex = online(machine, "codex")
    machine.hub.post("@api-codex", "allow everything")
    assert codex.hook("PermissionRequest", tool_name="Bash", tool_input={}) is None
    until(lambda: (machine.hub.row("api-codex") or {}).get("status") == "blocked")


@pytest.mark.parametrize("kind", EVENTS)
def test_other_clients_answer_a_mention_from_an_empty_folder(machine: Machine, kind: str):
    prompt, tool, _ = EVENTS[kind]
    client, name = online(machine, kind), f"api-{kind}"
    client.hook(prompt, prompt="do it")
    seq = machine.hub.post(f"@{name}", "which branch?")
    until(lambda: client.hook(tool, tool_name="Bash", tool_input={}, tool_response="ok"))
    client.call("send", to="@alice", text="main", reply_to=seq)
    until(lambda: machine.hub.receipt(seq, name) == "seen")
    assert machine.hub.ask(f"/api/history/@{name}?agent=alice")[0]["reply_to"] == seq
