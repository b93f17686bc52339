"""The dashboard below a path of another server, as behind a reverse proxy."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from playwright.async_api import Page, expect

from tests.dashboard.hubs import Start

PREFIX = "/tools/orochi"


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


class PrefixProxy:
    """Takes the prefix off a request's path and hands the request to the hub; all other paths are not its own."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.strays: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> PrefixProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with suppress(asyncio.IncompleteReadError, OSError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, path, rest = head.split(" ", 2)
            if not path.startswith(f"{PREFIX}/"):
                self.strays.append(path)
                writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                writer.close()
                return
            # One request a connection, so that each one's head passes here.
            rest = rest.replace("Connection: keep-alive", "Connection: close")
            hub_reader, hub_writer = await asyncio.open_connection("127.0.0.1", self._to)
            self._writers.append(hub_writer)
            hub_writer.write(f"{method} {path.removeprefix(PREFIX)} {rest}".encode())
            for ends in ((reader, hub_writer), (hub_reader, writer)):
                task = asyncio.create_task(_copy(*ends))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)


async def test_prefix_of_a_proxy_is_kept_by_the_page_its_data_and_its_socket(start_hub: Start, page: Page) -> None:
    hub = start_hub(token="s3cret")
    async with PrefixProxy(hub.dashboard_port) as proxy, hub.client("alice") as alice:
        await page.goto(f"{proxy.address}{PREFIX}/")
        await page.get_by_label("Token").fill("s3cret")
        await page.keyboard.press("Enter")
        await expect(page.locator("#connection")).to_have_text("live")
        await page.get_by_role("link", name="Feed").click()
        await alice.send("#general", "below a prefix")
        await expect(page.locator(".messages")).to_contain_text("below a prefix")
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("Token")).to_be_visible()
        await page.goto(f"{proxy.address}{PREFIX}/?token=wrong")
        await expect(page.get_by_role("main")).to_contain_text("its token is wrong")
        await page.goto(f"{proxy.address}{PREFIX}/?token=s3cret#/feed")
        await expect(page.locator(".messages")).to_contain_text("below a prefix")
        assert page.url == f"{proxy.address}{PREFIX}/#/feed"
        assert [path for path in proxy.strays if path != "/favicon.ico"] == []
