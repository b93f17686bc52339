"""The errors that an agent gets."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request

import pytest

from orochi import OrochiClient
from tests.mcp.conftest import TOKEN, Agent, Open
from tests.python.hub import DEADLINE, Hub


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer no"}, {"Origin": "http://evil.example"}])
async def test_mcp_http_is_behind_the_hubs_own_checks(hub: Hub, headers: dict[str, str]) -> None:
    for port in (hub.port, hub.dashboard_port):
        request = urllib.request.Request(f"http://127.0.0.1:{port}/mcp/ann", data=b"{}", headers=headers, method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused:
            await asyncio.to_thread(urllib.request.urlopen, request, timeout=DEADLINE)
        body = json.loads(refused.value.read())
        refused.value.close()
        assert (refused.value.code, body["code"]) in [(401, "AUTH_FAILED"), (403, "FORBIDDEN_ORIGIN")]


async def test_mcp_http_body_over_the_limit_is_refused(hub: Hub) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": "application/json, text/event-stream"}
    headers["Content-Type"] = "application/json"
    body = b'"' + b"x" * 1024 * 1024 + b'"'
    request = urllib.request.Request(f"http://127.0.0.1:{hub.port}/mcp/ann", data=body, headers=headers, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        await asyncio.to_thread(urllib.request.urlopen, request, timeout=DEADLINE)
    refused.value.close()
    assert refused.value.code == 413


async def test_mcp_http_without_a_name_reads_and_says_how_to_give_one(hub: Hub) -> None:
    import fastmcp
    from fastmcp.client.transports import StreamableHttpTransport

    url = f"http://127.0.0.1:{hub.port}/mcp"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with asyncio.timeout(DEADLINE):
        async with fastmcp.Client(StreamableHttpTransport(url, headers=headers)) as client:
            nobody = Agent(client)
            assert "#general" in await nobody.call("channels")
            assert "X-Orochi-Agent" in await nobody.fault("inbox")
        async with fastmcp.Client(StreamableHttpTransport(url, headers=headers | {"X-Orochi-Agent": "ann"})) as client:
            assert (await Agent(client).call("inbox")).startswith("Nothing waits")


async def test_mcp_wait_that_its_client_gives_up_leaves_the_message_in_the_inbox(hub: Hub, open_agent: Open) -> None:
    async with (
        asyncio.timeout(DEADLINE),
        open_agent("ann") as ann,
        OrochiClient("bob", host="127.0.0.1", port=hub.port, token=TOKEN) as bob,
    ):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ann.call("wait", timeout=40), timeout=1)
        await bob.send("@ann", "after the cancel")
        assert ", says: after the cancel\n" in await ann.call("inbox")


async def test_mcp_calls_that_wait_keep_nobody_else_from_calling(hub: Hub) -> None:
    from fastmcp import Client
    from fastmcp.client.transports import StreamableHttpTransport

    def client(name: str) -> Client[StreamableHttpTransport]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return Client(StreamableHttpTransport(f"http://127.0.0.1:{hub.port}/mcp/{name}", headers=headers))

    async with (
        asyncio.timeout(DEADLINE),
        client("many") as many,
        client("ann") as ann,
        OrochiClient("bob", host="127.0.0.1", port=hub.port, token=TOKEN) as bob,
    ):
        waiting = [asyncio.ensure_future(Agent(many).call("wait", timeout=40)) for _ in range(60)]
        while "many" not in await Agent(ann).call("who"):
            pass
        await bob.send("@many", "for all of you")
        answered, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert all("for all of you" in call.result() for call in answered)
        for call in others:
            call.cancel()
        await asyncio.gather(*others, return_exceptions=True)
