"""The exceptions, by the reaction that a program needs.

Every exception is an :class:`OrochiError` and one of Python's own: a `ConnectionError`, a `RuntimeError` or a
`TimeoutError`, as scitex-orochi 0.1.0's were.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AuthenticationFailed",
    "ConnectionLost",
    "GiteaError",
    "HubUnreachable",
    "NotConnected",
    "OrochiError",
    "RegistrationRefused",
    "RequestRefused",
    "RequestTimeout",
    "UnsupportedByHub",
]


class OrochiError(Exception):
    """Anything that went wrong between this program and the hub."""


class HubUnreachable(OrochiError, ConnectionError):
    """No hub answers there: it is not running, or host or port are wrong."""


class AuthenticationFailed(OrochiError, ConnectionError):
    """The hub refused the token. Trying again with the same one can't help."""


class ConnectionLost(OrochiError, ConnectionError):
    """The connection ended and is not coming back."""


class NotConnected(OrochiError, RuntimeError):
    """The client is not connected yet, or not any more: `await client.connect()`, or use `async with`."""


class UnsupportedByHub(OrochiError, RuntimeError):
    """The hub is a scitex-orochi 0.1.0, which can't do this."""


class RequestRefused(OrochiError, RuntimeError):
    """The hub refused one request; the connection goes on.

    Attributes:
        code: The protocol's error code, such as ``INVALID_CHANNEL`` (docs/protocol.md, section 3).
        detail: The hub's sentence: what was wrong and the way out.
        retry_after: Seconds after which the same request can work; None where it can't.
        status: Gitea's HTTP status, for ``GITEA_API_ERROR``.
    """

    def __init__(self, code: str, detail: str, retry_after: float | None = None, status: int | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.status = status

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are made anew of their `args`, here the text alone; so pickle and copy are told what made this one.
        return type(self), (self.code, self.detail, self.retry_after, self.status), self.__dict__


class GiteaError(RequestRefused):
    """A call to Gitea that was not done; `code` begins with ``GITEA_``.

    Where Gitea itself refused (``GITEA_API_ERROR``), `status` is its HTTP status and `detail` has its words. Where it
    did not answer (``GITEA_UNAVAILABLE``), `detail` says whether something may have been done all the same.
    """


class RegistrationRefused(RequestRefused, ConnectionError):
    """The hub refused to register the name; `code` says why."""


class RequestTimeout(OrochiError, TimeoutError):
    """No answer in time. A message may still be accepted: sending it again under its id can't double it."""
