"""Files use each other in one direction, and a circle is found however the code names what it uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tidy import cycles
from tests.tidy.tree import Source, read_tree

ROOT = Path(__file__).parents[2]


def crate(**files: str) -> list[Source]:
    """A crate of these modules, `a__b` for a/b.rs."""
    return [
        Source(f"rust/hub/src/{name.replace('__', '/')}.rs", tuple(code.splitlines())) for name, code in files.items()
    ]


def circles(sources: list[Source]) -> list[str]:
    return [fault.fault.replace("rust/hub/src/", "") for fault in cycles.check(sources)]


def test_circles_are_none_in_the_tree():
    faults = cycles.check(read_tree(ROOT))
    assert not faults, "\n" + "\n".join(map(str, faults))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("use crate::b::B;", "use crate::a::A;"),
        ("use crate::{b::B, c};", "use crate::{\n    c::{C, D},\n    a::{self, A},\n};"),
        ("fn f() { crate::b::g() }", "use super::a;"),
        ("use crate::b;\nfn f() { b::g() }", "fn g() -> super::a::A {}"),
    ],
)
def test_circle_of_two_files_is_found(first: str, second: str):
    found = circles(crate(lib="mod a;\nmod b;\nmod c;", a=first, b=second, c=""))
    assert found == ["is in a circle of 2 files: a.rs, b.rs"]


def test_circle_through_a_reexport_and_a_parent_is_found():
    tree = crate(lib="mod r;", r__mod="mod a;\nmod b;\npub use a::A;", r__a="use super::b::B;", r__b="use super::A;")
    assert circles(tree) == ["is in a circle of 2 files: r/a.rs, r/b.rs"]
    parent = crate(lib="mod r;", r__mod="mod a;\nuse a::A;\npub struct R;", r__a="use super::R;")
    assert circles(parent) == ["is in a circle of 2 files: r/a.rs, r/mod.rs"]


def test_circle_is_none_where_names_are_only_passed_on_or_tested():
    tree = crate(
        lib="mod r;\npub use r::A;",
        r__mod="mod a;\nmod b;\npub use a::A;\npub use b::B;",
        r__a="use crate::r::B; // use crate::r::C;",
        r__b="// use super::a::A;\nmod tests {\n    use super::super::a::A;\n}",
    )
    assert circles(tree) == []


def test_circle_of_scripts_is_found_and_one_of_types_is_none():
    def page(name: str, *lines: str) -> Source:
        return Source(f"dashboard/{name}", lines)

    two = [page("a.js", 'import { b } from "./ui/b.js";'), page("ui/b.js", "export {", "} from '../a.js';")]
    assert [fault.place for fault in cycles.check(two)] == ["dashboard/a.js"]
    typed = [two[0], page("ui/b.js", "/** @typedef {import('../a.js').A} A */", " * @type {import('../a.js').A}")]
    assert cycles.check(typed) == []
