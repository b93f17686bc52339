"""A Gitea behind https: the hub looks at its certificate before it shows the token."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from orochi import RequestRefused
from tests.gitea.standin import TOKEN, Gitea
from tests.python.hub import Hub


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Whoever made the server's certificate."""
    return trustme.CA()


@pytest.fixture
def gitea(authority: trustme.CA) -> Iterator[Gitea]:
    """A server with a certificate for its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with Gitea(context) as gitea:
        yield gitea
        assert gitea.faults == []


def trusting(authority: trustme.CA, folder: Path) -> str:
    """A file with this authority alone."""
    path = folder / "authorities.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


async def test_a_server_whose_certificate_is_trusted_is_asked(
    authority: trustme.CA, gitea: Gitea, tmp_path: Path
) -> None:
    env = {"GITEA_URL": gitea.url, "GITEA_TOKEN": TOKEN, "SSL_CERT_FILE": trusting(authority, tmp_path)}
    with Hub(tmp_path, env=env) as hub:
        async with hub.client("alice") as alice:
            assert await alice.gitea.get_version() == "1.26.3"


async def test_any_other_server_never_sees_the_token(gitea: Gitea, tmp_path: Path) -> None:
    env = {"GITEA_URL": gitea.url, "GITEA_TOKEN": TOKEN, "SSL_CERT_FILE": trusting(trustme.CA(), tmp_path)}
    with Hub(tmp_path, env=env) as hub:
        async with hub.client("alice") as alice:
            with pytest.raises(RequestRefused, match=r"certificate.*SSL_CERT_FILE") as refused:
                await alice.gitea.get_version()
    assert refused.value.code == "GITEA_UNAVAILABLE"
    assert gitea.requests == []
