"""Run by 0.1.0's interpreter: agents that talk, ask and answer through its client. Prints JSON."""

import asyncio
import json

from scitex_orochi._client import OrochiClient

DEADLINE = 30


def shown(msg):
    return {
        "type": msg.type,
        "sender": msg.sender,
        "channel": msg.channel,
        "content": msg.content,
        "mentions": msg.mentions,
        "metadata": msg.payload.get("metadata"),
        "ts": msg.ts,
    }


async def until(client, last):
    """Everything that listen() yields, up to the message whose content is `last`."""
    seen = []
    async for msg in client.listen():
        seen.append(shown(msg))
        if msg.content == last:
            break
    return seen


async def main():
    said = {}
    bob = OrochiClient("bob", channels=["#general"], machine="m1", role="tester", project="p")
    async with bob:
        heard = asyncio.create_task(until(bob, "the end"))
        async with OrochiClient("alice", channels=["#builds"]) as alice:
            await alice.send("#general", "hello @bob", {"n": 1.5})
            await alice.send("#builds", "only a mention: @bob")
            await alice.send("#builds", "not for the other")
            await alice.heartbeat()
            await alice.update_status(status="busy", current_task="testing")
            await alice.subscribe("#general")
        # A connection of its own for each question: its client reads the next frame as the answer.
        async with OrochiClient("carol") as carol:
            said["who"] = await carol.who()
        async with OrochiClient("carol") as carol:
            said["builds"] = await carol.query_history("#builds", limit=1)
        async with OrochiClient("carol") as carol:
            said["since"] = await carol.query_history("#general", since="2020-01-01T00:00:00+00:00")
        async with OrochiClient("carol") as carol:
            said["none"] = await carol.query_history("#empty")
        async with OrochiClient("dave") as dave:
            await dave.send("#general", "the end")
            said["heard"] = await heard
            said["own"] = "nothing"
            task = asyncio.create_task(until(dave, "never"))
            await bob.send("#general", "to dave")
            await bob.send("#general", "never")
            said["dave"] = await task
    print(json.dumps(said))


asyncio.run(asyncio.wait_for(main(), DEADLINE))
