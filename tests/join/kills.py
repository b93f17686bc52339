"""Kills of resident, hub and hook at random moments: nothing is lost, nothing is offered twice without a death between.

`python -m tests.join.kills 200` runs it by hand; the gate runs fewer.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.join.kit import DEADLINE, Fake, Hub, Machine, until

__all__ = ["Trial"]

_NAME = "api-claude"
# A block of a text that names messages again on purpose: at a turn's end, or in a second wake.
_AGAIN = ("Orochi: still unanswered", "Orochi: second notice")
# A hook ends within 50 ms; a kill can come at each moment of it, and shortly after.
_KILL_WITHIN = 0.06


@dataclass
class Trial:
    """A session of Claude Code whose processes die again and again."""

    machine: Machine
    rng: random.Random
    deaths: list[float] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)
    posted: list[int] = field(default_factory=list)
    # Wakes that no turn has begun with.
    woken: list[str] = field(default_factory=list)
    # Of each message, for each time that it was offered: begin and end of the hook or wake that did it.
    offers: dict[int, list[tuple[float, float]]] = field(default_factory=dict)

    def run(self, kills: int) -> None:
        """Kills so often, then lets everything settle and checks it."""
        self.machine.init("claude-code")
        claude = self.machine.session("claude-code")
        self._start(claude)
        while len(self.deaths) < kills:
            for _ in range(self.rng.randint(1, 2)):
                intent = self.rng.choice(["request", "inform"])
                # Another sender each time: the budget of wakes is not what is tried here.
                sender = f"alice-{len(self.posted) % 40}"
                place = self.rng.choice(["#general", f"@{_NAME}"])
                self.posted.append(self.machine.hub.post(place, f"@{_NAME} what of it?", sender, intent))
            self._turn(claude, self.rng.choice(["resident", "hub", "hook"]))
        until(lambda: self._is_settled(claude))
        self._check()

    def _start(self, claude: Fake) -> None:
        claude.start()
        until(lambda: self.machine.hub.row(_NAME))

    def _turn(self, claude: Fake, victim: str | None) -> None:
        """A whole turn, in the middle of which somebody dies."""
        self._take_wakes(claude)
        prompt = self.woken.pop(0) if self.woken else "go on"
        steps: list[tuple[str, dict[str, object]]] = [
            ("UserPromptSubmit", {"prompt": prompt}),
            ("PostToolBatch", {"tool_calls": []}),
            ("PostToolBatch", {"tool_calls": []}),
            ("Stop", {"stop_hook_active": False}),
            ("Stop", {"stop_hook_active": True}),
        ]
        fatal = self.rng.randrange(len(steps)) if victim else -1
        for at, (event, more) in enumerate(steps):
            if at != fatal or victim is None:
                self._hook(claude, event, more)
                continue
            self._hook(claude, event, more, victim)
            if victim == "hub":
                self.machine.hub.start()
            elif victim == "resident" and self.rng.random() < 0.5:
                # Sometimes a hook comes before there is a resident again.
                self._start(claude)
        if victim == "resident" and claude.do(do="is_running")["running"] is False:
            self._start(claude)

    def _hook(self, claude: Fake, event: str, more: dict[str, object], victim: str | None = None) -> None:
        began, after = time.monotonic(), self.rng.uniform(0, _KILL_WITHIN)
        killer = None
        if victim in ("resident", "hub"):
            process = self.machine.hub.process
            assert process is not None
            pid = process.pid if victim == "hub" else claude.do(do="pid")["pid"]
            killer = threading.Timer(after, os.kill, (pid, signal.SIGKILL))
            killer.start()
        text = claude.hook(event, kill_after=after if victim == "hook" else None, **more)
        if killer is not None:
            killer.join()
        if victim == "hub":
            self.machine.hub.kill()
        elif victim == "resident":
            claude.do(do="kill")
        if victim is not None:
            self.deaths.append(time.monotonic())
            self.killed[victim] += 1
        self._note(text or "", began, time.monotonic())
        self._take_wakes(claude)

    def _take_wakes(self, claude: Fake) -> None:
        while not claude.wakes.empty():
            text = claude.wake()
            self._note(text, claude.woken_at, claude.woken_at)
            self.woken.append(text)

    def _note(self, text: str, began: float, ended: float) -> None:
        for block in re.split(r"\n\n(?=Orochi: )", text):
            if not block.startswith(_AGAIN):
                for seq in re.findall(r"^orochi#(\d+) ", block, re.MULTILINE):
                    self.offers.setdefault(int(seq), []).append((began, ended))

    def _is_settled(self, claude: Fake) -> bool:
        self._turn(claude, None)
        asked = ((seq, f"alice-{at % 40}") for at, seq in enumerate(self.posted))
        return all(self.machine.hub.receipt(seq, _NAME, asker) == "seen" for seq, asker in asked)

    def _check(self) -> None:
        lost = [seq for seq in self.posted if seq not in self.offers]
        assert not lost, f"never offered: {lost}"
        twice = {
            seq: times
            for seq, times in self.offers.items()
            if not all(self._died(begin, end) for (begin, _), (_, end) in pairwise(sorted(times)))
        }
        assert not twice, f"offered twice without a death between: {twice}"

    def _died(self, begin: float, end: float) -> bool:
        return any(begin <= death <= end for death in self.deaths)


def main(kills: int, seed: int) -> None:
    """Runs it by hand."""
    with tempfile.TemporaryDirectory() as hub_folder, tempfile.TemporaryDirectory(prefix="oj") as folder:
        hub = Hub(Path(hub_folder), "hub-token").start()
        machine = Machine(Path(folder), hub)
        trial = Trial(machine, random.Random(seed))
        try:
            trial.run(kills)
        finally:
            machine.close()
            hub.kill()
    again = sum(len(times) - 1 for times in trial.offers.values())
    print(f"{len(trial.deaths)} kills {dict(trial.killed)} with seed {seed}: {len(trial.posted)} messages, none lost;")
    print(f"{again} offered again, each after a death; each test step waits at most {DEADLINE:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32))
