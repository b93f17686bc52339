#!/usr/bin/env python3
"""Measures the delay of `caught_up` after the last replayed message; docs/performance.md has the table."""

from __future__ import annotations

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from measures import run_load  # noqa: E402
from peers import Failed, Orochi  # noqa: E402

# Messages that were missed, and how often an agent comes back to them.
MISSED = {100: 1000, 10_000: 200, 100_000: 30}
# Messages a second that others send meanwhile.
RATES = (0, 1000)
GAP_MS_MAX = 20.0


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: bench/caught_up.py OROCHI OROCHI_LOAD (release builds)", file=sys.stderr)
        return 2
    orochi, load = (Path(path).resolve() for path in sys.argv[1:])
    print("| missed | others send | resumes | after the last message: p50, p99, most | the whole resume: p50, p99 |")
    print("|---|---|---|---|---|")
    worst = 0.0
    try:
        for rate in RATES:
            for missed, resumes in MISSED.items():
                with Orochi(orochi).running() as hub:
                    flags = ["--missed", missed, "--resumes", resumes, "--rate", rate]
                    result = run_load([load, "caught-up", "--address", hub.address, *flags], "caught_up")
                gap, whole = result["gap_ms"], result["whole_ms"]
                worst = max(worst, gap["p99"])
                print(
                    f"| {missed} | {rate}/s | {resumes} | {gap['p50']}, {gap['p99']}, {gap['max']} ms"
                    f" | {whole['p50']}, {whole['p99']} ms |",
                    flush=True,
                )
    except Failed as failed:
        print(f"bench/caught_up.py: {failed}", file=sys.stderr)
        return 1
    return 0 if worst <= GAP_MS_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
