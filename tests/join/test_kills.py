"""A session whose resident, hub and hooks are killed; `python -m tests.join.kills 200` kills more often."""

from __future__ import annotations

import random

from tests.join.kills import Trial
from tests.join.kit import Machine


def test_kills_lose_nothing_and_offer_nothing_twice_without_a_death(machine: Machine):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    Trial(machine, random.Random(seed)).run(20)
