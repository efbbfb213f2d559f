"""How far a request of httpx came, how long each part took, and what lies below an exception of its."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from wizard.core.clock import Clock
from wizard.core.text import printable

if TYPE_CHECKING:
    import ssl

    import httpcore


class Phase(StrEnum):
    """Where on its way a request ended."""

    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"
    PROXY = "proxy"
    READ = "read"
    TIMEOUT = "timeout"


_PHASE_OF = {
    "connection.connect_tcp": Phase.TCP,
    "connection.connect_unix_socket": Phase.TCP,
    "connection.start_tls": Phase.TLS,
    "proxy.start_tls": Phase.TLS,
    "socks.start_tls": Phase.TLS,
    "socks.connect_tcp": Phase.PROXY,
    "socks.setup_socks5_connection": Phase.PROXY,
    "http11.send_request_headers": Phase.READ,
}

_HALF_OPEN = (".start_tls", ".setup_socks5_connection")


class Trace:
    """A callback for httpx's `trace` extension: which phase began last, and what the finished ones showed."""

    def __init__(self, *, proxied: bool = False, stopwatch: Clock = time.perf_counter) -> None:
        self.phase: Phase | None = None
        """None before the first connection attempt; the time for the name counts as part of that."""
        self.connected_ms: float | None = None
        """How long it took to open the connection, to the proxy where there is one; None where an open one was used."""
        self.peer = ""
        """Whom the connection goes to: an address and a port."""
        self.tls: ssl.SSLObject | None = None
        """The last TLS handshake that ended well."""
        self.handshake_ms = 0.0
        """How long it took."""
        self.is_sent = False
        """Whether the request itself began to leave, so that the server may have acted on it."""
        self.is_proxied = proxied
        self._stopwatch = stopwatch
        self._begun: dict[str, float] = {}
        self._socket: httpcore.AsyncNetworkStream | None = None
        self._is_half_open = False

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Take one event, `connection.connect_tcp.started` for example."""
        name, _, state = event.rpartition(".")
        if name.endswith(_HALF_OPEN):
            self._is_half_open = state != "complete"
        if state == "started":
            self._begun[name] = self._stopwatch()
            request = info.get("request")
            self.is_sent |= name == "http11.send_request_headers" and getattr(request, "method", b"") != b"CONNECT"
            # CONNECT comes before the TLS handshake with the server: it is the proxy that is asked.
            asks_proxy = name.startswith("http11.") and self.phase is Phase.PROXY
            if name in _PHASE_OF and not asks_proxy:
                at_proxy = self.is_proxied and name.startswith("connection.")
                self.phase = Phase.PROXY if at_proxy else _PHASE_OF[name]
        elif state == "complete":
            self._finish(name, info["return_value"])

    def _finish(self, name: str, stream: Any) -> None:
        took_ms = (self._stopwatch() - self._begun.get(name, 0.0)) * 1000
        if name.endswith((".connect_tcp", ".connect_unix_socket")):
            self._socket = stream
            self.connected_ms = took_ms
            self.peer = _named(stream.get_extra_info("server_addr"))
        if name.endswith(".start_tls"):
            self.tls, self.handshake_ms = stream.get_extra_info("ssl_object"), took_ms

    async def close_half_open(self) -> None:
        """Close a connection whose handshake with server or SOCKS proxy did not finish: httpcore 1.0.9 forgets it."""
        if self._is_half_open and self._socket is not None:
            await self._socket.aclose()


def explain(error: Exception, during: Phase | None) -> tuple[Phase, str]:
    """Return what an exception means after the phase `during` began, and the innermost reason given, if any."""
    import ssl  # noqa: PLC0415 - see `wizard.net.route.open_transport`

    import httpx  # noqa: PLC0415

    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return Phase.TIMEOUT, ""
    causes = _causes_of(error)
    phase = Phase.PROXY if isinstance(error, httpx.ProxyError) else during or Phase.TCP
    if phase is not Phase.PROXY:
        found = [kind for kind in (ssl.SSLError, socket.gaierror) if any(isinstance(cause, kind) for cause in causes)]
        phase = {ssl.SSLError: Phase.TLS, socket.gaierror: Phase.DNS}[found[0]] if found else phase
    refusal = printable(str(error), 80) if isinstance(error, httpx.ProxyError) else ""
    return phase, next(filter(None, map(_reason, reversed(causes))), "") or refusal


def _causes_of(error: BaseException) -> tuple[BaseException, ...]:
    below = error.__cause__ or error.__context__
    return (error, *_causes_of(below)) if below else (error,)


def _reason(cause: BaseException) -> str:
    import ssl  # noqa: PLC0415

    if isinstance(cause, ssl.SSLCertVerificationError):
        return printable(cause.verify_message, 80)
    if isinstance(cause, ssl.SSLError):
        return printable((cause.reason or "").replace("_", " ").lower(), 80)
    if isinstance(cause, OSError) and cause.strerror:
        return printable(cause.strerror if isinstance(cause, socket.gaierror) else os.strerror(cause.errno or 0))
    return ""


def _named(address: object) -> str:
    if isinstance(address, tuple) and len(address) >= 2:
        return printable(f"{address[0]} port {address[1]}", 80)
    return ""
