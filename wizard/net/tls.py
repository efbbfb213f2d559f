"""What a TLS handshake showed, and who signed a certificate that the public authorities do not vouch for.

To name an inspecting proxy takes two more handshakes over the same route, and nothing is sent in either: one accepts
any certificate in order to read it, one asks this system's own store (docs/egress.md).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from wizard.core.text import printable
from wizard.net.route import Route, open_transport, public_roots
from wizard.net.trace import Trace

if TYPE_CHECKING:
    from cryptography import x509


@dataclass(frozen=True, slots=True)
class Handshake:
    """A TLS connection that was verified: its version, as `TLSv1.3`, and who signed the server's certificate."""

    version: str
    issuer: str
    expires: float
    """When the certificate ends, in seconds since 1970."""
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Signer:
    """Who stands behind a certificate that the public authorities do not vouch for."""

    issuer: str
    subject: str
    is_trusted_by_system: bool
    """Whether this system's own store accepts it: somebody installed that authority here."""

    def sentence(self) -> str:
        """Return what that means, for people."""
        signed = f"The certificate is for “{self.subject}”, signed by “{self.issuer}”"
        if self.is_trusted_by_system:
            reader = "A proxy or a virus scanner on the way reads what you send, also your API key."
            return f"{signed}. This system trusts that signer, but it is no public authority. {reader}"
        return f"{signed}. Neither the public authorities nor this system trust that signer."

    def advice(self, route: Route) -> str:
        """Return how a signer is trusted here, where that is what the user wants."""
        named = f"{route.roots} does not hold that signer. " if route.roots else ""
        if not route.roots and route.unread_roots:
            named = f"{route.unread_roots} is set, but the wizard does not read that variable. "
        return (
            f"{named}Do not switch verification off. If that is your company's proxy, it can read your API key."
            " To accept that, set SSL_CERT_FILE to a file with that signer's certificate."
        )


def read_handshake(connection: ssl.SSLObject | None, milliseconds: float) -> Handshake | None:
    """Return what a finished handshake showed; None where the certificate was not verified."""
    certificate: Mapping[str, Any] = (connection.getpeercert() if connection else None) or {}
    if connection is None or "notAfter" not in certificate:
        return None
    issuer = dict(pair for relative in certificate.get("issuer", ()) for pair in relative)
    return Handshake(
        version=connection.version() or "TLS",
        issuer=_name(issuer, "organizationName", "commonName"),
        expires=float(ssl.cert_time_to_seconds(str(certificate["notAfter"]))),
        milliseconds=milliseconds,
    )


async def who_signed(url: str, route: Route, deadline: float) -> Signer | None:
    """Return who signed the certificate at `url`, where the verified handshake failed; None where none comes about.

    The decided route is taken with other certificates than the public authorities' believed. Both handshakes end
    within `deadline` seconds.
    """
    anything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anything.check_hostname = False
    anything.verify_mode = ssl.CERT_NONE
    system = ssl.create_default_context()
    # Python 3.13 refuses authorities without key usage, which many inspecting proxies have; other programs do not.
    system.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    shown, trusted = await asyncio.gather(*(_shake_hands(url, route, each, deadline) for each in (anything, system)))
    return name_signer(shown, is_trusted_by_system=trusted is not None) if shown else None


class _HangUp(Trace):
    """Notes the certificate and closes the connection at once."""

    certificate: bytes | None = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        await super().__call__(event, info)
        # A first handshake behind a proxy is with the proxy itself, whose certificate is not in question.
        if event.endswith(".start_tls.complete") and not (self.is_proxied and event.startswith("connection.")):
            self.certificate = self.tls.getpeercert(True) if self.tls else None
            await info["return_value"].aclose()


async def _shake_hands(url: str, route: Route, verify: ssl.SSLContext, deadline: float) -> bytes | None:
    hang_up = _HangUp(proxied=route.is_proxied)
    async with open_transport(route, verify=verify, verify_proxy=public_roots()) as transport:
        try:
            async with asyncio.timeout(deadline):
                await transport.handle_async_request(httpx.Request("GET", url, extensions={"trace": hang_up}))
        except Exception:  # noqa: S110 - it fails by design: the connection is closed under it
            pass
        finally:
            await hang_up.close_half_open()
    return hang_up.certificate


def name_signer(der: bytes, *, is_trusted_by_system: bool) -> Signer | None:
    """Return who signed the certificate `der`; None where it cannot be read."""
    from cryptography import x509  # noqa: PLC0415 - 30 ms that only a refused certificate costs

    try:
        certificate = x509.load_der_x509_certificate(der)
        issuer, subject = _common_name(certificate.issuer), _common_name(certificate.subject)
    except (ValueError, x509.InvalidVersion):
        return None
    return Signer(issuer, subject, is_trusted_by_system)


def _common_name(name: x509.Name) -> str:
    return _name({attribute.rfc4514_attribute_name: str(attribute.value) for attribute in name}, "O", "CN")


def _name(parts: Mapping[str, str], *wanted: str) -> str:
    return printable(", ".join(filter(None, map(parts.get, wanted))) or "an unknown signer", 80)
