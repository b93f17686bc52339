"""Generates pages from docs/protocol.schema.json: docs/frames.md, each frame with each of its fields, and
docs/protocol.asyncapi.json, the same for AsyncAPI's tools. `python -m tests.schema.pages` writes them.
"""

from __future__ import annotations

import json
from typing import Any

from tests.schema.frames import ROOT, SCHEMA

__all__ = ["PAGES"]

_DEFS: dict[str, Any] = SCHEMA["$defs"]
_HEAD = """# Frames

Every frame of the [wire protocol](protocol.md) with every field. Made from [protocol.schema.json](protocol.schema.json)
by `python -m tests.schema.pages`; the golden frames in `tests/golden/` are held to the same schema.

`from a client` fields that may be null may also be absent. A client ignores keys that are not here.
"""


def frames_page() -> str:
    """docs/frames.md."""
    parts = [_HEAD]
    for title, direction in [("From a client", "from_client"), ("From the hub", "from_hub")]:
        parts.append(f"## {title}\n")
        parts += [_frame(name) for name in _names(direction)]
    parts.append("## Values\n")
    values = [name for name in _DEFS if not _is_frame(name) and name not in ("from_client", "from_hub")]
    parts += [_value(name) for name in values]
    return "\n".join(parts)


def async_api() -> str:
    """docs/protocol.asyncapi.json: an agent's channel, seen from the hub."""
    operations = {"receive": _names("from_client"), "send": _names("from_hub")}
    names = [name for frames in operations.values() for name in frames]
    page = {
        "asyncapi": "3.0.0",
        "info": {"title": "Orochi", "version": "1.0.0", "description": "docs/protocol.md explains all of it."},
        "servers": {"agents": {"host": "127.0.0.1:9559", "protocol": "ws"}},
        "channels": {
            "agent": {"address": "/", "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names}}
        },
        "operations": {
            action: {
                "action": action,
                "channel": {"$ref": "#/channels/agent"},
                "messages": [{"$ref": f"#/channels/agent/messages/{name}"} for name in frames],
            }
            for action, frames in operations.items()
        },
        "components": {
            "messages": {
                name: {
                    "name": _DEFS[name]["properties"]["type"]["const"],
                    "summary": _DEFS[name]["description"],
                    "contentType": "application/json",
                    "payload": {"$ref": f"protocol.schema.json#/$defs/{name}"},
                }
                for name in names
            }
        },
    }
    return json.dumps(page, indent=1) + "\n"


def _names(direction: str) -> list[str]:
    (parts,) = (_DEFS[direction][key] for key in ("oneOf", "anyOf") if key in _DEFS[direction])
    return [part["$ref"].rpartition("/")[2] for part in parts]


def _is_frame(name: str) -> bool:
    return "const" in _DEFS[name].get("properties", {}).get("type", {})


def _frame(name: str) -> str:
    frame = _DEFS[name]["properties"]
    payload = frame["payload"]
    payload = payload.get("anyOf", [payload])[0]
    title = frame["type"]["const"]
    label = name.removeprefix("request_")
    heading = f"### `{title}`" + (f" ({label.replace('_', ' ')})" if label != title else "")
    more = (
        "Beside the payload: `seq`, the message's position in the log, and to an observer with `html=true`, `html`.\n\n"
        if name == "message"
        else ""
    )
    return f"{heading}\n\n{payload['description']}\n\n{more}{_table(payload)}"


def _value(name: str) -> str:
    value = _DEFS[name]
    table = f"\n{_table(value)}" if "properties" in value else ""
    kind = "" if table else f" {_kind(value)}."
    return f"### `{name}`\n\n{value['description']}{kind}\n{table}"


def _table(schema: dict[str, Any]) -> str:
    fields = {key: field for key, field in schema["properties"].items() if field is not False}
    if not fields:
        return "No fields.\n"
    lines = ["| field | | value | meaning |", "|---|---|---|---|"]
    for key, field in fields.items():
        needed = "required" if key in schema.get("required", []) else ""
        lines.append(f"| `{key}` | {needed} | {_kind(field)} | {_meaning(field)} |")
    refused = [f"`{key}`" for key, field in schema["properties"].items() if field is False]
    note = f"\nRefused: {', '.join(refused)}.\n" if refused else ""
    return "\n".join(lines) + "\n" + note


def _meaning(field: dict[str, Any]) -> str:
    return str(field.get("description", "")).replace("|", "\\|")


def _kind(field: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if "anyOf" in field:
        return " or ".join(_kind(part) for part in field["anyOf"])
    if "const" in field:
        return f"`{json.dumps(field['const'])}`"
    if "enum" in field:
        return ", ".join(f"`{json.dumps(value)}`" for value in field["enum"])
    kinds = field.get("type", "any value")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    text = " or ".join("a list of " + _kind(field["items"]) if kind == "array" else kind for kind in kinds)
    if isinstance(field.get("additionalProperties"), dict):
        text += f" of {_kind(field['additionalProperties'])}"
    return text + _bounds(field)


def _bounds(field: dict[str, Any]) -> str:
    names = {"minLength": "from {} characters", "maxLength": "up to {} characters", "minimum": "from {}"}
    names |= {"maximum": "up to {}", "maxItems": "up to {} entries", "maxProperties": "up to {} entries"}
    bounds = [text.format(field[name]) for name, text in names.items() if name in field]
    return f", {', '.join(bounds)}" if bounds else ""


PAGES = {"docs/frames.md": frames_page, "docs/protocol.asyncapi.json": async_api}

if __name__ == "__main__":
    for path, page in PAGES.items():
        (ROOT / path).write_text(page(), "utf-8")
