"""Clients that pass the conformance kit, and one that doesn't, so that the kit is known to see it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.conformance.kit.__main__ import failure
from tests.conformance.kit.steps import STEPS

CLIENTS = Path(__file__).parent / "clients"
NODE = [shutil.which("node") or "node", "--experimental-websocket", "--no-warnings", str(CLIENTS / "client.mjs")]
PYTHON = [sys.executable, str(CLIENTS / "python_client.py")]
# In CI a missing Node is a failure, not a skip.
needs_node = pytest.mark.skipif(
    shutil.which("node") is None and os.environ.get("CI") != "true",
    reason="node is missing: install Node.js 20 or newer, https://nodejs.org",
)


@pytest.mark.parametrize(("name", "check"), STEPS, ids=[name for name, _ in STEPS])
async def test_python_client_passes_the_kit(name, check):
    assert await failure(PYTHON, check) is None


@needs_node
@pytest.mark.parametrize(("name", "check"), STEPS, ids=[name for name, _ in STEPS])
async def test_node_client_passes_the_kit(name, check):
    assert await failure(NODE, check) is None


@needs_node
async def test_kit_finds_a_client_that_counts_its_ids(tmp_path):
    counting = tmp_path / "counting.mjs"
    source = (CLIENTS / "client.mjs").read_text("utf-8")
    broken = source.replace("id: uuid7(), payload };", "id: `message-number-${(count += 1)}`, payload };")
    assert broken != source
    counting.write_text(f"let count = 0;\n{broken}", "utf-8")
    (check,) = (check for name, check in STEPS if name == "5 ids")
    found = await failure([*NODE[:-1], str(counting)], check)
    assert found is not None
