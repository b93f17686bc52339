"""The package installs manual pages, completions and licences beside its programs."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.python.hub import clean_environment

OROCHI = Path(sysconfig.get_path("scripts"), "orochi")
SHARE = Path(sysconfig.get_path("data"), "share")


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("man/man1/orochi.1", r"orochi\-send(1)"),
        ("man/man1/orochi-send.1", r"\-\-reply\-to"),
        ("doc/scitex-orochi/LICENCES", "AGPL-3.0"),
    ],
)
def test_installed_page_is_there(file: str, told: str) -> None:
    assert told in (SHARE / file).read_text()


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("bash", "bash-completion/completions/orochi"),
        ("zsh", "zsh/site-functions/_orochi"),
        ("fish", "fish/vendor_completions.d/orochi.fish"),
    ],
)
def test_installed_completion_is_the_programs_own(shell: str, file: str) -> None:
    command = [str(OROCHI), "completions", shell]
    printed = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=True).stdout
    assert (SHARE / file).read_text() == printed
    assert "receipts" in printed
