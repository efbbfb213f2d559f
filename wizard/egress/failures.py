"""Network trouble as one phrase that blames the right party.

Behind a proxy the only connection that this host opens is the one to the proxy: when it fails, the
proxy is at fault, not the service behind it. The phrases name no service, so that the same
trouble reads the same for all of them.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator

import httpx

from wizard.egress.progress import CONNECTING, HANDSHAKES
from wizard.egress.route import Route, RouteKind
from wizard.text import printable


def time_out(phase: str, route: Route, seconds: float) -> str:
    """Say what was waited for in vain, `phase` being the last thing begun."""
    whom = f"the {route.shown}" if route.kind is RouteKind.PROXY else "the server"
    if not phase or phase in CONNECTING:
        return f"no connection to {whom} within {seconds:g} s"
    if phase in HANDSHAKES:
        return f"connected, but no TLS handshake within {seconds:g} s: possibly filtered on the way"
    if route.kind is RouteKind.PROXY:
        return f"connected to {whom}, but no answer came through it within {seconds:g} s"
    return f"connected, but no answer within {seconds:g} s"


def failure(error: Exception, route: Route) -> str:
    """Say what went wrong, from the exception that httpx raised and those below it."""
    causes = list(_chain(error))
    if tls := next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None):
        return _tls(tls)
    if isinstance(error, httpx.ProxyError):
        return f"the {route.shown} refused: {printable(str(error), 80)}"
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return _no_connection(causes, route)
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return "the connection was closed without a valid HTTP answer"
    return f"the request failed ({type(error).__name__})"


def _tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the TLS certificate is not trusted: {printable(error.verify_message, 80)}"
    return f"no TLS connection ({printable(error.reason or 'reason not given', 80)}), possibly a captive portal"


def _no_connection(causes: list[BaseException], route: Route) -> str:
    whom = f"the {route.shown} cannot be reached" if route.kind is RouteKind.PROXY else "no connection"
    reason = next((cause for cause in reversed(causes) if isinstance(cause, OSError)), None)
    if isinstance(reason, socket.gaierror):
        return f"{whom}: its name cannot be resolved"
    if reason is not None and reason.errno == errno.EADDRNOTAVAIL:
        return f"{whom}: this host has no address {route.source_address} to call from"
    if reason is None or not reason.errno:
        return f"{whom}: the system gives no reason"
    return f"{whom}: {os.strerror(reason.errno)}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
