"""Every golden frame is one of the schema's, and every refused one is not, or is named here."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from tests.schema.frames import ROOT, SCHEMA, faults

GOLDEN = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((ROOT / "tests" / "golden").glob("*.json"))}
REFUSED = [name for name, file in GOLDEN.items() if "error" in file]
FROM_CLIENT = [name for name, file in GOLDEN.items() if file["direction"] == "request" and "error" not in file]
FROM_HUB = [name for name, file in GOLDEN.items() if file["direction"] != "request"]

# Rules that a schema can't tell: characters of a name, sizes in bytes, what goes together.
BEYOND_A_SCHEMA = {
    "refused-message-channel-too-long",
    "refused-message-direct-invisible-letter",
    "refused-message-direct-to-all",
    "refused-message-direct-to-nobody",
    "refused-message-metadata-too-deep",
    "refused-message-too-many-mentions",
    "refused-query-sender-name",
    "refused-query-since-no-offset",
    "refused-register-channel-name",
    "refused-subscribe-invisible-letter",
    "refused-subscribe-space",
}


def test_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", FROM_CLIENT)
def test_requests_are_frames_of_the_schema(name):
    assert not faults(GOLDEN[name]["frame"], "from_client")


@pytest.mark.parametrize("name", FROM_HUB)
def test_frames_of_the_hub_are_frames_of_the_schema(name):
    assert not faults(GOLDEN[name]["frame"], "from_hub")


@pytest.mark.parametrize("name", REFUSED)
def test_refused_frames_are_none_of_the_schema(name):
    assert bool(faults(GOLDEN[name]["frame"], "from_client")) != (name in BEYOND_A_SCHEMA)


def test_schema_has_no_frame_that_is_never_seen():
    seen = {file["type"] for file in GOLDEN.values() if "error" not in file}
    kinds = {part["properties"]["type"]["const"] for part in SCHEMA["$defs"].values() if _is_frame(part)}
    assert kinds == seen


def _is_frame(part):
    return "const" in part.get("properties", {}).get("type", {})
