"""A hub and a machine for each test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.join.kit import Hub, Machine


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub with a token."""
    hub = Hub(tmp_path, "hub-token").start()
    yield hub
    hub.kill()


@pytest.fixture
def machine(hub: Hub) -> Iterator[Machine]:
    """A machine that knows the hub. Its folder is a short one: sockets' paths are limited."""
    with tempfile.TemporaryDirectory(prefix="oj") as folder:
        machine = Machine(Path(folder), hub)
        yield machine
        machine.close()
