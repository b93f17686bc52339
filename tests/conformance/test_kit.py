"""Clients that pass the conformance kit, and wrong clients with one mistake each, which the kit is to find."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from tests.conformance.kit import program
from tests.conformance.kit.__main__ import failure, failures
from tests.conformance.kit.steps import STEPS
from tests.conformance.mistakes import MISTAKES
from tests.conformance.programs import CLIENTS, PROGRAMS, node

CHECKS = dict(STEPS)
# Wrong clients that run at the same time: nearly all of their time is waiting.
AT_ONCE = 8

_found: dict[str, dict[str, str | None]] = {}


@pytest.mark.parametrize("step", CHECKS)
@pytest.mark.parametrize("name", PROGRAMS)
async def test_kit_is_passed_by(name, step):
    command = PROGRAMS[name]()
    if name not in _found:
        # All at once: the steps of one client share their waits.
        found = await failures(command, list(CHECKS.values()))
        _found[name] = dict(zip(CHECKS, found, strict=True))
    assert _found[name][step] is None


def test_kit_has_a_wrong_client_for_every_step():
    assert {mistake.step for mistake in MISTAKES} == set(CHECKS)


async def test_kit_names_the_step_and_the_frame_of_every_mistake(tmp_path, monkeypatch):
    # A missing action of a wrong client is awaited for a shorter time than one of a right client.
    monkeypatch.setattr(program, "PATIENCE", 12)
    room = asyncio.Semaphore(AT_ONCE)

    async def report(number: int) -> str | None:
        mistake, folder = MISTAKES[number], tmp_path / str(number)
        folder.mkdir()
        command = node(mistake.write(folder))
        async with room:
            return await failure(command, CHECKS[mistake.step])

    reports = await asyncio.gather(*map(report, range(len(MISTAKES))))
    missed = {
        f"{mistake.step}: {mistake.what}": found
        for mistake, found in zip(MISTAKES, reports, strict=True)
        # The sentence, and the last frames.
        if found is None or mistake.says not in found or ' {"type"' not in found
    }
    assert not missed


def test_kit_go_client_is_formatted_and_vetted():
    PROGRAMS["go"]()
    for command in (["gofmt", "-l", "."], ["go", "vet", "."]):
        ran = subprocess.run(command, cwd=CLIENTS / "go", capture_output=True, text=True, check=True)
        assert not ran.stdout + ran.stderr


async def test_kit_says_what_a_program_printed_that_is_no_event(tmp_path: Path):
    chatty = tmp_path / "chatty.mjs"
    chatty.write_text('console.log("connected!");', "utf-8")
    found = await failure(node(chatty), CHECKS["2 register"])
    assert found is not None
    assert "connected!" in found
