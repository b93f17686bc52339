"""Checks of arguments: an odd value is refused in a sentence that names it, before anything is sent."""

from __future__ import annotations

import ipaddress
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from orochi.exceptions import RequestRefused

__all__: list[str] = []

_SEQ_MAX = 2**63 - 1
# Not ASCII only: shorter, and a lone surrogate, which no other reader accepts, does not get through as an escape.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def refusal(detail: str) -> RequestRefused:
    """The error that the hub would answer for a field with a wrong value."""
    return RequestRefused("INVALID_FIELD", detail)


def seconds(value: Any, argument: str = "timeout") -> float:
    """A time limit; infinity where it is None."""
    if value is None:
        return math.inf
    limit = _number(value)
    if not limit >= 0:
        raise refusal(f"{argument} is {value!r}: give seconds, from 0, or None to wait for ever")
    return limit


def share(value: Any, argument: str) -> float | None:
    """A number from 0 to 1, or None."""
    if value is None:
        return None
    number = _number(value)
    if not 0 <= number <= 1:
        raise refusal(f"{argument} is {value!r}: give a number from 0 to 1, or None for none")
    return number


def address(host: Any, port: Any) -> str:
    """The hub's address; a host that is an IPv6 address gets its brackets."""
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise refusal(f"port is {port!r}: give a number from 1 to 65535")
    if not isinstance(host, str) or not host:
        raise refusal(f"host is {host!r}: give a name or an address, as '127.0.0.1'")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if ":" in bare:
        try:
            ipaddress.IPv6Address(bare)
        except ValueError:
            raise refusal(f"host is {host!r}: give the name or address alone, and the port as port=") from None
        if "%" in bare:
            raise refusal(f"host is {host!r}: an address with a zone can't be used; give one without")
        return f"ws://[{bare}]:{port}"
    if any(character in "/?#@[]" or character.isspace() for character in host) or not _is_text(host):
        raise refusal(f"host is {host!r}: give the name or address alone, without ws:// and path")
    return f"ws://{host}:{port}"


def words(value: Any, argument: str) -> list[str]:
    """A list of texts. One text alone would be read as its letters."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise refusal(f"{argument} is {value!r}: give a list, as [{value!r}]")
    listed = list(value)
    for at, word in enumerate(listed):
        if not isinstance(word, str):
            raise refusal(f"{argument}[{at}] is {_short(word)}: give texts")
    return listed


def json_object(value: Any, argument: str) -> str:
    """A JSON object as text."""
    if not isinstance(value, Mapping):
        raise refusal(f"{argument} is {_short(value)}: give a dict")
    try:
        text = _encode(value if isinstance(value, dict) else dict(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise refusal(f"{argument} can't be written as JSON: {error}; give numbers, texts, lists and dicts") from error
    if not _is_text(text):
        raise refusal(f"{argument} {_SURROGATE}")
    return text


def json_fields(payload: Mapping[str, Any]) -> str:
    """A request's payload as text; what can't be written is named."""
    try:
        text = _encode(payload)
        text.encode()
    except (TypeError, ValueError, RecursionError):
        for name, value in payload.items():
            json_object({name: value}, name)
        raise
    return text


def odd_value(error: Exception, values: Mapping[str, Any]) -> RequestRefused:
    """The refusal of the argument that the native client could not read."""
    for name, value in values.items():
        if isinstance(value, str) and not _is_text(value):
            return refusal(f"{name} {_SURROGATE}")
        if isinstance(value, int) and not 0 <= value <= _SEQ_MAX:
            return refusal(f"{name} is {value}: give a number from 0 to {_SEQ_MAX}")
    # The native client names the argument in a note.
    notes = " ".join(getattr(error, "__notes__", ()))
    for name, value in values.items():
        if f"'{name}'" in notes:
            return refusal(f"{name} is {_short(value)}: {error}")
    return refusal(f"{error} {notes}")


_SURROGATE = (
    "holds a lone surrogate, which is no text: decode its bytes as UTF-8, "
    "or replace it with text.encode('utf-8', 'replace').decode()"
)


def _number(value: Any) -> float:
    try:
        return math.nan if isinstance(value, str) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _short(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
