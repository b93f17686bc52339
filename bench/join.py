"""Measures the service for a coding agent: its hooks, its wakes, and the way from nothing to an answered mention.

    OROCHI_TEST_BINARY=target/release/orochi PYTHONPATH=. python bench/join.py

The agent is the tests' fake of Claude Code. Prints a line for each figure, with what is required.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from tests.join.kit import Fake, Hub, Machine, until

HOOKS, WAKES = 200, 200
NAME = "api-claude"
# Wakes by one sender in ten minutes, and by all in an hour, after which a person's prompt is due.
SENDER_MAX, AGENT_MAX = 10, 25


def percentile(values: list[float], share: float) -> float:
    """The value below which this share lies, in milliseconds."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] * 1000


def hooks(claude: Fake) -> list[float]:
    """Whole runs of the hook between two tools, with nothing to say."""
    took = []
    for _ in range(HOOKS):
        claude.hook("PostToolBatch", tool_calls=[])
        took.append(claude.hook_seconds)
    return took


def shells() -> list[float]:
    """The same for a shell that starts a program that does nothing: what no hook can be faster than."""
    took = []
    for _ in range(HOOKS):
        began = time.monotonic()
        subprocess.run(["sh", "-c", "exec true"], check=True, capture_output=True, stdin=subprocess.DEVNULL)
        took.append(time.monotonic() - began)
    return took


def wakes(machine: Machine, claude: Fake) -> list[float]:
    """From the hub's acceptance of a mention, before it is on disk, to its arrival at the inbox socket."""
    took = []
    for number in range(WAKES):
        if number % AGENT_MAX == 0:
            claude.hook("UserPromptSubmit", prompt="a person's")
            claude.hook("Stop", stop_hook_active=False)
        seq = machine.hub.post(f"@{NAME}", "what of it?", f"alice-{number // SENDER_MAX}")
        text = claude.wake()
        while f"orochi#{seq} " not in text:
            # A wake for an older message, which the resident that was killed had offered.
            claude.hook("UserPromptSubmit", prompt=text)
            claude.hook("Stop", stop_hook_active=False)
            text = claude.wake()
        accepted = datetime.fromisoformat(machine.hub.ask(f"/api/messages/{seq}")["ts"])
        took.append(claude.woken_wall - accepted.timestamp())
        claude.hook("UserPromptSubmit", prompt=text)
        claude.hook("Stop", stop_hook_active=False)
    return took


def answered(machine: Machine) -> tuple[float, float]:
    """From `orochi init` in an empty folder to the answer's arrival: all of it, and `init` alone."""
    began = time.monotonic()
    machine.init("claude-code")
    initialised = time.monotonic() - began
    claude = machine.session("claude-code")
    claude.start()
    claude.hook("SessionStart", source="startup")
    until(lambda: machine.hub.row(NAME))
    seq = machine.hub.post("#general", f"@{NAME} which branch?")
    claude.hook("UserPromptSubmit", prompt=claude.wake())
    claude.call("send", to="#general", text="@alice main", reply_to=seq)
    rows = machine.hub.ask(f"/api/history/general?after={seq}")
    assert rows[0]["reply_to"] == seq
    return time.monotonic() - began, initialised


def show(what: str, required: str, values: list[float], is_met: bool) -> bool:
    """One line."""
    p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
    print(f"{what}: p50 {p50:.1f} ms, p99 {p99:.1f} ms; required {required}: {'met' if is_met else 'MISSED'}")
    return is_met


def main() -> int:
    """All figures; 1 where one is missed."""
    print(f"{os.cpu_count()} processors, load before: {' '.join(f'{load:.1f}' for load in os.getloadavg())}")
    met = []
    with tempfile.TemporaryDirectory() as hub_folder, tempfile.TemporaryDirectory(prefix="oj") as folder:
        hub = Hub(Path(hub_folder), "bench").start()
        machine = Machine(Path(folder), hub)
        try:
            took, initialised = answered(machine)
            met.append(took < 60)
            print(f"init to a mention answered: {took:.2f} s, of which init {initialised:.2f} s; required 60 and 2 s")
            show("a shell that starts nothing", "nothing", shells(), True)
            claude = machine.sessions[0]
            claude.hook("Stop", stop_hook_active=True)
            claude.hook("UserPromptSubmit", prompt="a person's")
            for what, required in [("a resident", 8), ("a hub on loopback", 30), ("neither", 50)]:
                if required == 30:
                    claude.do(do="kill")
                elif required == 50:
                    hub.kill()
                values = hooks(claude)
                is_met = percentile(values, 0.5) <= required
                met.append(show(f"a hook with {what}", f"{required} ms", values, is_met))
            hub.start()
            claude.start()
            until(lambda: machine.hub.row(NAME))
            claude.hook("Stop", stop_hook_active=True)
            values = wakes(machine, claude)
            is_met = percentile(values, 0.5) <= 5 and percentile(values, 0.99) <= 25
            met.append(show("accepted to the inbox socket", "p50 5 ms, p99 25 ms", values, is_met))
        finally:
            machine.close()
            hub.kill()
    print(f"load after: {' '.join(f'{load:.1f}' for load in os.getloadavg())}")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
