"""The programs in `clients`, as commands for the conformance kit; skipped where their language is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

__all__ = ["CLIENTS", "PROGRAMS", "STRANGERS", "node"]

ROOT = Path(__file__).parents[2]
CLIENTS = Path(__file__).parent / "clients"


def python() -> list[str]:
    """This project's Python client."""
    return [sys.executable, str(CLIENTS / "python_client.py")]


@cache
def rust() -> list[str]:
    """This project's Rust client. The packages are those of the Rust tests, so that nothing is built twice."""
    packages = ["--workspace", "--exclude", "orochi-python"]
    _build(["cargo", "build", "--quiet", *packages, "--example", "kit"], ROOT, "Rust, https://rustup.rs")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return [str(target / "debug" / "examples" / "kit")]


@cache
def go() -> list[str]:
    """A client from the page, in Go."""
    if shutil.which("go") is None:
        pytest.skip("go is missing: install Go 1.19 or newer, as Debian's golang-go, or from https://go.dev/dl")
    program = Path(tempfile.mkdtemp(prefix="orochi-go-")) / "client"
    _build(["go", "build", "-o", str(program), "."], CLIENTS / "go", "Go")
    return [str(program)]


def node(source: Path = CLIENTS / "client.mjs") -> list[str]:
    """A client from the page, in JavaScript. The gate installs Node, so that there a missing one is a failure."""
    found = shutil.which("node")
    if found is None and os.environ.get("CI") != "true":
        pytest.skip("node is missing: install Node.js 20 or newer, https://nodejs.org")
    assert found is not None, "node is missing"
    return [found, "--experimental-websocket", "--no-warnings", str(source)]


# Those that were written from docs/protocol.md alone.
STRANGERS: dict[str, Callable[[], list[str]]] = {"go": go, "node": node}
PROGRAMS: dict[str, Callable[[], list[str]]] = {"python": python, "rust": rust, **STRANGERS}


def _build(command: list[str], folder: Path, needs: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is missing: install {needs}")
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert built.returncode == 0, f"{' '.join(command)}:\n{built.stderr}"
