"""`orochi init`: files that belong to others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.join.kit import Machine, until
from tests.join.kit import program as _program

FOREIGN = '{\n\t"model": "opus",\n\t"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "mine"}]}]}}'


def _settings(machine: Machine) -> Path:
    path = machine.home / ".claude" / "settings.json"
    path.parent.mkdir(exist_ok=True)
    return path


def test_init_merges_into_foreign_hooks_twice_and_undo_restores_the_bytes(machine: Machine):
    path = _settings(machine)
    path.write_text(FOREIGN)
    machine.init("claude-code")
    once = path.read_text()
    stops = json.loads(once)["hooks"]["Stop"]
    assert [group["hooks"][0]["command"].rsplit("/", 1)[-1] for group in stops] == ["mine", "orochi hook"]
    machine.init("claude-code")
    assert path.read_text() == once
    assert machine.run("init", "claude-code", "--undo", "--yes").returncode == 0
    assert path.read_text() == FOREIGN
    assert json.loads((machine.home / ".claude.json").read_text()) == {"mcpServers": {}}


def test_init_undo_in_a_file_that_somebody_changed_takes_only_its_own_out(machine: Machine):
    path = _settings(machine)
    machine.init("claude-code")
    changed = json.loads(path.read_text()) | {"theme": "dark"}
    path.write_text(json.dumps(changed))
    assert machine.run("init", "claude-code", "--undo", "--yes").returncode == 0
    assert json.loads(path.read_text()) == {"theme": "dark"}


def test_init_undo_removes_the_file_that_it_made(machine: Machine):
    machine.init("cursor")
    assert machine.run("init", "cursor", "--undo", "--yes").returncode == 0
    assert not (machine.home / ".cursor" / "hooks.json").exists()


@pytest.mark.parametrize("text", ["{ // mine\n}", "{", "[]"])
def test_init_leaves_a_file_that_it_can_not_edit_and_shows_what_to_paste(machine: Machine, text: str):
    path = _settings(machine)
    path.write_text(text)
    done = machine.run("init", "claude-code", "--yes")
    assert done.returncode == 1
    assert "settings.json is left as it is" in done.stderr
    assert "orochi hook" in done.stderr
    assert path.read_text() == text
    assert not (machine.home / ".claude.json").exists()


def test_init_checks_all_files_before_it_writes_one(machine: Machine):
    hooks = machine.home / ".cursor" / "hooks.json"
    hooks.parent.mkdir()
    hooks.write_text("{}")
    hooks.chmod(0o444)
    done = machine.run("init", "cursor", "--yes")
    assert done.returncode == 1
    assert "read-only" in done.stderr
    assert hooks.read_text() == "{}"
    assert not (machine.home / ".cursor" / "mcp.json").exists()


def test_init_without_a_person_to_ask_changes_nothing(machine: Machine):
    done = machine.run("init", "claude-code")
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert not (machine.home / ".claude").exists()


def test_init_keeps_the_token_in_no_clients_file(machine: Machine):
    machine.init("claude-code")
    machine.init("codex")
    kept = machine.home / ".config" / "orochi" / "hub.toml"
    assert "hub-token" in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600
    files = [path for folder in (".claude", ".codex") for path in (machine.home / folder).rglob("*") if path.is_file()]
    assert files
    assert not any("hub-token" in path.read_text() for path in [*files, machine.home / ".claude.json"])


def test_init_writes_through_symbolic_links(machine: Machine):
    real = machine.home / "dotfiles.json"
    real.write_text("{}")
    _settings(machine).symlink_to(real)
    machine.init("claude-code")
    assert _settings(machine).is_symlink()
    assert "orochi hook" in real.read_text()


def test_doctor_tells_what_is_wrong(machine: Machine):
    machine.init("claude-code")
    well = machine.run("doctor")
    assert well.returncode == 0, well.stdout
    assert "claude-code: set up in" in well.stdout
    wrong = machine.run("doctor", OROCHI_TOKEN="wrong")
    assert wrong.returncode == 1
    assert "refuses the token" in wrong.stdout
    machine.hub.kill()
    down = machine.run("doctor")
    assert down.returncode == 1
    assert "orochi serve" in down.stdout


def test_resident_whose_token_is_refused_says_so_to_tools_status_bar_and_doctor(machine: Machine):
    machine.init("claude-code")
    claude = machine.session("claude-code")
    kept = machine.home / ".config" / "orochi" / "hub.toml"
    kept.write_text(kept.read_text().replace("hub-token", "old-token"))
    claude.start()
    until(lambda: "refuses the token" in claude.call("inbox"))
    assert "hub.toml" in claude.call("send", to="@alice", text="hello")
    shown = claude.do(do="hook", command=f"{_program()} statusline", text="{}")
    assert shown["out"] == "orochi api-claude · refused by the hub: orochi doctor\n"
    doctor = claude.do(do="hook", command=f"{_program()} doctor", text="")
    assert doctor["code"] == 1
    assert "resident: api-claude, not connected: the Orochi hub at" in doctor["out"]
