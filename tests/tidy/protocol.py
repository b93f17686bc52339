"""The protocol's page and its code say the same."""

from __future__ import annotations

import re

from tests.tidy.tree import Fault, Source

__all__ = ["check"]

PAGE = "docs/protocol.md"
CODES = "rust/protocol/src/codes.rs"
REQUESTS = "rust/protocol/src/request/mod.rs"


def check(sources: list[Source]) -> list[Fault]:
    """Error codes and request types that stand in one of the two only."""
    texts = {source.path: "\n".join(source.lines) for source in sources}
    missing = [path for path in (PAGE, CODES, REQUESTS) if path not in texts]
    if missing:
        return [Fault(path, "is missing", "the check compares it with the others") for path in missing]
    in_code = set(re.findall(r'^\s+\w+ = "([A-Z_]+)", \d+', texts[CODES], re.M))
    on_page = set(re.findall(r"^\| `([A-Z_]+)`", texts[PAGE], re.M))
    faults = [Fault(PAGE, f"lacks {code}", "add it to the table of errors") for code in sorted(in_code - on_page)]
    faults += [Fault(PAGE, f"has {code}, the code does not", "take it out") for code in sorted(on_page - in_code)]
    for kind in re.findall(r'^\s+"([a-z_]+)" =>', texts[REQUESTS], re.M):
        if f"`{kind}`" not in texts[PAGE]:
            faults.append(Fault(PAGE, f"does not describe the request {kind}", "add it"))
    return faults
