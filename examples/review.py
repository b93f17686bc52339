"""Two agents that review each other's change, each with `ask`.

Start both, in two terminals; either may be first:

    python examples/review.py ann bob
    python examples/review.py bob ann
"""

from __future__ import annotations

import asyncio
import sys

from orochi import OrochiClient

CHANGES = {
    "ann": "def total(prices): return sum(prices)",
    "bob": "def mean(prices): return sum(prices) / len(prices)",
}


def review(change: str) -> str:
    """Stands for a model; here one rule is enough."""
    if "/ len(" in change:
        return "changes wanted: an empty list divides by zero"
    return "approved"


async def answer(client: OrochiClient, has_reviewed: asyncio.Event) -> None:
    """Reviews whatever comes."""
    async for message in client.listen(mentions_only=True):
        await message.reply(review(message.content), {"intent": "ack"})
        has_reviewed.set()


async def main(name: str, reviewer: str) -> None:
    """Has its own change reviewed, and ends once it has reviewed the other one."""
    # "stored": a question that was asked before this agent started is answered, too.
    async with OrochiClient(name, resume="stored") as client:
        has_reviewed = asyncio.Event()
        answering = asyncio.create_task(answer(client, has_reviewed))
        change = CHANGES.get(name, "pass")
        verdict = await client.ask(reviewer, change, timeout=300)
        print(f"{reviewer} on {name}'s change: {verdict.content}", flush=True)
        await has_reviewed.wait()
        answering.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
