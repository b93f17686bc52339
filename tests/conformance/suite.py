"""Runs all cases against a server, and collects the outcomes."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.cases import load, number
from tests.conformance.peer import Peer

__all__ = ["ROOT", "TOO_LARGE", "Outcome", "Server", "run", "summary"]

ROOT = Path(__file__).resolve().parents[2]
# They send messages of 4 MiB and more; the hub takes 1 MiB, and closes with 1009.
TOO_LARGE = (
    {f"9.1.{n}" for n in (4, 5, 6)}
    | {f"9.2.{n}" for n in (4, 5, 6)}
    | {f"9.{s}.{n}" for s in (3, 4) for n in range(1, 10)}
)
PASSED = {"OK", "NON-STRICT", "INFORMATIONAL"}
AT_ONCE = 8


@dataclass(frozen=True)
class Outcome:
    """One case: what it says of the messages, of the close, and why."""

    number: str
    behavior: str
    close: str
    detail: str
    close_code: int | None

    @property
    def passed(self) -> bool:
        """By Autobahn's own judgement."""
        return self.behavior in PASSED and self.close in {"OK", "INFORMATIONAL"}


class Server:
    """The echo server that has the hub's settings, built by cargo."""

    def __enter__(self) -> Server:
        build = ["cargo", "build", "--locked", "-q", "-p", "orochi-hub", "--example", "echo", "--message-format=json"]
        built = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stderr
        messages = [json.loads(line) for line in built.stdout.splitlines()]
        (path,) = [one["executable"] for one in messages if one.get("target", {}).get("name") == "echo"]
        self._process = subprocess.Popen([path], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


async def run(port: int) -> list[Outcome]:
    """All cases, some at a time."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(kind: type) -> Outcome:
        async with free:
            peer = Peer(kind)
            case = await peer.run("127.0.0.1", port)
        detail = f"{case.result} {case.resultClose}"
        return Outcome(number(kind), case.behavior, case.behaviorClose, detail, peer.remoteCloseCode)

    return await asyncio.gather(*map(one, load()))


def summary(outcomes: list[Outcome]) -> str:
    """As tests/conformance/README.md keeps it."""
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        told = "too large" if outcome.number in TOO_LARGE else outcome.behavior if outcome.passed else "FAILED"
        counts.setdefault(outcome.number.split(".")[0], Counter())[told] += 1
    kinds = ["OK", "NON-STRICT", "INFORMATIONAL", "too large", "FAILED"]
    lines = ["| group | " + " | ".join(kinds) + " |", "|---|" + "---|" * len(kinds)]
    lines += [
        f"| {group} | " + " | ".join(str(count[kind] or "") for kind in kinds) + " |" for group, count in counts.items()
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with Server() as server:
        told = asyncio.run(run(server.port))
    print(summary(told))
    for outcome in told:
        if outcome.behavior != "OK":
            print(f"{outcome.number}: {outcome.behavior}, close {outcome.close}: {outcome.detail}")
