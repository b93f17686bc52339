"""Fixtures: a hub of this project, and 0.1.0's programs that connect to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.old import Old
from tests.python.hub import Hub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub that asks for no token."""
    folder = tmp_path / "hub"
    folder.mkdir()
    with Hub(folder) as hub:
        yield hub


@pytest.fixture
def old(hub: Hub, tmp_path: Path) -> Old:
    """0.1.0 beside that hub."""
    return Old(hub, tmp_path)
