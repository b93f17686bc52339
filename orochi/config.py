"""The environment's settings for clients, under scitex-orochi 0.1.0's names.

``SCITEX_OROCHI_X`` wins over ``OROCHI_X``; an empty variable counts as unset. Nothing here raises: a port that is none
is the default until a client is made with it. The hub reads its settings itself: see ``orochi serve --help``.
"""

from __future__ import annotations

import os

from orochi.exceptions import OrochiError

__all__ = ["DASHBOARD_PORT", "DB_PATH", "GITEA_TOKEN", "GITEA_URL", "HOST", "OROCHI_TOKEN", "PORT"]


def _first(default: str, *names: str) -> str:
    return next((value for name in names if (value := os.environ.get(name))), default)


def _setting(name: str, default: str, *more: str) -> str:
    return _first(default, f"SCITEX_OROCHI_{name}", f"OROCHI_{name}", *more)


class _UnusablePort(int):
    """The default in the place of a variable that holds no port, with the sentence that says so."""

    fault = ""


def _current_token() -> str:
    """The token that the environment holds now: a program may set it after this module was imported."""
    return _setting("TOKEN", "") or OROCHI_TOKEN


def _port(name: str, default: int) -> int:
    variable = next((v for v in (f"SCITEX_OROCHI_{name}", f"OROCHI_{name}") if os.environ.get(v)), "")
    text = os.environ.get(variable, str(default))
    if text.isascii() and text.isdigit() and len(text) < 6 and int(text) < 65536:
        return int(text)
    port = _UnusablePort(default)
    port.fault = f"{variable} is {text!r}: expected a port number from 0 to 65535"
    return port


def _check(port: int) -> None:
    """Raises OrochiError for a port from the environment that is none."""
    if isinstance(port, _UnusablePort):
        raise OrochiError(port.fault)


HOST: str = _setting("HOST", "127.0.0.1")
PORT: int = _port("PORT", 9559)
DASHBOARD_PORT: int = _port("DASHBOARD_PORT", 8559)
DB_PATH: str = _setting("DB", "/data/orochi.db")
OROCHI_TOKEN: str = _setting("TOKEN", "")
GITEA_URL: str = _setting("GITEA_URL", "http://localhost:3000", "GITEA_URL")
GITEA_TOKEN: str = _setting("GITEA_TOKEN", "", "GITEA_TOKEN")
