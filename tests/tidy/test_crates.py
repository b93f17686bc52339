"""The crates in the lock file are what deny.toml allows, and each rule catches what it is for."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.tidy import crates

ROOT = Path(__file__).parents[2]


def package(name: str, version: str = "1.0.0", licence: str | None = "MIT", source: str = crates.REGISTRY) -> Any:
    return {"name": name, "version": version, "license": licence, "source": source}


def faults(*packages: Any, allow: tuple[str, ...] = ("MIT",), skip: tuple[str, ...] = ()) -> list[str]:
    rules = {
        "licenses": {"allow": list(allow)},
        "bans": {
            "skip": [{"crate": name, "reason": "why"} for name in skip],
            "deny": [{"crate": "openssl-sys", "reason": "rustls"}],
        },
    }
    return [f"{fault.place}: {fault.fault}" for fault in crates.check({"packages": list(packages)}, rules)]


def test_crates_are_what_deny_toml_allows():
    command = ["cargo", "metadata", "--format-version=1", "--locked"]
    metadata = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    found = crates.check(metadata, tomllib.loads((ROOT / crates.PAGE).read_text(encoding="utf-8")))
    assert not found, "\n" + "\n".join(map(str, found))


@pytest.mark.parametrize(
    ("licence", "is_allowed"),
    [
        ("MIT", True),
        ("GPL-2.0", False),
        (None, False),
        ("GPL-2.0 OR MIT", True),
        ("Unlicense/MIT", True),
        ("GPL-2.0 AND MIT", False),
        ("(GPL-2.0 OR MIT) AND MIT", True),
        ("MIT WITH LLVM-exception", False),
    ],
)
def test_licences_are_read_as_expressions(licence: str | None, is_allowed: bool):
    found = faults(package("plain"), package("a", licence=licence))
    assert found == ([] if is_allowed else [f"a@1.0.0: licence {licence} is not allowed"])


def test_licences_that_no_crate_has_are_not_allowed():
    assert faults(package("a"), allow=("MIT", "ISC")) == ["deny.toml: allows ISC, which no crate has"]


def test_duplicates_are_found_and_skips_that_are_not_needed():
    two = (package("a"), package("a", "2.0.0"))
    assert faults(*two) == ["a@1.0.0 and a@2.0.0: are two copies"]
    assert faults(*two, skip=("a@1.0.0",)) == []
    assert faults(package("a"), skip=("a@0.1.0",)) == ["deny.toml: skips a@0.1.0, which is gone"]


def test_banned_crates_and_other_registries_are_found():
    assert faults(package("openssl-sys")) == ["openssl-sys@1.0.0: is banned"]
    assert faults(package("a", source="git+https://example.org/a")) == ["a@1.0.0: comes from git+https://example.org/a"]
