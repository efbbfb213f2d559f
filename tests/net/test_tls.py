"""Who stands in between: a certificate that the public authorities do not vouch for is read and named."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trustme

from tests.exchange.fake_exchange import FakeExchange, answer
from wizard.core.secret import Secret
from wizard.exchange.client import ExchangeClient
from wizard.exchange.errors import ErrorKind
from wizard.net.route import Route, open_transport
from wizard.net.tls import name_signer, who_signed
from wizard.net.trace import Phase

DIRECT = Route("direct", "these tests")


@asynccontextmanager
async def inspector(authority: trustme.CA) -> AsyncIterator[FakeExchange]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", organization_name="Somebody Else").configure_cert(tls)
    async with FakeExchange(answer(200, {}), tls) as fake:
        yield fake


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA(organization_name="Inspector Ltd", organization_unit_name="Security")


async def test_an_unknown_authority_is_named_and_nothing_is_sent(authority: trustme.CA) -> None:
    async with inspector(authority) as fake:
        signer = await who_signed(fake.site.rest_url, DIRECT, 5)
        await fake.left_alone()
    assert signer is not None
    assert "Inspector Ltd" in signer.issuer
    assert "Somebody Else" in signer.subject
    assert not signer.is_trusted_by_system
    assert "Neither" in signer.sentence()
    assert fake.seen == []


async def test_an_authority_in_the_systems_store_is_named_as_an_inspecting_proxy(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "system.pem"
    authority.cert_pem.write_to_path(store)
    # OpenSSL's own way to another system store; the public roots are certifi's and do not change.
    monkeypatch.setenv("SSL_CERT_FILE", str(store))
    async with inspector(authority) as fake:
        signer = await who_signed(fake.site.rest_url, DIRECT, 5)
    assert signer is not None
    assert signer.is_trusted_by_system
    assert "reads what you send, also your API key" in signer.sentence()


@asynccontextmanager
async def encrypted_proxy(authority: trustme.CA) -> AsyncIterator[tuple[Route, list[bytes]]]:
    """An HTTP proxy that is itself called over TLS, and what it was told."""
    told: list[bytes] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(4096):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            told.append(await reader.readuntil(b"\r\n\r\n"))
            port = int(told[0].split()[1].rpartition(b":")[2])
            beyond = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await asyncio.gather(pump(reader, beyond[1]), pump(beyond[0], writer))
        writer.close()

    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", organization_name="Honest Proxy").configure_cert(tls)
    async with await asyncio.start_server(tunnel, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        yield Route("proxy", "these tests", proxy_url=Secret(f"https://trader:hunter2@127.0.0.1:{port}")), told


async def test_behind_an_encrypted_proxy_the_server_s_signer_is_named_and_not_the_proxy_s(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = trustme.CA(organization_name="Known Ltd")
    known.cert_pem.write_to_path(tmp_path / "known.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "known.pem"))
    async with inspector(authority) as fake, encrypted_proxy(known) as (route, _):
        signer = await who_signed(fake.site.rest_url, route, 5)
    assert signer is not None
    assert "Inspector Ltd" in signer.issuer
    assert not signer.is_trusted_by_system
    assert fake.seen == []


async def test_an_encrypted_proxy_that_nobody_vouches_for_is_told_nothing(authority: trustme.CA) -> None:
    async with inspector(authority) as fake, encrypted_proxy(authority) as (route, told):
        assert await who_signed(fake.site.rest_url, route, 5) is None
    assert told == []


async def test_where_no_handshake_comes_about_nobody_is_named() -> None:
    async with FakeExchange(answer(200, {})) as plain:
        assert await who_signed(plain.site.rest_url.replace("http:", "https:"), DIRECT, 0.5) is None
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert await who_signed(f"https://127.0.0.1:{taken.getsockname()[1]}", DIRECT, 2) is None


async def test_a_server_that_never_shakes_hands_is_left_at_the_deadline() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server, asyncio.timeout(5):
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await who_signed(url, DIRECT, 0.1) is None


def test_bytes_that_are_no_certificate_name_nobody() -> None:
    assert name_signer(b"\x30\x03\x02\x01\x01", is_trusted_by_system=False) is None


async def test_a_verified_connection_shows_version_issuer_and_end(authority: trustme.CA) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with (
        inspector(authority) as fake,
        ExchangeClient(fake.site, open_transport(DIRECT, verify=trusting)) as client,
    ):
        connection = await client.connect()
    assert connection.error is None
    assert connection.handshake is not None
    assert connection.handshake.version.startswith("TLSv1.")
    assert "Inspector Ltd" in connection.handshake.issuer
    assert connection.handshake.expires > 1_790_000_000
    assert connection.peer == f"127.0.0.1 port {fake.port}"
    assert connection.connected_ms is not None


async def test_a_refused_certificate_leaves_the_evidence_of_the_connection(authority: trustme.CA) -> None:
    async with inspector(authority) as fake, fake.client() as client:
        connection = await client.connect()
    assert connection.error is not None
    assert connection.error.kind is ErrorKind.NETWORK
    assert connection.error.phase is Phase.TLS
    assert connection.peer
    assert connection.handshake is None
