"""An agent by a client of the Model Context Protocol: it joins a channel, waits for a message and answers it.

    pip install mcp fastmcp
    python examples/mcp_agent.py mcp          # the official SDK; also mcp-legacy, the revisions with `initialize`
    python examples/mcp_agent.py fastmcp

Then mention it from another terminal: orochi send '#builds' '@mcp-agent are you there?'
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from typing import Any
from urllib.parse import quote

NAME = "mcp-agent"
HUB = os.environ.get("OROCHI_URL", "http://127.0.0.1:8559")
ADDRESS = f"{HUB}/mcp/{NAME}?token={quote(os.environ.get('OROCHI_TOKEN', ''))}"


def open_client(kind: str) -> Any:
    """A client of each kind; all three are used in the same way."""
    if kind == "fastmcp":
        import fastmcp

        return fastmcp.Client(ADDRESS)
    import mcp

    return mcp.Client(ADDRESS, mode={"mcp": "2026-07-28", "mcp-legacy": "legacy"}[kind])


async def main(kind: str) -> None:
    """Answers one message."""
    async with open_client(kind) as client:

        async def call(tool: str, **arguments: Any) -> str:
            result = await client.call_tool(tool, arguments)
            text: str = result.content[0].text
            return text

        await call("channels", join="#builds")
        print("waiting", flush=True)
        while (text := await call("wait", timeout=45)).startswith("Nothing"):
            pass
        print(text, flush=True)
        # The last line says how to answer: send(to="#builds", reply_to=42).
        found = re.search(r'send\(to="(.+?)", reply_to=(\d+)\)', text.splitlines()[-1])
        assert found is not None
        to, seq = found[1], int(found[2])
        await call("send", to=to, text="Yes, I am.", reply_to=seq, intent="ack")
        # Without this the message stays in the inbox.
        await call("inbox", seen=seq)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
