"""The measurements: the load on a hub or a client, and the numbers that are recorded."""

from __future__ import annotations

import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from building import Built
from peers import ROOT, Failed, Hub, Peer, clean_environment, data_folder, free_port, read_result

__all__ = [
    "CLIENTS",
    "IDLE_CONNECTIONS",
    "Samples",
    "busy_share",
    "measure_hub",
    "measure_intake",
    "measure_sending",
    "measure_slow_readers",
    "run_load",
    "start_on",
]

IDLE_CONNECTIONS = (1000, 5000)
LATENCY_SECONDS = 10
# Receivers that stop reading, beside one that reads.
MUTE_RECEIVERS = 4
# By row: senders, receivers and messages at full size.
THROUGHPUTS = {
    "acked_1_1": (1, 1, 300_000),
    "acked_16_1": (16, 1, 300_000),
    "acked_64_1": (64, 1, 300_000),
    "acked_256_1": (256, 1, 300_000),
    "delivered_1_20": (1, 20, 100_000),
    "delivered_1_200": (1, 200, 10_000),
}
# Rows for which the hub's processor time is kept, and by what it is divided.
CPU_PER = {"acked_16_1": "acked", "acked_256_1": "acked", "delivered_1_20": "delivered"}
INTAKE_MESSAGES = 300_000
# Sends of a Python client, and how many of them are in flight; the last are awaited one by one.
SENDING = {"sending_256": (200_000, 256), "sending_1": (5_000, 1)}
# Ways of taking in a stream in Python, by name: which environment, and bench/intake.py's word for it.
CLIENTS = {
    "orochi": ("new_python", "orochi"),
    "old client": ("old_python", "scitex-orochi"),
    "websockets and json": ("old_python", "websockets-json"),
    "websockets": ("old_python", "websockets"),
}


class Samples:
    """The numbers of all rounds, by row and by who was measured."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], list[float]] = defaultdict(list)

    def add(self, row: str, who: str, number: float) -> None:
        self._numbers[row, who].append(number)

    def of(self, row: str, who: str) -> list[float]:
        return self._numbers.get((row, who), [])


def busy_share(seconds: float = 2.0) -> float:
    """The share of the processors that others use now, 0 to 1: numbers from a busy machine mean little."""
    before = _processor_times()
    time.sleep(seconds)
    spent = [after - then for after, then in zip(_processor_times(), before, strict=True)]
    # idle and iowait are the fourth and fifth.
    return 1 - (spent[3] + spent[4]) / sum(spent)


def _processor_times() -> list[int]:
    return [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]


def measure_hub(peer: Peer, load: Path, share: float, samples: Samples) -> None:
    """One round with one hub: its start, its memory, its rates, its times."""
    samples.add("start", peer.name, _start(peer, load))
    seconds = max(round(LATENCY_SECONDS * share), 2)
    steady = ["--senders", 4, "--rate", 1000, "--seconds", seconds]
    with peer.running() as hub:
        before = hub.cpu_seconds()
        result = _load(load, hub, "latency", steady)
        samples.add("cpu_steady", peer.name, (hub.cpu_seconds() - before) * 1e6 / result["messages"])
        for row in ("p50", "p99", "p99.9"):
            samples.add(row, peer.name, result["delivery_ms"][row])
        samples.add("ack_p99", peer.name, result["ack_ms"]["p99"])
        samples.add("held", peer.name, result["held_rate"])
    with peer.running() as hub:
        empty = hub.memory_kb()
        samples.add("memory", peer.name, empty / 1024)
        for count in IDLE_CONNECTIONS:
            with _idle(load, hub, count):
                samples.add(f"memory_idle_{count}", peer.name, (hub.memory_kb() - empty) / count)
        for row, (senders, receivers, messages) in THROUGHPUTS.items():
            count = max(int(messages * share * peer.message_share), 200)
            before = hub.cpu_seconds()
            flags = ["--senders", senders, "--receivers", receivers, "--window", 256, "--messages", count]
            result = _load(load, hub, "throughput", flags)
            rate = "deliveries_per_second" if receivers > 1 else "acked_per_second"
            samples.add(row, peer.name, result[rate])
            if row in CPU_PER:
                used = hub.cpu_seconds() - before
                samples.add(f"cpu_{row}", peer.name, used * 1e6 / result[CPU_PER[row]])
        result = _load(load, hub, "latency", steady)
        samples.add("p99_after", peer.name, result["delivery_ms"]["p99"])


def measure_slow_readers(peer: Peer, load: Path, share: float, samples: Samples) -> None:
    """The rate of a sender while some receivers read nothing at all, and without them."""
    flags = ["--senders", 16, "--receivers", 1, "--window", 256, "--messages", int(100_000 * share)]
    for row, mute in [("acked_beside_none", 0), ("acked_beside_mute", MUTE_RECEIVERS)]:
        with peer.running() as hub:
            result = _load(load, hub, "throughput", [*flags, "--mute", mute])
            samples.add(row, peer.name, result["acked_per_second"])


def measure_intake(built: Built, share: float, samples: Samples) -> None:
    """One round of what Python clients take in of the same stream."""
    messages = int(INTAKE_MESSAGES * share)
    with _helper([built.load, "firehose", "--messages", messages]) as firehose:
        port = read_result(_line(firehose, "the firehose"), "the firehose")["port"]
        for name, (python, kind) in CLIENTS.items():
            command = [getattr(built, python), "-I", ROOT / "bench" / "intake.py", kind, port, messages]
            result = run_load(command, f"bench/intake.py {kind}")
            samples.add("intake", name, messages / result["seconds"])


def measure_sending(peer: Peer, built: Built, share: float, samples: Samples) -> None:
    """One round of what a Python client sends, and of the hub's own acks to the Rust sender, one by one."""
    with peer.running() as hub:
        port = hub.address.rpartition(":")[2]
        for row, (count, window) in SENDING.items():
            messages = int(count * share)
            command = [built.new_python, "-I", ROOT / "bench" / "sending.py", port, messages, window]
            samples.add(row, "orochi", messages / run_load(command, "bench/sending.py")["seconds"])
        flags = ["--senders", 1, "--receivers", 1, "--window", 1, "--messages", int(SENDING["sending_1"][0] * share)]
        alone = _load(built.load, hub, "throughput", flags)["acked_per_second"]
    # Of this round: the disk's pace changes between rounds.
    samples.add("sending_times", "orochi", alone / samples.of("sending_1", "orochi")[-1])


def _start(peer: Peer, load: Path) -> float:
    with data_folder() as folder:
        return start_on(peer, load, folder)


def start_on(peer: Peer, load: Path, folder: Path) -> float:
    """Milliseconds from the start of a hub on a log that is there to its first agent."""
    port = free_port()
    command = [load, "start", "--address", peer.address(port), "--", *peer.command(folder, port)]
    result = run_load(command, f"the start of {peer.name}", environment=peer.environment(folder, port), folder=folder)
    return float(result["registered_ms"])


def _load(load: Path, hub: Hub, mode: str, flags: list[Any]) -> dict[str, Any]:
    result = run_load([load, mode, "--address", hub.address, *flags], f"{mode} with {hub.peer.name}")
    numbered = result["received"]["with_seq"] > 0
    if numbered != hub.peer.numbers_messages:
        raise Failed(f"{hub.address} is not {hub.peer.name}: its messages have {'a' if numbered else 'no'} seq")
    return result


@contextmanager
def _idle(load: Path, hub: Hub, count: int) -> Iterator[None]:
    flags = ["--address", hub.address, "--connections", count]
    with _helper([load, "idle", *flags]) as helper:
        ready = read_result(_line(helper, "the idle load"), "the idle load")["ready"]
        if ready != count:
            raise Failed(f"{ready} of {count} idle agents registered")
        yield


@contextmanager
def _helper(command: list[Any]) -> Iterator[subprocess.Popen[str]]:
    """A process that works until its stdin is closed."""
    words = [str(word) for word in command]
    helper = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    try:
        yield helper
    finally:
        try:
            # Closes stdin and reads what is left.
            helper.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            helper.kill()
            helper.communicate()


def _line(helper: subprocess.Popen[str], what: str) -> str:
    assert helper.stdout is not None
    line = helper.stdout.readline()
    if not line:
        raise Failed(f"{what} ended before it was ready")
    return line


def run_load(
    command: list[Any], what: str, environment: dict[str, str] | None = None, folder: Path | None = None
) -> dict[str, Any]:
    """Runs a measuring process to its end; the JSON line that it ends with."""
    words = [str(word) for word in command]
    ended = subprocess.run(
        words, capture_output=True, text=True, env=environment or clean_environment(), cwd=folder, check=False
    )
    if ended.returncode:
        raise Failed(f"{what} failed: {ended.stderr.strip()} {ended.stdout.strip()}")
    return read_result(ended.stdout, what)
