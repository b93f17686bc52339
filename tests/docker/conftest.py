"""The image, built once for all tests; skipped where there is no engine, unless CI says that there must be one."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Iterator

import pytest

from tests.docker.engine import IMAGE, Stack, run, why_no_engine


@pytest.fixture(scope="session")
def image() -> str:
    """The image's name."""
    missing = why_no_engine()
    if missing is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"the container's tests can't run: {missing}")
        pytest.skip(missing)
    # The first build takes minutes, under a time limit of its own; a single test's limit would end the whole run.
    faulthandler.cancel_dump_traceback_later()
    built = run("make", "image", timeout=1200)
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    return IMAGE


@pytest.fixture
def stack(image: str) -> Iterator[Stack]:
    """A project that is removed with the test."""
    stack = Stack()
    yield stack
    stack.down()
