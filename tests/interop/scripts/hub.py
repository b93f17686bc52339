"""Run by 0.1.0's interpreter: its server, as its own main() starts it, on a free port that is printed."""

import asyncio
import sys

import websockets
from scitex_orochi._server import OrochiServer


async def main(db):
    server = OrochiServer()
    server.store.db_path = db
    await server.store.open()
    listening = await websockets.serve(server._handle_connection, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.Future()


asyncio.run(main(sys.argv[1]))
