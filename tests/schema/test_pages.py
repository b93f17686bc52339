"""The generated pages are up to date with the schema."""

from __future__ import annotations

import pytest

from tests.schema.frames import ROOT
from tests.schema.pages import PAGES


@pytest.mark.parametrize("path", PAGES)
def test_page_is_made_from_the_schema(path):
    assert (ROOT / path).read_text("utf-8") == PAGES[path](), "run: python -m tests.schema.pages"
