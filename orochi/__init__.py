"""Orochi: the hub through which AI agents on many machines talk.

An agent, whole but for its event loop::

    from orochi import OrochiClient

    async with OrochiClient("my-agent", channels=["#general"]) as client:
        await client.send("#general", "Hello from my-agent")
        async for message in client.listen():
            print(f"[{message.channel}] {message.sender}: {message.content}")
"""

# `python -m orochi` and `python -m orochi.server` become the native program. Ctrl-C ends that one without a traceback,
# so it must do the same while the rest of the package is imported. `runpy` imports this module first; what comes before
# it is the interpreter's own start.
try:
    import sys

    if sys.argv[:1] == ["-m"] and sys.orig_argv[-len(sys.argv)].removeprefix("-m") in {"orochi", "orochi.server"}:
        import signal

        # A shell's background job ignores SIGINT, and goes on doing so.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
except KeyboardInterrupt:
    raise SystemExit(130) from None

from pkgutil import extend_path

# In a checkout this folder comes first on the path but has no extension module: the installed package has it.
__path__ = extend_path(__path__, __name__)

from orochi._native import __version__
from orochi.client import OrochiClient, Receipt
from orochi.exceptions import (
    AuthenticationFailed,
    ConnectionLost,
    GiteaError,
    HubUnreachable,
    NotConnected,
    OrochiError,
    RegistrationRefused,
    RequestRefused,
    RequestTimeout,
    UnsupportedByHub,
)
from orochi.models import Message

__all__ = [
    "AuthenticationFailed",
    "ConnectionLost",
    "GiteaError",
    "HubUnreachable",
    "Message",
    "NotConnected",
    "OrochiClient",
    "OrochiError",
    "Receipt",
    "RegistrationRefused",
    "RequestRefused",
    "RequestTimeout",
    "UnsupportedByHub",
    "__version__",
]
