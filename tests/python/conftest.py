"""Fixtures: a hub of one's own for each test."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.python.hub import DEADLINE, Hub


def pytest_itemcollected(item: pytest.Item) -> None:
    """No test waits for ever."""
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(test := item.obj):

        @functools.wraps(test)
        async def within_the_deadline(**arguments: object) -> None:
            async with asyncio.timeout(DEADLINE):
                await test(**arguments)

        item.obj = within_the_deadline


@pytest.fixture
def start_hub(tmp_path: Path) -> Iterator[Callable[..., Hub]]:
    """Starts hubs with the options of :class:`Hub`; they end with the test."""
    with ExitStack() as hubs:

        def start(**options: object) -> Hub:
            folder = tmp_path / f"hub{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            return hubs.enter_context(Hub(folder, **options))  # type: ignore[arg-type]

        yield start


@pytest.fixture
def hub(start_hub: Callable[..., Hub]) -> Hub:
    """A hub that asks for no token."""
    return start_hub()
