"""A stand-in for Gitea, and a hub that is configured for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gitea.standin import TOKEN, Gitea
from tests.python.hub import Hub


@pytest.fixture
def gitea() -> Iterator[Gitea]:
    """A server whose test fails where the hub asked what Gitea does not have."""
    with Gitea() as gitea:
        yield gitea
        assert gitea.faults == []


@pytest.fixture
def hub(gitea: Gitea, tmp_path: Path) -> Iterator[Hub]:
    """A hub with the server's token, which it must tell nobody."""
    with Hub(tmp_path, env={"GITEA_URL": gitea.url, "GITEA_TOKEN": TOKEN}) as hub:
        yield hub
    assert TOKEN not in "".join(hub.stderr)
