"""Checks frames against docs/protocol.schema.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

__all__ = ["ROOT", "SCHEMA", "faults"]

ROOT = Path(__file__).parents[2]
SCHEMA: dict[str, Any] = json.loads((ROOT / "docs" / "protocol.schema.json").read_text("utf-8"))


def faults(frame: object, direction: str) -> list[str]:
    """Returns the reasons why a frame does not match `from_client` or `from_hub`, with unknown keys forbidden."""
    return [error.message[:300] for error in _validator(direction).iter_errors(frame)]


def _validator(direction: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/$defs/{direction}", "$defs": _closed(SCHEMA["$defs"])})


def _closed(schema: Any) -> Any:
    """Forbids unlisted keys. A client ignores them; here each of them is a key that the page lacks."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(part) for key, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed
