"""The measured hubs: the start of each, and the system's figures about its process.

A new peer is a class with a name, a command and an environment; the load speaks the Orochi wire to it.
"""

from __future__ import annotations

import json
import os
import random
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "ROOT",
    "Failed",
    "Hub",
    "Nats",
    "OldHub",
    "Orochi",
    "Peer",
    "Redis",
    "clean_environment",
    "data_folder",
    "free_port",
]

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30.0
STOP_SECONDS = 5.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """Something could not be measured; the text says what, and what was seen."""


@dataclass(frozen=True)
class Hub:
    """A running hub."""

    peer: Peer
    address: str
    process: subprocess.Popen[bytes]
    # The folder of its log.
    folder: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        """Stops it before its time, so that it can be started on the same log."""
        _stop(self.process)

    def memory_kb(self) -> float:
        """Its resident memory (VmRSS) in kB of 1024 bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return float(status.split("VmRSS:")[1].split()[0])

    def cpu_seconds(self) -> float:
        """The processor time that it has used, its own and the kernel's for it."""
        # The command's name may hold spaces; the fields after it are counted from its closing parenthesis.
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


class Peer:
    """One hub to measure."""

    name: str
    # True if its messages have a seq: a run that differs measured something else.
    numbers_messages: bool
    # Its share of the messages that this hub gets: a slow hub has the same work, for about as long.
    message_share: float = 1.0

    def address(self, port: int) -> str:
        """The address for the load."""
        return f"127.0.0.1:{port}"

    def command(self, folder: Path, port: int) -> list[str]:
        raise NotImplementedError

    def environment(self, folder: Path, port: int) -> dict[str, str]:
        raise NotImplementedError

    @contextmanager
    def running(self) -> Iterator[Hub]:
        """The hub with an empty log in a folder of its own, stopped at the end."""
        with data_folder() as folder, (folder / "output").open("wb") as output:
            port = free_port()
            process = subprocess.Popen(
                self.command(folder, port),
                env=self.environment(folder, port),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
            try:
                self._wait(process, port, folder / "output")
                yield Hub(self, self.address(port), process, folder)
            finally:
                _stop(process)

    def _wait(self, process: subprocess.Popen[bytes], port: int, output: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not _listens(process.pid, port):
            if process.poll() is not None or time.monotonic() > deadline:
                end = output.read_text(errors="replace")[-1000:]
                raise Failed(f"{self.name} does not listen on port {port}; it wrote:\n{end}")
            time.sleep(0.01)


class Orochi(Peer):
    """This hub, the native binary."""

    name = "Orochi"
    numbers_messages = True

    def __init__(self, binary: Path) -> None:
        self._binary = binary

    def command(self, folder: Path, port: int) -> list[str]:
        flags = ["--port", str(port), "--dashboard-port", "0", "--db", str(folder / "orochi.db")]
        return [str(self._binary), "serve", *flags]

    def environment(self, folder: Path, port: int) -> dict[str, str]:
        return clean_environment()


class OldHub(Peer):
    """scitex-orochi 0.1.0, which this hub replaces."""

    name = "scitex-orochi 0.1.0"
    numbers_messages = False
    message_share = 0.01

    def __init__(self, python: Path) -> None:
        self._python = python

    def command(self, folder: Path, port: int) -> list[str]:
        return [str(self._python), "-m", "scitex_orochi"]

    def environment(self, folder: Path, port: int) -> dict[str, str]:
        settings = {
            "SCITEX_OROCHI_HOST": "127.0.0.1",
            "SCITEX_OROCHI_PORT": str(port),
            "SCITEX_OROCHI_DASHBOARD_PORT": str(free_port()),
            "SCITEX_OROCHI_DB": str(folder / "orochi.db"),
        }
        return clean_environment() | settings


class Nats(Peer):
    """NATS with JetStream, each message in a stream on disk and each receiver a push consumer of it.

    As it comes it acks before the disk has a message, and syncs every two minutes; `sync_interval: always` syncs each.
    """

    numbers_messages = False

    def __init__(self, server: Path, *, always_syncs: bool) -> None:
        self.name = "NATS, sync always" if always_syncs else "NATS"
        self.message_share = 0.03 if always_syncs else 1.0
        self._server = server
        self._always_syncs = always_syncs

    def address(self, port: int) -> str:
        return f"nats://127.0.0.1:{port}"

    def command(self, folder: Path, port: int) -> list[str]:
        sync = ", sync_interval: always" if self._always_syncs else ""
        # As it comes it cuts a consumer off that has 64 MiB to read, as one that missed a long log has.
        room = "max_pending: 1GB\nwrite_deadline: 60s\n"
        settings = f'listen: "127.0.0.1:{port}"\n{room}jetstream {{ store_dir: "{folder}/jetstream"{sync} }}\n'
        (folder / "nats.conf").write_text(settings)
        return [str(self._server), "-c", str(folder / "nats.conf")]

    def environment(self, folder: Path, port: int) -> dict[str, str]:
        return clean_environment()


class Redis(Peer):
    """Redis Streams: a channel is a stream, a message its entry, a receiver an XREAD BLOCK.

    `appendfsync always` answers after the disk has the message and shares a sync among all who wait; `everysec`, as it
    comes, syncs once a second.
    """

    numbers_messages = False

    def __init__(self, server: str, *, always_syncs: bool) -> None:
        self.name = "Redis, sync always" if always_syncs else "Redis"
        self._server = server
        self._sync = "always" if always_syncs else "everysec"

    def address(self, port: int) -> str:
        return f"redis://127.0.0.1:{port}"

    def command(self, folder: Path, port: int) -> list[str]:
        log = ["--appendonly", "yes", "--appendfsync", self._sync, "--save", "", "--dir", str(folder)]
        # It would copy its log in a second process now and then, which the processor time would not show.
        whole = ["--auto-aof-rewrite-percentage", "0"]
        return [self._server, "--bind", "127.0.0.1", "--port", str(port), *log, *whole]

    def environment(self, folder: Path, port: int) -> dict[str, str]:
        return clean_environment()


def clean_environment() -> dict[str, str]:
    """This process's environment without settings of a hub or of Python's module search."""
    foreign = re.compile(r"(SCITEX_)?OROCHI_|GITEA_|PYTHON")
    return {key: value for key, value in os.environ.items() if not foreign.match(key)}


@contextmanager
def data_folder() -> Iterator[Path]:
    """A folder on the checkout's disk: the system's temporary one may be memory, where an fsync costs nothing."""
    parent = ROOT / "target" / "bench-data"
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to clients.

    0.1.0 can't be given port 0 and asked. A port from the clients' range could meet itself: whoever knocks before
    the hub is there may get that very port for his own side, and is then connected to himself.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Failed("of a hundred ports between 20000 and 32000 none is free")


def _listens(pid: int, port: int) -> bool:
    """True if this very process listens on the port: a number measured on another hub looks like any other."""
    inodes = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
            inodes.add(f"socket:[{fields[9]}]")
    if not inodes:
        return False
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if os.readlink(descriptor) in inodes:
                return True
        except FileNotFoundError:
            continue
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        # 0.1.0 closes its sockets on a SIGTERM and then stays.
        process.kill()
        process.wait()


def read_result(text: str, what: str) -> dict[str, object]:
    """The JSON line that a measuring process ended with."""
    lines = text.strip().splitlines()
    if not lines:
        raise Failed(f"{what} printed no result")
    result: dict[str, object] = json.loads(lines[-1])
    return result
