"""The tables: one row a measure, with the requirement, this hub's number, and the others'."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass
from pathlib import Path

from building import Built
from measures import IDLE_CONNECTIONS, MUTE_RECEIVERS, Samples
from peers import OldHub, Orochi

__all__ = ["render", "write_readme"]

README = Path(__file__).resolve().parent / "README.md"
BEGIN, END = "<!-- table begins: bench/run writes this -->", "<!-- table ends -->"
MIB = 1024 * 1024


@dataclass(frozen=True)
class Row:
    """A row's label, the source of its numbers, and the requirement for this hub."""

    label: str
    samples: str
    at_least: float | None = None
    at_most: float | None = None
    # Of 0.1.0's number, or of whom the row is beside.
    times: float | None = None


OTHERS = [OldHub.name, "Redis, sync always", "Redis", "NATS, sync always", "NATS"]
ROWS = [
    Row("1 sender, 1 receiver, window 256: acked/s", "acked_1_1", at_least=60_000, times=100),
    Row("16 senders, 1 receiver: acked/s", "acked_16_1", at_least=60_000),
    Row("64 senders, 1 receiver: acked/s", "acked_64_1", at_least=60_000),
    Row("256 senders, 1 receiver: acked/s", "acked_256_1", at_least=60_000),
    Row("1 sender, 20 receivers: deliveries/s", "delivered_1_20", at_least=500_000),
    Row("1 sender, 200 receivers: deliveries/s", "delivered_1_200"),
    Row("CPU a message, 16 to 1: µs", "cpu_acked_16_1", at_most=4.5),
    Row("CPU a message, 256 to 1: µs", "cpu_acked_256_1", at_most=5),
    Row("CPU a delivery, 1 to 20: µs", "cpu_delivered_1_20", at_most=0.5),
    Row("CPU a message at 1 000/s: µs", "cpu_steady", at_most=120),
    Row("1 000/s from 4 senders, send to delivery, p50: ms", "p50"),
    Row("the same, p99: ms", "p99", at_most=3),
    Row("the same, p99.9: ms", "p99.9"),
    Row("the same, send to ack, p99: ms", "ack_p99", at_most=3),
    Row("the same, rate held: messages/s", "held"),
    Row("the same right after 1.3 million messages at full rate, p99: ms", "p99_after"),
    Row("memory when empty: MiB", "memory", at_most=12),
    *(
        Row(f"memory an idle connection, of {count}: KiB", f"memory_idle_{count}", at_most=20)
        for count in IDLE_CONNECTIONS
    ),
    Row("start to first agent registered: ms", "start", at_most=30),
    Row("replay to a receiver that missed all of a long log: messages/s", "replay", at_least=300_000),
]
# Of Python clients, beside whom: the samples' name, and what is required.
CLIENT_ROWS = [
    ("Python `listen()`: messages/s, beside 0.1.0's", "old client", None),
    ("the same, beside `websockets` and `json`", "websockets and json", 2),
    ("the same, beside `websockets`, frames only counted", "websockets", 2),
]
# Rows of what a Python client sends.
SENDING_ROWS = [
    Row("Python `send()`, 256 in flight: acked/s", "sending_256", at_least=60_000),
    Row("Python `await send()`, one by one: acked/s", "sending_1"),
    Row("the same: its time in parts of the hub's own ack", "sending_times", at_most=1.3),
]


@dataclass(frozen=True)
class Growth:
    """A figure with a short log and with a long one."""

    label: str
    samples: str
    at_most: float | None = None
    # A rate falls where the others rise.
    is_rate: bool = False
    # True for a figure that is expected to grow, within its bound.
    grows: bool = False


GROWTHS = [
    Growth("16 senders, 1 receiver: acked/s", "acked", is_rate=True),
    Growth("1 000/s, send to delivery, p50: ms", "latency p50"),
    Growth("the same, p99: ms", "latency p99"),
    Growth("replay of the whole log: messages/s", "replay", is_rate=True),
    Growth("history since a time, 50 rows, p50: ms", "history p50"),
    Growth("the same, p99: ms", "history p99", at_most=10),
    Growth("first page of a search for a rare word, p50: ms", "rare search p50"),
    Growth("the same, p99: ms", "rare search p99", at_most=10),
    Growth("the same for a word of every message, p50: ms", "common search p50"),
    Growth("the same, p99: ms", "common search p99", at_most=10),
    Growth("the same for what begins with six characters, p50: ms", "prefix search p50"),
    Growth("the same, p99: ms", "prefix search p99", at_most=10),
    Growth("the same for two Japanese characters within a run, p50: ms", "substring search p50"),
    Growth("the same, p99: ms", "substring search p99", at_most=10),
    Growth("the search index behind the log after writing it at full rate: s", "index behind", at_most=1, grows=True),
    Growth("its size, in parts of the messages' text", "index size", at_most=0.6, grows=True),
    Growth("start to first agent registered, on that log: ms", "start"),
    Growth("memory after all this: MiB", "memory"),
]
GROWTH_MAX = 1.3


def render(samples: Samples, built: Built, rounds: int, lengths: list[int], command: str, busy: float) -> str:
    """The machine, the command and the tables, as Markdown; `lengths` are those of the logs, the shortest first."""
    lines = [
        f"`{command}`, medians of {rounds} rounds, the least and the most in brackets; after a semicolon how many "
        f"times that ours is. {_machine()} Before the run other processes used {busy:.0%} of it.",
        "",
        "| | required | Orochi | met | " + " | ".join(OTHERS) + " |",
        "|---|---|---|---|" + "---|" * len(OTHERS),
        *(_line(row, samples) for row in ROWS),
        *(_client_line(samples, *row) for row in CLIENT_ROWS),
        *(_line(row, samples, "orochi") for row in SENDING_ROWS),
        _size("wheel: MiB", built.wheel, 9),
        _size("native binary: MiB", built.orochi, 16),
        "",
        f"Orochi with a short and a long log. No figure may become worse by more than {GROWTH_MAX} times.",
        "",
        f"| | required | {' | '.join(f'{_number(count)} messages' for count in lengths)} | worse by | met |",
        "|---|---|---|---|---|" + "---|" * (len(lengths) - 1),
        *(_growth_line(row, samples, lengths) for row in GROWTHS),
        "",
        _slow_line(samples),
    ]
    return "\n".join(lines)


def write_readme(text: str) -> None:
    """Puts the table between its marks in bench/README.md."""
    page = README.read_text()
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    README.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def _line(row: Row, samples: Samples, whose: str = Orochi.name) -> str:
    ours = samples.of(row.samples, whose)
    median = statistics.median(ours)
    required, met, cells = [], [], []
    if row.at_least is not None:
        required.append(f"≥ {_number(row.at_least)}")
        met.append(median >= row.at_least)
    if row.at_most is not None:
        required.append(f"≤ {_number(row.at_most)}")
        met.append(median <= row.at_most)
    for name in OTHERS:
        other = samples.of(row.samples, name)
        cells.append(_beside(median, other))
        if name == OldHub.name and row.times is not None:
            required.append(f"≥ {row.times:g} × 0.1.0")
            met.append(median >= row.times * statistics.median(other))
    return f"| {' | '.join([row.label, ', '.join(required), _spread(ours), _met(met), *cells])} |"


def _client_line(samples: Samples, label: str, beside: str, times: float | None) -> str:
    ours, other = samples.of("intake", "orochi"), samples.of("intake", beside)
    median = statistics.median(ours)
    required = f"≥ {times:g} ×" if times else "≥ 200 000"
    met = median >= (times * statistics.median(other) if times else 200_000)
    return f"| {label} | {required} | {_spread(ours)} | {_met([met])} | {_beside(median, other)} | | |"


def _growth_line(row: Growth, samples: Samples, lengths: list[int]) -> str:
    columns = [samples.of(f"{row.samples} at {count}", Orochi.name) for count in lengths]
    before, after = statistics.median(columns[0]), statistics.median(columns[-1])
    # A short log is indexed at once: its time can be zero.
    worse = before / after if row.is_rate else after / max(before, 1e-3)
    met = [] if row.grows else [worse <= GROWTH_MAX]
    required = [] if row.grows else [f"≤ {GROWTH_MAX} ×"]
    if row.at_most is not None:
        required.append(f"≤ {_number(row.at_most)}")
        met.append(after <= row.at_most)
    cells = [row.label, ", ".join(required), *map(_spread, columns), f"{_number(worse)} ×", _met(met)]
    return f"| {' | '.join(cells)} |"


def _slow_line(samples: Samples) -> str:
    alone, beside = (samples.of(f"acked_beside_{row}", Orochi.name) for row in ("none", "mute"))
    share = statistics.median(beside) / statistics.median(alone)
    return (
        f"16 senders beside {MUTE_RECEIVERS} receivers that read nothing: {_spread(beside)} acked/s, without them "
        f"{_spread(alone)}: {share:.0%}; required ≥ 80%, met: {_met([share >= 0.8])}."
    )


def _beside(ours: float, other: list[float]) -> str:
    """Another's number, and how many times that ours is."""
    if not other:
        return ""
    median = statistics.median(other)
    return f"{_spread(other)}; {_number(ours / median)} ×" if median else _spread(other)


def _size(label: str, file: Path, at_most: float) -> str:
    size = file.stat().st_size / MIB
    return f"| {label} | ≤ {at_most:g} | {_number(size)} | {_met([size <= at_most])} | | | |"


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
