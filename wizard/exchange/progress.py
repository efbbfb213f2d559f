"""How far a call came, how long each part took, and where it ended: httpx's trace and exceptions, read as phases."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import httpx

from wizard.clock import Clock
from wizard.exchange.certificates import Handshake, read_handshake
from wizard.exchange.errors import Phase, Unreachable
from wizard.text import printable

if TYPE_CHECKING:
    import httpcore

_PHASE_OF = {
    "connection.connect_tcp": Phase.TCP,
    "connection.start_tls": Phase.TLS,
    "proxy.start_tls": Phase.TLS,
    "socks.start_tls": Phase.TLS,
    "socks.connect_tcp": Phase.PROXY,
    "socks.setup_socks5_connection": Phase.PROXY,
    "http11.send_request_headers": Phase.READ,
}


class Progress:
    """A callback for httpx's `trace` extension: which phase began last, and what the finished ones showed.

    Args:
        proxied: Whether connections go to a proxy first: opening one that fails is then the proxy's failure.
        stopwatch: Seconds from any start.
    """

    def __init__(self, *, proxied: bool = False, stopwatch: Clock = time.perf_counter) -> None:
        self.phase: Phase | None = None
        self.connected_ms: float | None = None
        """How long it took to open the connection, to the proxy where there is one; None where an open one was used."""
        self.peer = ""
        """Whom the connection goes to: an address and a port."""
        self.handshake: Handshake | None = None
        """What the TLS handshake showed; None where there was none."""
        self._proxied = proxied
        self._stopwatch = stopwatch
        self._begun: dict[str, float] = {}
        self._socket: httpcore.AsyncNetworkStream | None = None
        self._in_handshake = False

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Take one event, `connection.connect_tcp.started` for example."""
        name, _, state = event.rpartition(".")
        if name.endswith(".start_tls"):
            self._in_handshake = state != "complete"
        if state == "started":
            self._begin(name)
        elif state == "complete":
            self._finish(name, info["return_value"])

    def _begin(self, name: str) -> None:
        self._begun[name] = self._stopwatch()
        if name in _PHASE_OF and not self._asks_proxy(name):
            at_proxy = self._proxied and name.startswith("connection.")
            self.phase = Phase.PROXY if at_proxy else _PHASE_OF[name]

    def _finish(self, name: str, stream: Any) -> None:
        took_ms = (self._stopwatch() - self._begun.get(name, 0.0)) * 1000
        if name.endswith(".connect_tcp"):
            self._socket = stream
            self.connected_ms = took_ms
            self.peer = _named(stream.get_extra_info("server_addr"))
        if name.endswith(".start_tls"):
            self.handshake = read_handshake(stream.get_extra_info("ssl_object"), took_ms)

    async def close_half_open(self) -> None:
        """Close a connection whose TLS handshake did not finish: httpcore 1.0.9 forgets it when cancelled."""
        if self._in_handshake and self._socket is not None:
            await self._socket.aclose()

    def _asks_proxy(self, name: str) -> bool:
        """Whether this is the CONNECT request, which comes before the TLS handshake with the exchange."""
        return name.startswith("http11.") and self.phase is Phase.PROXY


def _named(address: object) -> str:
    if isinstance(address, tuple) and len(address) >= 2:
        return printable(f"{address[0]} port {address[1]}", 80)
    return ""


def unreachable(error: Exception, during: Phase | None) -> Unreachable:
    """Return what an exception from httpx, a socket or a deadline means.

    Args:
        error: The exception; nothing of its text is kept but the system's own reason.
        during: The phase that had begun last.
    """
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return Unreachable(Phase.TIMEOUT, during=during)
    detail = _reason(error)
    if isinstance(error, httpx.ProxyError) or during is Phase.PROXY:
        return Unreachable(Phase.PROXY, detail=detail)
    causes = list(_causes(error))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return Unreachable(Phase.TLS, detail=detail)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return Unreachable(Phase.DNS, detail=detail)
    return Unreachable(during or Phase.TCP, detail=detail)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _reason(error: BaseException) -> str:
    """Return the innermost reason that the TLS library or the system gives."""
    for cause in reversed(list(_causes(error))):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return printable(cause.verify_message)
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return printable(cause.reason.replace("_", " ").lower())
        if isinstance(cause, OSError) and cause.strerror:
            return printable(cause.strerror)
    return ""
