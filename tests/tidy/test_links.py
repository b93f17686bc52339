"""Every link between the project's pages leads somewhere, and each check catches what it is for."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.tidy import links
from tests.tidy.tree import Source, read_tree

ROOT = Path(__file__).parents[2]


def page(path: str, *lines: str) -> Source:
    return Source(path, lines)


def test_links_between_pages_lead_somewhere():
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    faults = links.check(read_tree(ROOT), set(listed.decode().split("\0")))
    assert not faults, "\n" + "\n".join(map(str, faults))


def test_summary_has_every_page_of_the_book():
    faults = links.check_summary(read_tree(ROOT))
    assert not faults, "\n" + "\n".join(map(str, faults))


def test_places_that_pages_name_are_there():
    faults = links.check_places(read_tree(ROOT))
    assert not faults, "\n" + "\n".join(map(str, faults))


def test_places_that_are_gone_are_found():
    named = "| question | `core/here.rs`, `gone.rs`, `core/`, `there.rs` |"
    tree = [page("docs/architecture.md", named), page("rust/hub/src/core/here.rs"), page("rust/hub/src/core/there.rs")]
    assert [fault.fault for fault in links.check_places(tree)] == ["names gone.rs, which is not there"]


def test_links_to_nowhere_are_found():
    tree = [
        page(
            "docs/a.md", "[b](b.md#two-words)", "[gone](gone.md)", "`[code](gone.md)`", "```", "[code](gone.md)", "```"
        ),
        page("docs/b.md", "# Two `words`", "[self](#none)", "[out](../README.md)", "[web](https://example.org)"),
        page("README.md", "[picture](docs/a.png)", "[folder](docs)"),
    ]
    assert [f"{fault.place}: {fault.fault}" for fault in links.check(tree, {"docs/a.png"})] == [
        "docs/a.md:2: links to gone.md, which is not there",
        "docs/b.md:2: links to #none, a heading that is not there",
        "docs/b.md:3: links out of the book, to ../README.md",
    ]


def test_summary_that_lacks_a_page_is_found():
    tree = [page("docs/SUMMARY.md", "- [a](a.md)", "- [a](a.md)"), page("docs/a.md"), page("docs/b.md")]
    assert [fault.fault for fault in links.check_summary(tree)] == ["lacks docs/b.md", "has docs/a.md twice"]
