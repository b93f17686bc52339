"""Autobahn's cases, read from the installed `autobahntestsuite`, whose source is Python 2.

There a `str` is bytes. The files are read as Latin-1, so that each byte of a string stays one character, and what goes
to the wire is encoded as Latin-1 again; the rest of the old syntax is a few words.
"""

from __future__ import annotations

import binascii
import codecs
import importlib.metadata
import re
import sys
import types
from pathlib import Path
from typing import Any

__all__ = ["Excluded", "load", "number"]


class WebSocketProtocol:
    """The names that cases take from Autobahn's own protocol."""

    STATE_CLOSED, STATE_CONNECTING, STATE_CLOSING, STATE_OPEN = range(4)
    MESSAGE_TYPE_TEXT, MESSAGE_TYPE_BINARY = 1, 2
    CLOSE_STATUS_CODES_ALLOWED = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011)


class Utf8Validator:
    """Checks that a text is UTF-8 so far, and if it ends between two characters."""

    def reset(self) -> None:
        """Forgets what came."""
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def validate(self, text: str) -> tuple[bool, bool]:
        """Takes in more."""
        try:
            self._decoder.decode(text.encode("latin-1"))
        except UnicodeDecodeError:
            return False, False
        return True, not self._decoder.getstate()[0]


class Excluded:
    """Case classes that are not loaded; sets of them are empty lists."""

    NAMES = ("Case12_X_X", "Case13_X_X")


def number(case: type[Any]) -> str:
    """`Case7_1_3` as 7.1.3."""
    return case.__name__.removeprefix("Case").replace("_", ".")


def load() -> list[type[Any]]:
    """All cases but those of compression, in Autobahn's order."""
    folder = _folder()
    _install_names()
    source = (folder / "case.py").read_text("latin-1")
    names = _run(source, {})
    _module("case", names)
    base = names["Case"]
    base.compare = lambda _self, one, other: one == other
    everything: dict[str, Any] = {name: [] for name in Excluded.NAMES}
    # A list of cases is spliced in, as Autobahn does.
    order = (folder / "__init__.py").read_text("latin-1")
    for module in re.findall(r"^from (case\d\w*) import", order, re.MULTILINE):
        if not module.startswith(("case12", "case13")):
            found = _run((folder / f"{module}.py").read_text("latin-1"), {})
            _module(module, found)
            everything.update(
                {name: value for name, value in found.items() if name.startswith("Case") and name != "Case"}
            )
    listed = "\n".join(re.findall(r"^Cases.*", order[order.index("\nCases = [") :], re.MULTILINE))
    wanted = list(dict.fromkeys(re.findall(r"\b(Case\d\w*)\b", listed)))
    cases: list[type[Any]] = []
    for name in wanted:
        value = everything[name]
        cases += value if isinstance(value, list) else [value]
    return list(dict.fromkeys(cases))


def _folder() -> Path:
    for file in importlib.metadata.files("autobahntestsuite") or []:
        if file.name == "case.py":
            return Path(str(file.locate())).parent
    raise FileNotFoundError("autobahntestsuite has no case.py")


def _install_names() -> None:
    known: dict[str, dict[str, Any]] = {
        "autobahn": {},
        "autobahn.websocket": {},
        "autobahn.websocket.protocol": {"WebSocketProtocol": WebSocketProtocol},
        "autobahn.websocket.utf8validator": {"Utf8Validator": Utf8Validator},
        "zope": {},
        "zope.interface": {"implementer": lambda *_: lambda kind: kind, "implements": lambda *_: None},
        "twisted": {},
        "twisted.internet": {"reactor": None, "interfaces": types.SimpleNamespace(IPushProducer=None)},
    }
    for name, content in known.items():
        _module(name, content)


def _module(name: str, content: dict[str, Any]) -> None:
    module = types.ModuleType(name)
    module.__dict__.update(content)
    sys.modules[name] = module


def _run(source: str, names: dict[str, Any]) -> dict[str, Any]:
    # Prints stand in functions that nobody calls here.
    source = re.sub(r"^(\s*)print\b.*$", r"\1pass", source, flags=re.MULTILINE)
    source = re.sub(r"^# coding.*$", "", source, flags=re.MULTILINE)
    # `object` was needed for a class to be of the new kind.
    source = re.sub(r"\(object, *Case\b", "(Case", source).replace("import binascii", "")
    hexed = types.SimpleNamespace(b2a_hex=lambda text: binascii.b2a_hex(text.encode("latin-1")).decode())
    # The one division, of two whole numbers.
    source = source.replace("/ self.p.autoFragmentSize", "// self.p.autoFragmentSize")
    names |= {"xrange": range, "unichr": chr, "binascii": hexed, "__name__": "autobahn_case"}
    exec(compile(source, "autobahntestsuite", "exec", dont_inherit=True), names)
    return names
