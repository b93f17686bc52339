"""The table: one row a measure, with the number that is required, both hubs, and the ratio."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass
from pathlib import Path

from building import Built
from measures import IDLE_CONNECTIONS, Samples
from peers import OldHub, Orochi

__all__ = ["render", "write_readme"]

README = Path(__file__).resolve().parent / "README.md"
BEGIN, END = "<!-- table begins: bench/run writes this -->", "<!-- table ends -->"
MIB = 1024 * 1024


@dataclass(frozen=True)
class Row:
    """What a row says, where its numbers are, and what is required of them."""

    label: str
    samples: str
    at_least: float | None = None
    at_most: float | None = None
    # Of the other's number.
    times: float | None = None
    ours: str = Orochi.name
    other: str = OldHub.name


ROWS = [
    Row("1 sender, 1 receiver, window 256: acked/s", "acked_1_1", at_least=60_000, times=100),
    Row("16 senders, 1 receiver: acked/s", "acked_16_1", at_least=60_000),
    Row("64 senders, 1 receiver: acked/s", "acked_64_1", at_least=60_000),
    Row("1 sender, 20 receivers: deliveries/s", "delivered_1_20", at_least=500_000),
    Row("hub CPU a delivery, 1 to 20: µs", "cpu", at_most=2),
    Row("1 000/s from 4 senders, send to delivery, p50: ms", "p50"),
    Row("the same, p99: ms", "p99", at_most=3),
    Row("the same, send to ack, p99: ms", "ack_p99", at_most=3),
    Row("the same, rate held: messages/s", "held"),
    Row("memory of an empty hub: MiB", "memory", at_most=12),
    Row(f"memory an idle connection, of {IDLE_CONNECTIONS}: KiB", "memory_idle", at_most=20),
    Row("start to first agent registered: ms", "start", at_most=30),
    Row("Python `listen()`: messages/s, beside 0.1.0's", "intake", at_least=200_000, ours="orochi", other="old client"),
    Row("the same, beside `websockets` and `json`", "intake", times=2, ours="orochi", other="websockets and json"),
    Row("the same, beside `websockets`, frames only counted", "intake", times=2, ours="orochi", other="websockets"),
]


def render(samples: Samples, built: Built, rounds: int, command: str, busy: float) -> str:
    """The machine, the command and the table, as Markdown."""
    lines = [
        f"`{command}`, medians of {rounds} rounds, the least and the most in brackets. {_machine()} "
        f"Before the run other processes used {busy:.0%} of it.",
        "",
        "| | required | Orochi | the other: scitex-orochi 0.1.0, or as said | ratio | met |",
        "|---|---|---|---|---|---|",
        *(_line(row, samples.of(row.samples, row.ours), samples.of(row.samples, row.other)) for row in ROWS),
        _size("wheel: MiB", built.wheel, 6),
        _size("native binary: MiB", built.orochi, 12),
    ]
    return "\n".join(lines)


def write_readme(text: str) -> None:
    """Puts the table between its marks in bench/README.md."""
    page = README.read_text()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    README.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def _line(row: Row, ours: list[float], other: list[float]) -> str:
    our_median, other_median = statistics.median(ours), statistics.median(other)
    ratio = our_median / other_median if other_median else float("inf")
    required, met = [], []
    if row.at_least is not None:
        required.append(f"≥ {_number(row.at_least)}")
        met.append(our_median >= row.at_least)
    if row.at_most is not None:
        required.append(f"≤ {_number(row.at_most)}")
        met.append(our_median <= row.at_most)
    if row.times is not None:
        required.append(f"≥ {row.times:g} ×")
        met.append(ratio >= row.times)
    cells = [row.label, ", ".join(required), _spread(ours), _spread(other), f"{_number(ratio)} ×", _met(met)]
    return f"| {' | '.join(cells)} |"


def _size(label: str, file: Path, at_most: float) -> str:
    size = file.stat().st_size / MIB
    return f"| {label} | ≤ {at_most:g} | {_number(size)} | | | {_met([size <= at_most])} |"


def _met(met: list[bool]) -> str:
    if not met:
        return ""
    return "yes" if all(met) else "**no**"


def _spread(numbers: list[float]) -> str:
    return f"{_number(statistics.median(numbers))} ({_number(min(numbers))} to {_number(max(numbers))})"


def _number(number: float) -> str:
    """Three figures are what the rounds agree on."""
    if abs(number) >= 1000:
        digits = len(str(int(abs(number))))
        return f"{round(number, 3 - digits):,.0f}".replace(",", " ")
    return f"{number:.3g}"


def _machine() -> str:
    with open("/proc/meminfo") as lines:
        memory = int(next(lines).split()[1]) / MIB
    kernel = ".".join(platform.release().split(".")[:2])
    return (
        f"Machine: {os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB of memory, Linux {kernel}, "
        f"Python {platform.python_version()}; the load runs on the same cores."
    )
