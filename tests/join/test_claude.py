"""Claude Code: from an empty folder to a mention answered."""

from __future__ import annotations

from tests.join.kit import Machine, until


def test_claude_idle_session_is_woken_and_its_next_hook_makes_the_message_seen(machine: Machine):
    machine.init("claude-code")
    claude = machine.session("claude-code")
    assert "api-claude" in claude.start()
    until(lambda: machine.hub.row("api-claude"))
    assert "api-claude" in (claude.hook("SessionStart", source="startup") or "")
    seq = machine.hub.post("#general", "@api-claude 3 tests fail. Yours?")
    text = claude.wake()
    assert f"orochi#{seq} alice in #general" in text
    assert machine.hub.receipt(seq, "api-claude") != "seen"
    assert claude.hook("UserPromptSubmit", prompt=text) is None
    assert machine.hub.receipt(seq, "api-claude") != "seen", "offered, and no more"
    assert claude.hook("Stop", stop_hook_active=False) is None
    until(lambda: machine.hub.receipt(seq, "api-claude") == "seen")


def test_claude_busy_session_gets_a_mention_between_tools_and_once_more_at_stop(machine: Machine):
    machine.init("claude-code")
    claude = machine.session("claude-code")
    claude.start()
    until(lambda: machine.hub.row("api-claude"))
    claude.hook("UserPromptSubmit", prompt="do it")
    seq = machine.hub.post("@api-claude", "which branch?")
    context = until(lambda: claude.hook("PostToolBatch", tool_calls=[]))
    assert f"orochi#{seq} alice to you" in context
    assert claude.hook("PostToolBatch", tool_calls=[]) is None
    assert f"orochi#{seq}" in (claude.hook("Stop", stop_hook_active=False) or "")
    assert machine.hub.receipt(seq, "api-claude") != "seen"
    assert claude.hook("Stop", stop_hook_active=True) is None
    until(lambda: machine.hub.receipt(seq, "api-claude") == "seen")
    assert claude.wakes.empty()


def test_claude_answer_by_tool_makes_a_request_seen_and_reaches_its_sender(machine: Machine):
    machine.init("claude-code")
    claude = machine.session("claude-code")
    claude.start()
    until(lambda: machine.hub.row("api-claude"))
    seq = machine.hub.post("@api-claude", "which branch?")
    assert f"orochi#{seq}" in claude.call("wait", timeout=10)
    assert machine.hub.receipt(seq, "api-claude") != "seen", "wait consumes nothing"
    claude.call("send", to="@alice", text="main", reply_to=seq)
    until(lambda: machine.hub.receipt(seq, "api-claude") == "seen")
    rows = machine.hub.ask("/api/history/@api-claude?agent=alice")
    assert rows[0]["content"] == "main"
    assert rows[0]["reply_to"] == seq


def test_claude_session_that_dies_between_offer_and_next_hook_gets_it_offered_again(machine: Machine):
    machine.init("claude-code")
    claude = machine.session("claude-code")
    claude.start()
    until(lambda: machine.hub.row("api-claude"))
    claude.hook("UserPromptSubmit", prompt="do it")
    seq = machine.hub.post("@api-claude", "which branch?")
    assert f"orochi#{seq}" in until(lambda: claude.hook("PostToolBatch", tool_calls=[]))
    claude.do(do="kill")
    again = machine.session("claude-code", "s2")
    again.start()
    assert f"orochi#{seq}" in until(lambda: again.hook("UserPromptSubmit", prompt="hello"))


def test_claude_two_sessions_in_one_folder_have_two_names_and_keep_them(machine: Machine):
    machine.init("claude-code")
    first, second = machine.session("claude-code", "s1"), machine.session("claude-code", "s2")
    assert "You are api-claude on" in first.start()
    assert "You are api-claude-2 on" in second.start()
    second.do(do="end")
    assert "You are api-claude-2 on" in second.start()


def test_claude_budget_trips_where_two_agents_answer_everything(machine: Machine):
    machine.init("claude-code")
    claude = machine.session("claude-code")
    claude.start()
    until(lambda: machine.hub.row("api-claude"))
    claude.hook("SessionStart", source="startup")
    for _ in range(12):
        machine.hub.post("@api-claude", "and now?", sender="bob")
        claude.hook("UserPromptSubmit", prompt=claude.wake())
        claude.hook("Stop", stop_hook_active=False)
    machine.hub.post("@api-claude", "and now?", sender="bob")
    row = until(lambda: (row := machine.hub.row("api-claude")) and row["current_task"] == "wake budget spent" and row)
    assert row["status"] == "idle"
    assert claude.wakes.empty()
    assert "and now?" in (claude.hook("UserPromptSubmit", prompt="a person") or "")


def test_claude_that_asks_its_person_is_blocked_and_not_woken(machine: Machine):
    machine.init("claude-code")
    claude = machine.session("claude-code")
    claude.start()
    until(lambda: machine.hub.row("api-claude"))
    claude.hook("UserPromptSubmit", prompt="do it")
    claude.hook("Notification", notification_type="permission_prompt", message="may I?")
    until(lambda: (machine.hub.row("api-claude") or {}).get("status") == "blocked")
