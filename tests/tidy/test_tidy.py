"""The tree is tidy, and each check catches what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tidy import layers, protocol, sizes, text
from tests.tidy.tree import Source, read_tree

ROOT = Path(__file__).parents[2]
CHECKS = [sizes.check, layers.check, text.check_heads, text.check_leftovers, protocol.check]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.__module__.rsplit('.')[-1]}.{check.__name__}")
def test_the_tree_is_tidy(check):
    faults = check(read_tree(ROOT))
    assert not faults, "\n" + "\n".join(map(str, faults))


def source(path: str, *lines: str) -> Source:
    return Source(path, lines)


def test_a_file_and_a_function_that_grow_are_found():
    long = source("a.rs", "//! A.", "fn long() {", *["    x();"] * 80, "}", *["// y"] * 500)
    assert [fault.place for fault in sizes.check([long], {})] == ["a.rs", "a.rs::long"]
    python = source("a.py", '"""A."""', "def long():", *["    x = 1"] * 80)
    assert [fault.place for fault in sizes.check([python], {})] == ["a.py::long"]


def test_an_exception_is_a_ratchet():
    short = source("a.rs", "//! A.", *["// y"] * 599)
    assert sizes.check([short], {"a.rs": (600, "reason")}) == []
    assert "lower it to 600" in str(sizes.check([short], {"a.rs": (601, "reason")})[0])
    assert "drop its row" in str(sizes.check([source("a.rs", "//! A.")], {"a.rs": (600, "reason")})[0])


def test_an_import_that_goes_up_is_found():
    up = source("rust/hub/src/store/read.rs", "use crate::core::Core;", "// crate::core in a comment is none")
    assert len(layers.check([up])) == 1
    grouped = source("rust/hub/src/core/mod.rs", "use crate::{registry::X, api::Y};")
    assert len(layers.check([grouped])) == 1
    crate = source(
        "rust/hub/Cargo.toml", "[dependencies]", "orochi-client = {}", "[dev-dependencies]", "orochi-cli = {}"
    )
    assert "orochi-client" in str(layers.check([crate])[0])


def test_a_module_without_a_head_is_found():
    bare = [source("a.rs", "fn a() {}"), source("b.py", "x = 1"), source("c.js", "let x;")]
    assert len(text.check_heads(bare)) == 3


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("rust/a.rs", "to" + "do!()"),
        ("tests/a.py", "time.sl" + "eep(1)"),
        ("rust/hub/tests/a.rs", "tokio::time::sl" + "eep(x).await"),
        ("docs/a.md", "see /ro" + "ot/notes"),
    ],
)
def test_leftovers_sleeps_and_machine_paths_are_found(path, line):
    assert len(text.check_leftovers([source(path, line)])) == 1


def test_a_code_that_the_page_lacks_is_found():
    tree = [
        source(protocol.CODES, '    ParseError = "PARSE_ERROR", 400, final;'),
        source(protocol.REQUESTS, '        "register" => x,'),
        source(protocol.PAGE, "| `GONE` | nothing |"),
    ]
    assert [str(fault).split(": ")[1].split(";")[0] for fault in protocol.check(tree)] == [
        "lacks PARSE_ERROR",
        "has GONE, the code does not",
        "does not describe the request register",
    ]
