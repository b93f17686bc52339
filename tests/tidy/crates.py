"""The crates that may be compiled in: the rules of deny.toml that need no network, applied to the lock file as Cargo
reads it.

`cargo deny`, which reads the same file, is no package that the gate could install within minutes; it runs in the
project's workflows and looks for known faults as well.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from tests.tidy.tree import Fault

__all__ = ["PAGE", "check"]

PAGE = "deny.toml"
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


def check(metadata: dict[str, Any], rules: dict[str, Any]) -> list[Fault]:
    """Crates of `cargo metadata` that the rules do not allow, and rules that nothing needs any more."""
    packages = metadata["packages"]
    return _licences(packages, rules["licenses"]) + _bans(packages, rules["bans"]) + _sources(packages)


def _licences(packages: list[dict[str, Any]], rules: dict[str, Any]) -> list[Fault]:
    allowed = set(rules["allow"])
    needed: set[str] = set()
    faults = []
    for package in packages:
        named = _alternatives(package["license"] or "none")
        good = [licences for licences in named if licences <= allowed]
        if not good:
            remedy = "read the licence and add it to allow, or take another crate"
            faults.append(Fault(_name(package), f"licence {package['license']} is not allowed", remedy))
        else:
            needed |= set().union(*good)
    unused = sorted(allowed - needed)
    return faults + [Fault(PAGE, f"allows {licence}, which no crate has", "take it out") for licence in unused]


def _bans(packages: list[dict[str, Any]], rules: dict[str, Any]) -> list[Fault]:
    skipped = {rule["crate"] for rule in rules["skip"]}
    banned = {rule["crate"]: rule["reason"] for rule in rules["deny"]}
    versions: dict[str, list[str]] = defaultdict(list)
    faults = []
    for package in packages:
        versions[package["name"]].append(_name(package))
        if package["name"] in banned:
            faults.append(Fault(_name(package), "is banned", banned[package["name"]]))
    names = {name for many in versions.values() for name in many}
    for many in versions.values():
        kept = [name for name in many if name not in skipped]
        if len(kept) > 1:
            faults.append(Fault(" and ".join(kept), "are two copies", "agree on one, or add a skip with its reason"))
    return faults + [Fault(PAGE, f"skips {name}, which is gone", "take it out") for name in sorted(skipped - names)]


def _sources(packages: list[dict[str, Any]]) -> list[Fault]:
    remedy = "depend on a published crate from crates.io"
    return [
        Fault(_name(package), f"comes from {package['source']}", remedy)
        for package in packages
        if package["source"] not in (None, REGISTRY)
    ]


def _name(package: dict[str, Any]) -> str:
    return f"{package['name']}@{package['version']}"


def _alternatives(expression: str) -> list[set[str]]:
    """The sets of licences one of which is enough, of an SPDX expression; `/` is how old crates write OR."""
    tokens = re.findall(
        r"[()]|\b(?:AND|OR)\b|(?:(?!\b(?:AND|OR)\b)[^()\s])+(?: WITH \S+)?", expression.replace("/", " OR ")
    )
    tokens.reverse()

    def either() -> list[set[str]]:
        found = both()
        while tokens and tokens[-1] == "OR":
            tokens.pop()
            found = found + both()
        return found

    def both() -> list[set[str]]:
        found = one()
        while tokens and tokens[-1] == "AND":
            tokens.pop()
            right = one()
            found = [a | b for a in found for b in right]
        return found

    def one() -> list[set[str]]:
        token = tokens.pop()
        if token != "(":
            return [{token}]
        found = either()
        tokens.pop()
        return found

    return either()
