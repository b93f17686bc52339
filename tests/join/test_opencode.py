"""opencode, which has tools and no hooks: messages wait until it asks."""

from __future__ import annotations

import json

import pytest

from tests.join.kit import Machine, until


@pytest.mark.parametrize("version", ["1.4.2", "2.0.1"])
def test_opencode_reads_its_file_and_answers_a_mention_that_it_asked_for(machine: Machine, version: str):
    machine.install_opencode(version)
    machine.init("opencode")
    opencode = machine.session("opencode")
    assert "api-opencode" in opencode.start()
    until(lambda: machine.hub.row("api-opencode"))
    config = json.loads((machine.home / ".config" / "opencode" / "opencode.json").read_text())
    assert ("servers" in config["mcp"]) is version.startswith("2")
    assert (machine.hub.row("api-opencode") or {})["reach"] == "poll"
    seq = machine.hub.post("@api-opencode", "which branch?")
    assert f"orochi#{seq}" in opencode.call("wait", timeout=10)
    opencode.call("send", to="@alice", text="main", reply_to=seq)
    until(lambda: machine.hub.receipt(seq, "api-opencode") == "seen")
    assert machine.run("init", "opencode", "--undo", "--yes").returncode == 0
    assert not (machine.home / ".config" / "opencode" / "opencode.json").exists()
