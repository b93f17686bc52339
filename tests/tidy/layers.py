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
    "python/Cargo.toml": {"orochi-client", "orochi-protocol"},
}

# Within the hub: what a module may not name.
_HIGH = ["server", "api", "bridge", "connection", "calls", "dashboard", "gitea", "config"]
_ABOVE_GITEA = ["server", "api", "bridge", "connection", "calls", "dashboard"]
HUB = {
    "store": [*_HIGH, "core", "registry", "outbox", "view", "search"],
    "search": [*_HIGH, "core", "registry", "outbox", "view", "markdown", "digest"],
    "view": [*_HIGH, "core", "registry", "outbox"],
    "registry": [*_HIGH, "core", "view"],
    "outbox": [*_HIGH, "core", "view", "store"],
    "markdown": [*_HIGH, "core", "registry", "outbox", "view", "store"],
    "digest": [*_HIGH, "core", "registry", "outbox", "view", "markdown"],
    "core": [*_HIGH, "markdown", "digest"],
    "connection": ["server", "api", "bridge", "dashboard", "config"],
    "ports": [*_HIGH, "core", "registry", "outbox", "view", "store", "markdown", "digest", "webhook"],
    "dashboard": ["server", "connection", "core", "gitea"],
    "bridge": ["server", "api", "connection", "calls", "dashboard"],
    "calls": ["server", "bridge", "api", "connection", "dashboard", "config"],
    "gitea": [
        "server",
        "api",
        "bridge",
        "connection",
        "calls",
        "dashboard",
        "core",
        "registry",
        "store",
        "outbox",
        "view",
    ],
    "api": ["server"],
    "webhook": [*_ABOVE_GITEA, "gitea", "core", "registry", "store", "outbox", "view"],
    "config": ["server", "api", "connection", "gitea", "core", "store", "registry", "outbox", "view", "dashboard"],
}


def check(sources: list[Source]) -> list[Fault]:
    """Dependencies and `use` paths that go upwards."""
    faults = []
    for source in sources:
        if source.path in CRATES:
            faults += _crate(source)
        if found := re.match(r"rust/hub/src/(\w+)(?:/|\.rs)", source.path):
            faults += _module(source, found[1])
    return faults


def _crate(source: Source) -> list[Fault]:
    manifest = tomllib.loads("\n".join(source.lines))
    tables = [manifest, *manifest.get("target", {}).values()]
    named = {
        name for table in tables for part in ("dependencies", "build-dependencies") for name in table.get(part, {})
    }
    upwards = {name for name in named if name.startswith("orochi-")} - CRATES[source.path]
    remedy = "imports go downwards only: move what is shared to a lower crate"
    return [Fault(source.path, f"depends on {name}", remedy) for name in sorted(upwards)]


def _module(source: Source, module: str) -> list[Fault]:
    # Comments become blanks of no meaning, line numbers stay: a `use` may go over several lines.
    code = "\n".join(line.split("//")[0] for line in source.lines)
    faults = []
    for found in re.finditer(r"\bcrate::(?:(\w+)|\{)", code):
        line = code.count("\n", 0, found.start()) + 1
        for name in [found[1]] if found[1] else _group(code, found.end()):
            if name in HUB.get(module, []):
                remedy = "imports go downwards only: hand it in, or move what is shared down"
                faults.append(Fault(f"{source.path}:{line}", f"{module} uses {name}", remedy))
    return faults


def _group(code: str, start: int) -> list[str]:
    """The first names of the paths in `crate::{a::X, b::{Y, Z}}`, from behind its brace on."""
    depth, names, expected = 0, [], True
    for token in re.finditer(r"\w+|[{},]", code[start:]):
        if token[0] == "}" and depth == 0:
            break
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        if token[0] == "," and depth == 0:
            expected = True
        elif expected and token[0].isidentifier():
            names.append(token[0])
            expected = False
    return names
