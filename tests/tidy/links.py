"""Links between pages lead somewhere, and the book has every page of docs/."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tests.tidy.tree import Fault, Source

__all__ = ["SUMMARY", "check", "check_places", "check_summary"]

SUMMARY = "docs/SUMMARY.md"

# Pages that name files and folders of the source, each by the end of its path.
PLACES = {"docs/architecture.md", "docs/guarantees.md"}

_PLACE = re.compile(r"`([\w./-]+(?:\.(?:rs|py|js|md)|/))`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"#{1,6} (.*)")


def check(sources: list[Source], others: set[str]) -> list[Fault]:
    """Relative links to files or headings that are not there; `others` are files that are no text."""
    pages = {source.path: source for source in sources if source.suffix == ".md"}
    files = {source.path for source in sources} | others
    folders = {folder for file in files for folder in _folders(file)}
    anchors = {path: set(_anchors(page)) for path, page in pages.items()}
    faults = []
    for path, page in pages.items():
        for number, target in _links(page):
            name, _, anchor = target.partition("#")
            to = posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) if name else path
            place = f"{path}:{number}"
            if to not in files and to not in folders:
                faults.append(Fault(place, f"links to {target}, which is not there", "correct the path"))
            elif path.startswith("docs/") and not to.startswith("docs/"):
                remedy = "the book holds docs/ only: link to the repository's address"
                faults.append(Fault(place, f"links out of the book, to {target}", remedy))
            elif anchor and to in anchors and anchor not in anchors[to]:
                faults.append(Fault(place, f"links to {target}, a heading that is not there", "correct the heading"))
    return faults


def check_summary(sources: list[Source]) -> list[Fault]:
    """Pages of docs/ that the book's table of contents lacks or has twice."""
    summary = next((source for source in sources if source.path == SUMMARY), None)
    listed = [f"docs/{target}" for _, target in _links(summary)] if summary else []
    pages = {s.path for s in sources if s.path.startswith("docs/") and s.suffix == ".md"} - {SUMMARY}
    faults = [Fault(SUMMARY, f"lacks {page}", "add it") for page in sorted(pages - set(listed))]
    return faults + [
        Fault(SUMMARY, f"has {page} twice", "keep one") for page in sorted(set(listed)) if listed.count(page) > 1
    ]


def check_places(sources: list[Source]) -> list[Fault]:
    """Files and folders that a page names and the tree lacks."""
    files = {f"/{source.path}" for source in sources}
    there = files | {f"/{folder}/" for source in sources for folder in _folders(source.path)}
    faults = []
    for page in sources:
        for number, line in _prose(page) if page.path in PLACES else ():
            for name in _PLACE.findall(line):
                end = "/" + re.sub(r"^(\.\./)+", "", name)
                if not any(place.endswith(end) for place in there):
                    remedy = "name the file that has it now"
                    faults.append(Fault(f"{page.path}:{number}", f"names {name}, which is not there", remedy))
    return faults


def _links(page: Source) -> Iterator[tuple[int, str]]:
    for number, line in _prose(page):
        for found in _LINK.finditer(re.sub(r"`[^`]*`", "", line)):
            if not re.match(r"[a-z]+:", found[1]):
                yield number, found[1]


def _anchors(page: Source) -> Iterator[str]:
    """Headings as GitHub and mdBook name them."""
    seen: dict[str, int] = {}
    for _, line in _prose(page):
        if found := _HEADING.match(line):
            text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", found[1])
            name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            count = seen[name] = seen.get(name, -1) + 1
            yield f"{name}-{count}" if count else name


def _prose(page: Source) -> Iterator[tuple[int, str]]:
    """Numbered lines outside of fenced code."""
    is_code = False
    for number, line in enumerate(page.lines, 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            yield number, line


def _folders(file: str) -> Iterator[str]:
    while file := posixpath.dirname(file):
        yield file
