"""A hub, and agents that reach it through real MCP clients: at its `/mcp`, and by `orochi mcp` over stdio."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import fastmcp
import pytest
from fastmcp.client.transports import StdioTransport
from mcp import Client, StdioServerParameters

from tests.python.hub import Hub

__all__ = ["KINDS", "TOKEN", "Agent", "connect", "resident"]

TOKEN = "s3cret"
# The official SDK in both eras, and fastmcp.
KINDS = ["http-legacy", "http-2026-07-28", "fastmcp-http", "stdio-legacy", "stdio-2026-07-28", "fastmcp-stdio"]


class Agent:
    """An agent with the tools of one client."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def call(self, tool: str, **arguments: Any) -> str:
        """The text of a tool's result."""
        text, is_error = await self.result(tool, **arguments)
        assert not is_error, text
        return text

    async def fault(self, tool: str, **arguments: Any) -> str:
        """The text of a tool's error."""
        text, is_error = await self.result(tool, **arguments)
        assert is_error, text
        return text

    async def result(self, tool: str, **arguments: Any) -> tuple[str, bool]:
        """A result's text, and whether it is an error."""
        more = {"raise_on_error": False} if isinstance(self.client, fastmcp.Client) else {}
        result = await self.client.call_tool(tool, arguments, **more)
        (block,) = result.content
        assert result.structured_content is None
        return block.text, bool(result.is_error)


class Open(Protocol):
    """Opens an agent of this name by one kind of client."""

    def __call__(self, name: str) -> AbstractAsyncContextManager[Agent]: ...


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub with a token."""
    with Hub(tmp_path, token=TOKEN) as hub:
        yield hub


@pytest.fixture
def home() -> Iterator[Path]:
    """A home for residents. Its path is a short one: sockets' paths are limited."""
    folder = tempfile.mkdtemp(prefix="om")
    yield Path(folder)
    shutil.rmtree(folder)


def resident(hub: Hub, name: str, home: Path) -> tuple[list[str], dict[str, str]]:
    """The command of an agent's resident, and its environment."""
    program = os.environ.get("OROCHI_TEST_BINARY") or str(Path(sys.executable).parent / "orochi")
    # Each as if beside a client of its own: all of a test's have one parent.
    runtime = home / name
    runtime.mkdir(exist_ok=True)
    env = {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(runtime),
        "OROCHI_URL": f"http://127.0.0.1:{hub.port}",
        "OROCHI_TOKEN": hub.token,
        "OROCHI_AGENT": name,
        "PATH": os.environ["PATH"],
    }
    return [program, "mcp"], env


def connect(hub: Hub, kind: str, name: str, home: Path) -> Any:
    """A client of this kind that speaks as `name`; not yet open."""
    url = f"http://127.0.0.1:{hub.dashboard_port}/mcp/{name}?token={hub.token}"
    (program, *args), env = resident(hub, name, home)
    match kind:
        case "http-legacy" | "http-2026-07-28":
            return Client(url, mode=kind.removeprefix("http-"))
        case "fastmcp-http":
            return fastmcp.Client(url)
        case "stdio-legacy" | "stdio-2026-07-28" | "stdio-auto":
            return Client(StdioServerParameters(command=program, args=args, env=env), mode=kind.removeprefix("stdio-"))
        case "fastmcp-stdio":
            return fastmcp.Client(StdioTransport(program, args, env=env, keep_alive=False))
    raise AssertionError(kind)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of client."""
    return str(request.param)


@pytest.fixture
def open_agent(hub: Hub, kind: str, home: Path) -> Open:
    """Opens agents by this kind of client."""

    @asynccontextmanager
    async def opened(name: str) -> AsyncIterator[Agent]:
        async with connect(hub, kind, name, home) as client:
            yield Agent(client)

    return opened
