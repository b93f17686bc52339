"""Run by 0.1.0's interpreter: its client's reaction to a refusal. Prints JSON."""

import asyncio
import json

from scitex_orochi._client import OrochiClient
from websockets.exceptions import ConnectionClosed

DEADLINE = 30


async def connecting(**options):
    try:
        async with OrochiClient(**options):
            return "connected"
    except (ConnectionError, ConnectionClosed) as error:
        return str(error)


async def main():
    said = {
        "wrong": await connecting(name="alice", token="wrong"),
        "right": await connecting(name="alice", token="s3cret"),
        "name": await connecting(name="not a name", token="s3cret"),
    }
    print(json.dumps(said))


asyncio.run(asyncio.wait_for(main(), DEADLINE))
