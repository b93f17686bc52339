"""The environment's settings for clients, under scitex-orochi 0.1.0's names.

``SCITEX_OROCHI_X`` wins over ``OROCHI_X``; an empty variable counts as unset. The hub reads its settings itself:
see ``orochi serve --help``.
"""

from __future__ import annotations

import os

__all__ = ["DASHBOARD_PORT", "DB_PATH", "GITEA_TOKEN", "GITEA_URL", "HOST", "OROCHI_TOKEN", "PORT"]


def _first(default: str, *names: str) -> str:
    return next((value for name in names if (value := os.environ.get(name))), default)


def _setting(name: str, default: str, *more: str) -> str:
    return _first(default, f"SCITEX_OROCHI_{name}", f"OROCHI_{name}", *more)


def _current_token() -> str:
    """The token that the environment holds now: a program may set it after this module was imported."""
    return _setting("TOKEN", "") or OROCHI_TOKEN


def _port(name: str, default: int) -> int:
    text = _setting(name, str(default))
    if text.isascii() and text.isdigit() and int(text) < 65536:
        return int(text)
    raise ValueError(f"OROCHI_{name} is {text!r}: expected a port number from 0 to 65535")


HOST: str = _setting("HOST", "127.0.0.1")
PORT: int = _port("PORT", 9559)
DASHBOARD_PORT: int = _port("DASHBOARD_PORT", 8559)
DB_PATH: str = _setting("DB", "/data/orochi.db")
OROCHI_TOKEN: str = _setting("TOKEN", "")
GITEA_URL: str = _setting("GITEA_URL", "http://localhost:3000", "GITEA_URL")
GITEA_TOKEN: str = _setting("GITEA_TOKEN", "", "GITEA_TOKEN")
