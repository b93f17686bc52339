"""The frames on the protocol's page can be pasted: each is complete, and matches the schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.schema.frames import ROOT, faults

PAGE = (ROOT / "docs" / "protocol.md").read_text("utf-8")
# An example begins with a frame's first key, after the sign of who says it, and goes on in lines indented as far.
BEGIN = re.compile(r'^ {4,}(?:[<>] )?(?=\{"type")')


def test_examples_are_frames_of_the_schema():
    count = 0
    for frame in examples():
        is_request = frame["sender"] != "orochi-server" and "ts" not in frame
        assert not faults(frame, "from_client" if is_request else "from_hub"), frame
        count += 1
    assert count > 20


def test_examples_of_requests_have_ids_that_can_be_pasted():
    ids = [frame["id"] for frame in examples() if "ts" not in frame]
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one) for one in ids)


def examples() -> Iterator[dict[str, Any]]:
    lines = PAGE.splitlines()
    for number, line in enumerate(lines):
        if begin := BEGIN.match(line):
            text = line[begin.end() :]
            for more in lines[number + 1 :]:
                if is_json(text) or not more.startswith("     "):
                    break
                text += more.strip()
            yield json.loads(text)


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
