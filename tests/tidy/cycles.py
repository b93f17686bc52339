"""No circles between files: imports never lead back to a file, in Rust crates and in the dashboard's modules."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tests.tidy.tree import Fault, Source

__all__ = ["check"]

_RUST_ROOT = re.compile(r"((?:rust/\w+|python|bench/load)/src/)(.*)\.rs$")
# A re-export passes a name on; it is no use of the file.
_USE = re.compile(r"^\s*(?P<reexport>pub(?:\([\w: ]+\))? )?use (?P<tree>[^;]+);", re.MULTILINE)
_INLINE = re.compile(r"\b(?:crate|super|self)(?:::\w+)+|\b[a-z_]\w*(?:::\w+)+")
_JS_IMPORT = re.compile(r"""(?:\bfrom|^import|\bimport\()\s*["'](\.[^"']+)["']""", re.MULTILINE)

Graph = dict[str, set[str]]


def check(sources: list[Source]) -> list[Fault]:
    """One fault for each circle, with the files in it."""
    remedy = "move what both need to a third file, or hand it in"
    return [
        Fault(circle[0], f"is in a circle of {len(circle)} files: {', '.join(circle)}", remedy)
        for circle in _circles(_graph(sources))
    ]


def _graph(sources: list[Source]) -> Graph:
    graph: Graph = {}
    crates: dict[str, dict[str, Source]] = {}
    files = {source.path for source in sources}
    for source in sources:
        if found := _RUST_ROOT.match(source.path):
            name = found[2].removesuffix("/mod")
            crates.setdefault(found[1], {})["" if name in ("lib", "main") else name.replace("/", "::")] = source
        elif source.suffix == ".js" and source.path.startswith("dashboard/") and "/test/" not in source.path:
            targets = (posixpath.normpath(posixpath.join(posixpath.dirname(source.path), name)) for name in _js(source))
            graph[source.path] = {target for target in targets if target in files} - {source.path}
    for modules in crates.values():
        graph |= _Crate(modules).graph()
    return graph


def _js(source: Source) -> Iterator[str]:
    # A comment imports only types, which do not exist when the page runs.
    code = "\n".join(line for line in source.lines if not line.lstrip().startswith(("//", "*", "/*")))
    for found in _JS_IMPORT.finditer(code):
        yield found[1]


class _Crate:
    """The modules of one crate, by their path."""

    def __init__(self, modules: dict[str, Source]) -> None:
        self.modules = modules
        self.code = {path: _code(source) for path, source in modules.items()}
        self.passed_on = {path: dict(self._reexports(path)) for path in modules}

    def graph(self) -> Graph:
        graph: Graph = {}
        for path, source in self.modules.items():
            targets = {self.modules[target].path for target in self._uses(path) if target in self.modules}
            graph[source.path] = targets - {source.path}
        return graph

    def _uses(self, module: str) -> Iterator[str]:
        code = self.code[module]
        local: dict[str, list[str]] = {}
        for found in _USE.finditer(code):
            for path, alias in _leaves(found["tree"]):
                full = self._absolute(module, path)
                if full is None:
                    continue
                local[alias] = full
                if not found["reexport"]:
                    yield self._target(full, is_used_whole=False)
        rest = _USE.sub("", code)
        for found in _INLINE.finditer(rest):
            path = found[0].split("::")
            if path[0] in local:
                yield self._target(local[path[0]] + path[1:])
            elif (full := self._absolute(module, path)) is not None:
                yield self._target(full)

    def _reexports(self, module: str) -> Iterator[tuple[str, list[str]]]:
        for found in _USE.finditer(self.code[module]):
            if found["reexport"]:
                for path, alias in _leaves(found["tree"]):
                    if (full := self._absolute(module, path)) is not None:
                        yield alias, full

    def _absolute(self, module: str, path: list[str]) -> list[str] | None:
        """A path within the crate from its root; None where it leads to another crate."""
        here = module.split("::") if module else []
        if path[0] == "crate":
            return path[1:]
        if path[0] == "self":
            return here + path[1:]
        if path[0] == "super":
            while path and path[0] == "super":
                here, path = here[:-1], path[1:]
            return here + path
        child = "::".join([*here, path[0]])
        return [*here, *path] if child in self.modules else None

    def _target(self, path: list[str], *, is_used_whole: bool = True, depth: int = 0) -> str:
        """The module whose file has what `path` names, through re-exports."""
        module: list[str] = []
        for at, name in enumerate(path):
            if "::".join([*module, name]) in self.modules:
                module.append(name)
                continue
            passed_on = self.passed_on.get("::".join(module), {}).get(name)
            if passed_on is not None and depth < 8:
                return self._target(passed_on + path[at + 1 :], depth=depth + 1)
            break
        return "::".join(module)


def _code(source: Source) -> str:
    """Without comments, without the file's own tests."""
    lines = []
    for line in source.lines:
        if line.startswith("mod tests {"):
            break
        lines.append(line.split("//")[0])
    return "\n".join(lines)


def _leaves(tree: str) -> Iterator[tuple[list[str], str]]:
    """Each path of a `use` tree, and the name that it gets."""
    tree = " ".join(tree.split())
    head, brace, rest = tree.partition("{")
    if not brace:
        named, _, alias = tree.partition(" as ")
        parts = [part.strip() for part in named.split("::") if part.strip() not in ("", "*")]
        if parts:
            yield parts, alias.strip() or parts[-1]
        return
    prefix = [part.strip() for part in head.split("::") if part.strip()]
    for one in _split(rest[: rest.rindex("}")]):
        for path, alias in _leaves(one):
            if path == ["self"]:
                yield prefix, alias if alias != "self" else prefix[-1]
            else:
                yield [*prefix, *path], alias


def _split(group: str) -> Iterator[str]:
    depth, start = 0, 0
    for at, letter in enumerate(group + ","):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            if one := group[start:at].strip():
                yield one
            start = at + 1


def _circles(graph: Graph) -> list[list[str]]:
    """The strongly connected parts with more than one file (Tarjan's algorithm)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(file: str) -> None:
        index[file] = low[file] = len(index)
        stack.append(file)
        for target in sorted(graph.get(file, ())):
            if target not in index:
                visit(target)
                low[file] = min(low[file], low[target])
            elif target in stack:
                low[file] = min(low[file], index[target])
        if low[file] == index[file]:
            part = stack[stack.index(file) :]
            del stack[stack.index(file) :]
            if len(part) > 1:
                found.append(sorted(part))

    for file in sorted(graph):
        if file not in index:
            visit(file)
    return sorted(found)
