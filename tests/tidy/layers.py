"""Imports go one way (docs/architecture.md): the allowed imports of each crate, and of each room of the hub."""

from __future__ import annotations

import re
import tomllib

from tests.tidy.tree import Fault, Source

__all__ = ["check"]

# The allowed dependencies of each crate; tests may depend on more.
CRATES = {
    "rust/protocol/Cargo.toml": set(),
    "rust/httpdate/Cargo.toml": set(),
    "rust/mcp/Cargo.toml": {"orochi-protocol"},
    "rust/hub/Cargo.toml": {"orochi-mcp", "orochi-protocol"},
    "rust/client/Cargo.toml": {"orochi-protocol"},
    "rust/agent/Cargo.toml": {"orochi-client", "orochi-mcp", "orochi-protocol"},
    "rust/cli/Cargo.toml": {"orochi-agent", "orochi-client", "orochi-hub", "orochi-mcp", "orochi-protocol"},
    "python/Cargo.toml": {"orochi-client", "orochi-protocol"},
}

# The allowed imports of each room of the hub, from the lowest to the highest. A file belongs to the room with the
# longest matching name; a room that is not listed may import nothing.
HUB: dict[str, set[str]] = {
    "clock": set(),
    "frame": set(),
    "http_client": set(),
    "markdown": {"frame"},
    "ports": set(),
    "store": {"clock"},
    "search": {"store"},
    "delivery": {"frame", "store"},
    "roster": {"store"},
    "links": {"delivery", "frame", "roster", "store"},
    "core": {"clock", "delivery", "frame", "links", "roster", "search", "store"},
    "log_watch": {"core", "store"},
    "mailbox": {"core", "store"},
    "mcp": {"clock", "core", "delivery", "gitea", "gitea/once", "mailbox", "search", "store"},
    "config": set(),
    "gitea": {"config", "http_client"},
    "gitea/webhook": {"config"},
    "gitea/once": {"core", "gitea", "store"},
    "gitea/bridge": {"config", "core", "gitea", "gitea/webhook", "store"},
    "connection": {"clock", "core", "delivery", "frame", "gitea", "gitea/once", "markdown", "ports", "search", "store"},
    "api": {
        "clock",
        "config",
        "connection",
        "core",
        "delivery",
        "gitea",
        "gitea/bridge",
        "gitea/once",
        "gitea/webhook",
        "mailbox",
        "markdown",
        "mcp",
        "ports",
        "search",
        "store",
    },
    "server": {"api", "config", "core", "log_watch", "ports", "store"},
    # Passes names on to programs and tests.
    "lib": {"api", "connection", "core", "delivery", "log_watch", "search", "store"},
}

_ROOT = "rust/hub/src/"


def check(sources: list[Source]) -> list[Fault]:
    """Dependencies and `use` paths that are not allowed."""
    faults = []
    for source in sources:
        if source.path in CRATES:
            faults += _crate(source)
        if source.path.startswith(_ROOT) and source.suffix == ".rs":
            faults += _module(source)
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


def _module(source: Source) -> list[Fault]:
    # Comments become blanks of no meaning, line numbers stay: a `use` may go over several lines.
    code = "\n".join(line.split("//")[0] for line in source.lines)
    room = _room(source.path.removeprefix(_ROOT).removesuffix(".rs"))
    faults = []
    for found in re.finditer(r"\bcrate::(?:(\w+(?:::\w+)?)|\{)", code):
        line = code.count("\n", 0, found.start()) + 1
        for path in [found[1]] if found[1] else _group(code, found.end()):
            used = _room(path.replace("::", "/"))
            if used != room and used not in HUB.get(room, set()):
                remedy = f"hand it in, move what is shared down, or allow it in {__name__.replace('.', '/')}.py"
                faults.append(Fault(f"{source.path}:{line}", f"{room} uses {used}", remedy))
    return faults


def _room(path: str) -> str:
    """The longest room that leads to `path`, or its first part."""
    parts = path.split("/")
    lead = ["/".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((name for name in lead if name in HUB), parts[0])


def _group(code: str, start: int) -> list[str]:
    """The first two names of the paths in `crate::{a::X, b::{Y, Z}}`, from behind its brace on."""
    depth, paths = 0, []
    for token in re.finditer(r"(\w+(?:::\w+)?)(?:::)?|[{},]", code[start:]):
        if token[0] == "}" and depth == 0:
            break
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        if depth == 0 and token[1]:
            paths.append(token[1])
    return paths
