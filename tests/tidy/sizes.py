"""Files and functions stay small. Exceptions are listed with their size and reason, and may only shrink."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from tests.tidy.tree import Fault, Source

__all__ = ["EXCEPTIONS", "check"]

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
CODE = {".rs", ".py", ".js", ".css"}

# Exceptions by place: (lines, reason). Lower the number when the place shrinks; drop the row when it fits.
EXCEPTIONS: dict[str, tuple[int, str]] = {}

_RUST_FUNCTION = re.compile(
    r"^(\s*)(?:pub(?:\([\w: ]+\))?\s+)?(?:(?:const|async|unsafe|extern(?:\s+\"\w+\")?)\s+)*fn\s+(\w+)"
)
_JS_FUNCTIONS = [
    re.compile(r"^(\s*)(?:export\s+)?(?:default\s+)?(?:async\s+)?function\s*\*?\s*(\w*)"),
    re.compile(r"^(\s*)(?:export\s+)?(?:const|let)\s+(\w+)\s*=\s*(?:async\s*)?(?:\([^)]*\)|\w+)\s*=>\s*\{$"),
    re.compile(
        r"^(\s+)(?:(?:static|async|get|set)\s+|\*\s*)*(?!(?:if|for|while|switch|catch|with)\b)(#?\w+)\([^)]*\)\s*\{$"
    ),
]


def check(sources: list[Source], exceptions: Mapping[str, tuple[int, str]] = EXCEPTIONS) -> list[Fault]:
    """Places over their size, and exceptions that are looser than the truth."""
    sizes: dict[str, int] = {}
    faults = []
    for source in sources:
        if source.suffix not in CODE:
            continue
        places = [(source.path, len(source.lines), FILE_LINES_MAX)]
        places += [(f"{source.path}::{name}", size, FUNCTION_LINES_MAX) for name, size in _functions(source)]
        for place, size, most in places:
            sizes[place] = size
            allowed = exceptions.get(place, (most, ""))[0]
            if size > allowed:
                faults.append(Fault(place, f"{size} lines, at most {allowed}", "find the second subject in it"))
    for place, (allowed, _) in exceptions.items():
        most = FUNCTION_LINES_MAX if "::" in place else FILE_LINES_MAX
        size = sizes.get(place, 0)
        if size < allowed:
            remedy = f"lower it to {size}" if size > most else "drop its row"
            faults.append(Fault(place, f"its exception says {allowed} lines, it has {size}", remedy))
    return faults


def _functions(source: Source) -> Iterator[tuple[str, int]]:
    if source.suffix == ".py":
        yield from _python_functions(source)
        return
    patterns = {".rs": [_RUST_FUNCTION], ".js": _JS_FUNCTIONS}.get(source.suffix, [])
    for start, line in enumerate(source.lines):
        if found := next((found for pattern in patterns if (found := pattern.match(line))), None):
            rest = source.lines[start:]
            # A signature may go over several lines; one that ends with `;` has no body.
            signature = next((text.rstrip() for text in rest if text.rstrip().endswith(("{", "}", ";"))), "")
            if signature.endswith("{"):
                # Formatted code closes a function at the column where it began.
                closing = found[1] + "}"
                yield found[2], next((at + 1 for at, text in enumerate(rest) if text.startswith(closing)), len(rest))


def _python_functions(source: Source) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse("\n".join(source.lines))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # A docstring is not code: public ones tell a lot.
            has_docstring = ast.get_docstring(node, clean=False) is not None
            first = node.body[0]
            docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if has_docstring else 0
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1 - docstring
