"""Imports go one way (docs/architecture.md)."""

from __future__ import annotations

import re
import tomllib

from tests.tidy.tree import Fault, Source

__all__ = ["check"]

# What each crate may depend on; tests may depend on more.
CRATES = {
    "rust/protocol/Cargo.toml": set(),
    "rust/hub/Cargo.toml": {"orochi-protocol"},
    "rust/client/Cargo.toml": {"orochi-protocol"},
    "rust/cli/Cargo.toml": {"orochi-client", "orochi-hub", "orochi-protocol"},
    "python/Cargo.toml": {"orochi-cli", "orochi-client", "orochi-protocol"},
}

# Within the hub: what a module may not name.
_HIGH = ["server", "api", "connection", "dashboard", "config"]
HUB = {
    "store": [*_HIGH, "core", "registry", "outbox", "view"],
    "view": [*_HIGH, "core", "registry", "outbox"],
    "registry": [*_HIGH, "core", "view"],
    "outbox": [*_HIGH, "core", "view", "store"],
    "core": _HIGH,
    "connection": ["server", "api", "dashboard", "config"],
    "dashboard": ["server", "connection", "core"],
    "api": ["server"],
    "config": ["server", "api", "connection", "core", "store", "registry", "outbox", "view", "dashboard"],
}


def check(sources: list[Source]) -> list[Fault]:
    """Dependencies and `use` lines that go upwards."""
    faults = []
    for source in sources:
        if source.path in CRATES:
            named = tomllib.loads("\n".join(source.lines)).get("dependencies", {})
            for name in sorted({name for name in named if name.startswith("orochi-")} - CRATES[source.path]):
                faults.append(Fault(source.path, f"depends on {name}", "imports go downwards only"))
        if found := re.match(r"rust/hub/src/(\w+)(?:/|\.rs)", source.path):
            barred = HUB.get(found[1], [])
            for number, line in enumerate(source.lines, 1):
                code = line.split("//")[0]
                for name in barred:
                    if re.search(rf"\bcrate::(?:\{{[^}}]*\b)?{name}\b", code):
                        fault = f"{found[1]} uses {name}"
                        faults.append(Fault(f"{source.path}:{number}", fault, "imports go downwards only"))
    return faults
