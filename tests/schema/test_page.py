"""The protocol's page is whole: nothing is left out with an ellipsis, and every line can be read in a terminal."""

from __future__ import annotations

from tests.schema.frames import ROOT

PAGE = (ROOT / "docs" / "protocol.md").read_text("utf-8").splitlines()
LINE_MAX = 120
# A row of a table can't be wrapped.
ROW_MAX = 240


def test_protocol_page_leaves_nothing_out():
    assert not [line for line in PAGE if "…" in line or "etc." in line]


def test_protocol_page_has_no_long_lines():
    long = [line for line in PAGE if len(line) > (ROW_MAX if line.startswith("|") else LINE_MAX)]
    assert not long
