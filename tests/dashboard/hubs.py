"""What the tests of the dashboard share: how a hub is started, and where its pages are."""

from __future__ import annotations

from collections.abc import Callable

from tests.python.hub import Hub

__all__ = ["Start", "address", "feed"]

Start = Callable[..., Hub]


def address(hub: Hub, rest: str = "/") -> str:
    """The address of a path of the dashboard."""
    return f"http://127.0.0.1:{hub.dashboard_port}{rest}"


def feed(hub: Hub, query: str = "") -> str:
    """The address of the feed, with the query in its fragment."""
    return address(hub, f"/#/feed{query}")
