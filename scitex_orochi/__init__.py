"""The name under which scitex-orochi 0.1.0 was imported: the same as :mod:`orochi`."""

from __future__ import annotations

from orochi import Message, OrochiClient, __version__

__all__ = ["Message", "OrochiClient", "__version__"]
