"""The protocol's page and its code say the same."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tests.tidy.tree import Fault, Source

__all__ = ["check"]

PAGE = "docs/protocol.md"
CODES = "rust/protocol/src/codes.rs"
# Each request is a file here.
REQUESTS = "rust/protocol/src/request/"


def check(sources: list[Source]) -> list[Fault]:
    """Error codes, close codes and request types that stand in one of the two only, or differently."""
    texts = {source.path: "\n".join(source.lines) for source in sources}
    missing = [path for path in (PAGE, CODES) if path not in texts]
    if missing:
        return [Fault(path, "is missing", "the check compares it with the others") for path in missing]
    page, codes = texts[PAGE], texts[CODES]
    requests = "\n".join(text for path, text in texts.items() if path.startswith(REQUESTS))
    again = {"retry": "yes", "final": "no"}
    in_code = {
        f"{name}, HTTP {status}, try again: {again[retry]}"
        for name, status, retry in re.findall(r'^\s+\w+ = "([A-Z_]+)", (\d+), (retry|final);', codes, re.M)
    }
    on_page = {
        f"{name}, HTTP {status}, try again: {retry}"
        for name, status, retry in re.findall(r"^\| `([A-Z_]+)` \| (\d+) \| (\w+) \|", page, re.M)
    }
    faults = _differences("the error", in_code, on_page)
    closing = {number for row in re.findall(r"^\| ([\d, ]+) \|", page, re.M) for number in row.split(", ")}
    # RFC 6455's own, which the WebSocket library sends.
    library = {"1002", "1007"}
    faults += _differences("the close code", re.findall(r"CloseCode::\w+ => (\d+),", codes), closing - library)
    kinds = re.findall(r'^\s+const TYPE: &.static str = "([a-z_]+)";', requests, re.M)
    lines = requests.partition("\nrequests! {")[2].partition("\n}")[0]
    listed = re.findall(r"^    \w+\(.+\),$", lines, re.M)
    if len(listed) != len(kinds):
        fault = f"lists {len(listed)} requests, but {len(kinds)} files have a TYPE"
        faults.append(Fault(f"{REQUESTS}mod.rs", fault, "list it in `requests!`, or the hub refuses the type"))
    section = page.partition("\n## 5.")[2].partition("\n\n**")[0]
    return faults + _differences("the request", kinds, re.findall(r"^\| `([a-z_]+)` \|", section, re.M))


def _differences(what: str, in_code: Iterable[str], on_page: Iterable[str]) -> list[Fault]:
    code, page = set(in_code), set(on_page)
    lacks = [Fault(PAGE, f"lacks {what} {one}", "the code has it: add it to the table") for one in sorted(code - page)]
    return lacks + [Fault(PAGE, f"has {what} {one}", "the code does not: take it out") for one in sorted(page - code)]
