"""The tree is tidy, and each check catches what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tidy import layers, protocol, sizes, text
from tests.tidy.tree import Source, read_tree

ROOT = Path(__file__).parents[2]
CHECKS = [sizes.check, layers.check, text.check_heads, text.check_leftovers, text.check_widths, protocol.check]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.__module__.rsplit('.')[-1]}.{check.__name__}")
def test_the_tree_is_tidy(check):
    faults = check(read_tree(ROOT))
    assert not faults, "\n" + "\n".join(map(str, faults))


def source(path: str, *lines: str) -> Source:
    return Source(path, lines)


def test_a_file_and_a_function_that_grow_are_found():
    long = source("a.rs", "//! A.", "fn long() {", *["    x();"] * 80, "}", *["// y"] * 500)
    assert [fault.place for fault in sizes.check([long], {})] == ["a.rs", "a.rs::long"]
    script = source("a.js", "// A.", "export const long = async (a, b) => {", *["  x();"] * 80, "};")
    assert [fault.place for fault in sizes.check([script], {})] == ["a.js::long"]
    method = source("b.js", "// B.", "class B {", "  draw(x) {", *["    x();"] * 80, "  }", "}")
    assert [fault.place for fault in sizes.check([method], {})] == ["b.js::draw"]
    python = source("a.py", '"""A."""', "def long():", *["    x = 1"] * 80)
    assert [fault.place for fault in sizes.check([python], {})] == ["a.py::long"]


def test_a_declaration_has_no_size():
    trait = source(
        "a.rs", "//! A.", "trait T {", "    fn declared(", "        a: u8,", "    );", *["    // y"] * 80, "}"
    )
    assert sizes.check([trait], {}) == []


def test_an_exception_is_a_ratchet():
    short = source("a.rs", "//! A.", *["// y"] * 599)
    assert sizes.check([short], {"a.rs": (600, "reason")}) == []
    assert "lower it to 600" in str(sizes.check([short], {"a.rs": (601, "reason")})[0])
    assert "drop its row" in str(sizes.check([source("a.rs", "//! A.")], {"a.rs": (600, "reason")})[0])


def test_an_import_that_goes_up_is_found():
    up = source("rust/hub/src/store/read.rs", "use crate::core::Core;", "// crate::core in a comment is none")
    assert len(layers.check([up])) == 1
    unlisted = source("rust/hub/src/novelty/mod.rs", "use crate::store::Store;")
    assert len(layers.check([unlisted])) == 1
    within = source("rust/hub/src/gitea/http.rs", "use crate::gitea::bridge::Bridge;", "use crate::gitea::Failure;")
    assert [fault.fault for fault in layers.check([within])] == ["gitea uses gitea/bridge"]
    grouped = source(
        "rust/hub/src/core/mod.rs",
        "use crate::{",
        "    links::{X, config},",
        "    config::A,",
        "    api::{Y, Z},",
        "};",
    )
    assert [str(fault).split(";")[0] for fault in layers.check([grouped])] == [
        "rust/hub/src/core/mod.rs:1: core uses config",
        "rust/hub/src/core/mod.rs:1: core uses api",
    ]
    crate = source(
        "rust/hub/Cargo.toml", "[dependencies]", "orochi-client = {}", "[dev-dependencies]", "orochi-cli = {}"
    )
    assert [fault.fault for fault in layers.check([crate])] == ["depends on orochi-client"]


def test_a_module_without_a_head_is_found():
    bare = [source("a.rs", "fn a() {}"), source("b.py", "x = 1"), source("c.js", "let x;")]
    assert len(text.check_heads(bare)) == 3


def test_a_line_that_is_too_long_is_found_where_no_formatter_holds_it():
    wide = [source("a.js", f"// {'x' * 120}"), source("a.rs", f"    // {'x' * 120}"), source("a.css", "x" * 121)]
    assert len(text.check_widths(wide)) == 3
    assert text.check_widths([source("a.rs", f'    let x = "{"x" * 120}";'), source("a.js", "x" * 120)]) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("rust/a.rs", "to" + "do!()"),
        ("tests/a.py", "time.sl" + "eep(1)"),
        ("rust/hub/tests/a.rs", "tokio::time::sl" + "eep(x).await"),
        ("rust/hub/src/a.rs", "#[ign" + "ore]"),
        ("orochi/a.py", "# FIX" + "ME: later"),
        ("docs/a.md", "see /ro" + "ot/notes"),
        ("pyproject.toml", "index-" + "url = 'https://packages.example.org/simple'"),
        ("Cargo.lock", 'source = "sparse+https://packages.example.org/index/"'),
    ],
)
def test_leftovers_sleeps_and_machine_paths_are_found(path, line):
    assert len(text.check_leftovers([source(path, line)])) == 1


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        ("tests/a.py", ["await asyncio.sl" + "eep(0)"]),
        ("rust/client/src/a.rs", ["tokio::time::sl" + "eep(delay).await;"]),
        ("Cargo.lock", ['source = "registry+https://github.com/rust-lang/crates.io-index"']),
        ("docs/a.md", ["https://example.org/work/a and target/work/a"]),
    ],
)
def test_what_is_allowed_is_let_through(path, lines):
    assert text.check_leftovers([source(path, *lines)]) == []


def test_a_sleep_in_a_rust_files_own_tests_is_found():
    tests = source("rust/a.rs", "fn wait() { sl" + "eep(delay) }", "mod tests {", "    sl" + "eep(delay);")
    assert [fault.place for fault in text.check_leftovers([tests])] == ["rust/a.rs:3"]


def test_a_code_that_the_page_lacks_is_found():
    tree = [
        source(
            protocol.CODES,
            '    ParseError = "PARSE_ERROR", 400, final;',
            '    RateLimited = "RATE_LIMITED", 429, retry;',
            "    CloseCode::TooSlow => 4008,",
        ),
        source(protocol.REQUESTS + "register.rs", '    const TYPE: &\'static str = "register";'),
        source(
            protocol.PAGE,
            "| `GONE` | 410 | no | nothing |",
            "| `RATE_LIMITED` | 429 | no | too many |",
            "| 1002, 1007 | not WebSocket |",
            "| 4010 | nothing |",
            "## 5. Agent frames",
            "| `leave` | nothing |",
            "",
            "**leave** goes.",
        ),
    ]
    assert [fault.fault for fault in protocol.check(tree)] == [
        "lacks the error PARSE_ERROR, HTTP 400, try again: no",
        "lacks the error RATE_LIMITED, HTTP 429, try again: yes",
        "has the error GONE, HTTP 410, try again: no",
        "has the error RATE_LIMITED, HTTP 429, try again: no",
        "lacks the close code 4008",
        "has the close code 4010",
        "lists 0 requests, but 1 files have a TYPE",
        "lacks the request register",
        "has the request leave",
    ]
