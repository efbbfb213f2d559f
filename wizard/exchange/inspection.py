"""Who signed a certificate that the public authorities do not vouch for: an inspecting proxy, named.

Two more handshakes over the same route, and nothing is sent in either: one accepts any certificate
in order to read it, one asks this system's own store (docs/egress.md).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import httpx

from wizard.exchange.certificates import Signer, name_signer

if TYPE_CHECKING:
    import httpcore

OpenTransport = Callable[[ssl.SSLContext], httpx.AsyncBaseTransport]
"""Opens the decided route with other certificates than the public authorities' believed."""


async def who_signed(url: str, open_transport: OpenTransport, deadline: float) -> Signer | None:
    """Return who signed the certificate at `url`; None where no handshake came about.

    Args:
        url: Where the verified handshake failed.
        open_transport: See `OpenTransport`.
        deadline: Seconds for both handshakes.
    """
    shown, trusted = await asyncio.gather(
        _shake_hands(url, open_transport(_anything()), deadline),
        _shake_hands(url, open_transport(_system_store()), deadline),
    )
    return name_signer(shown, is_trusted_by_system=trusted is not None) if shown else None


class _HangUp:
    """A callback for httpx's `trace` extension: notes the certificate and closes the connection at once."""

    def __init__(self) -> None:
        self.certificate: bytes | None = None
        self._socket: httpcore.AsyncNetworkStream | None = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(".connect_tcp.complete"):
            self._socket = info["return_value"]
        if event.endswith(".start_tls.complete"):
            stream = info["return_value"]
            self.certificate = stream.get_extra_info("ssl_object").getpeercert(True)
            await stream.aclose()

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.aclose()


async def _shake_hands(url: str, transport: httpx.AsyncBaseTransport, deadline: float) -> bytes | None:
    hang_up = _HangUp()
    async with httpx.AsyncClient(transport=transport, trust_env=False, timeout=deadline) as http:
        try:
            async with asyncio.timeout(deadline):
                await http.get(url, extensions={"trace": hang_up})
        except Exception:  # noqa: S110 - it fails by design: the connection is closed under it
            pass
        finally:
            await hang_up.close()
    return hang_up.certificate


def _anything() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _system_store() -> ssl.SSLContext:
    context = ssl.create_default_context()
    # Python 3.13 refuses authorities without key usage, which many inspecting proxies have; other programs do not.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    return context
