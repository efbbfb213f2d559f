"""How this host gets out: directly over IPv4, or through one proxy. Decided once, then obeyed.

HTTP libraries read the proxy variables each in their own way (docs/egress.md), so a
REST call and a WebSocket of one program can leave by different addresses. Whoever calls the
exchange or an echo service takes a `Route` instead. Use its transport with
`httpx.AsyncClient(transport=…, trust_env=False, follow_redirects=False)` and give the client no
`limits` or `verify` of its own: next to `transport` httpx drops them silently.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlsplit

import httpx

from wizard.core.addresses import read_ipv4
from wizard.core.safety import silence_libraries
from wizard.core.secret import Secret
from wizard.core.settings import Environment
from wizard.core.text import printable
from wizard.net.proxy import RootsUnusable, exempting_entry, read_proxy, unreadable

ANY_SOURCE = "0.0.0.0"  # noqa: S104 - a local address to call from, not one to listen on
PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
"""Read in this order; lower case first, as curl and urllib do."""


class RouteKind(StrEnum):
    """The two ways out."""

    DIRECT = "direct"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True)
class Route:
    """One way out. Its repr shows no proxy password."""

    kind: RouteKind
    shown: str
    """The route for people, without credentials: `direct`, `proxy http://10.0.0.2:3128`."""
    source: str
    """Who decided: a setting, an environment variable, or nobody."""
    source_address: str = ANY_SOURCE
    """The local IPv4 address that direct connections leave from."""
    proxy_url: Secret | None = None
    """The proxy with its credentials; None for a direct route."""
    roots: str = ""
    """What the environment put in the place of the public authorities; empty where it did not."""

    def sentence(self) -> str:
        """Return the route for people: a changed list of authorities is never used in silence."""
        family = "over IPv4" if self.kind is RouteKind.DIRECT else "over whatever the proxy chooses"
        roots = (
            f" Certificates are checked against {self.roots}, not against the public authorities." if self.roots else ""
        )
        return f"Route: {self.shown} {family} ({self.source}).{roots}"


ROOT_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Read by httpx, in this order."""


def decide_route(environment: Environment, host: str, environ: Mapping[str, str]) -> Route:
    """Return the route to `host`: the explicit setting, else the proxy variables, else direct.

    Args:
        environment: Its `proxy` wins over every variable; its `source_address` binds direct routes.
        host: The exchange's host name or base URL; this machine itself is always reached directly.
        environ: The variables of the process.

    Raises:
        wizard.net.proxy.ProxyUnusable: the proxy's URL cannot be read, or names a protocol
            that is not spoken here.
    """
    variable = next((name for name in ROOT_VARIABLES if environ.get(name)), None)
    roots = f"{variable}={printable(environ[variable])}" if variable else ""
    return replace(_decide(environment, urlsplit(host).hostname or host, environ), roots=roots)


def _decide(environment: Environment, host: str, environ: Mapping[str, str]) -> Route:
    if _is_this_machine(host):
        return _direct(environment, f"{host} is this machine")
    if environment.proxy:
        return _proxied(environment.proxy, f"the settings of {environment.name}")
    variable = next((name for name in PROXY_VARIABLES if environ.get(name)), None)
    if variable is None:
        return _direct(environment, "no proxy is set")
    exempt = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if entry := exempting_entry(host, exempt):
        return _direct(environment, f"NO_PROXY exempts {host} by {printable(entry)!r} from {variable}")
    return _proxied(environ[variable], f"{variable}; NO_PROXY does not exempt {host}" if exempt else variable)


def open_transport(route: Route, *, verify: ssl.SSLContext | None = None) -> httpx.AsyncHTTPTransport:
    """Return a transport that takes `route` and reuses its connections.

    Args:
        route: The way out. A direct one binds `source_address`, which also forces IPv4: httpcore
            then resolves the host with AF_INET alone (docs/egress.md). Behind a
            proxy the address family is the proxy's business.
        verify: What certificates are checked against; None for `public_roots()`.

    Raises:
        wizard.net.proxy.ProxyUnusable: httpx cannot use the proxy's URL.
    """
    return _open(route, verify, httpx.Limits())


def sampling_transport(route: Route, *, verify: ssl.SSLContext | None = None) -> httpx.AsyncHTTPTransport:
    """Return the same with a fresh connection for every request: a reused one hides address pools.

    Raises:
        wizard.net.proxy.ProxyUnusable: httpx cannot use the proxy's URL.
    """
    return _open(route, verify, httpx.Limits(max_keepalive_connections=0))


def public_roots() -> ssl.SSLContext:
    """Return a context with the public authorities of certifi, or those that SSL_CERT_FILE names.

    Not the system's store: an authority that an administrator installed there would let a proxy
    read the API key in the headers without a word.

    Raises:
        RootsUnusable: what the variable names holds no certificates.
    """
    try:
        return httpx.create_ssl_context()
    except (OSError, ValueError) as error:
        variable = next((name for name in ROOT_VARIABLES if os.environ.get(name)), "")
        raise RootsUnusable(
            "The certificates that servers are checked against cannot be read",
            why=f"{variable}={printable(os.environ.get(variable, ''))}. The system said: {_reason(error)}.",
            advice=f"Correct {variable}, or unset it: then the public authorities count.",
        ) from None


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return "no certificate is in it"
    return printable(getattr(error, "strerror", None) or type(error).__name__)


def _is_this_machine(host: str) -> bool:
    address = read_ipv4(host)
    return host in {"localhost", "::1"} or (address is not None and address.is_loopback)


def _direct(environment: Environment, source: str) -> Route:
    address = environment.source_address
    shown = "direct" if address == ANY_SOURCE else f"direct from {address}"
    return Route(RouteKind.DIRECT, shown, source, address)


def _proxied(url: str, source: str) -> Route:
    proxy = read_proxy(url, source)
    return Route(RouteKind.PROXY, f"proxy {proxy.shown}", source, proxy_url=proxy.url)


def _open(route: Route, verify: ssl.SSLContext | None, limits: httpx.Limits) -> httpx.AsyncHTTPTransport:
    silence_libraries()
    context = verify or public_roots()
    if route.proxy_url is None:
        return httpx.AsyncHTTPTransport(verify=context, limits=limits, local_address=route.source_address, retries=0)
    proxy = _httpx_proxy(route.proxy_url.reveal(), context, route.source)
    return httpx.AsyncHTTPTransport(verify=context, limits=limits, proxy=proxy, retries=0)


def _httpx_proxy(url: str, context: ssl.SSLContext, source: str) -> httpx.Proxy:
    try:
        return httpx.Proxy(url, ssl_context=context if url.startswith("https:") else None)
    except (ValueError, httpx.InvalidURL):
        raise unreadable(source) from None
