"""How this host gets out: directly over IPv4, or through one proxy. Decided once, then obeyed.

HTTP libraries read the proxy variables each in their own way (docs/egress.md), so a
REST call and a WebSocket of one program can leave by different addresses. Whoever calls the
exchange or an echo service takes a `Route` instead. Its transport is asked directly, without httpx's client: no cookie
is kept, no redirect followed, no variable of the environment looked at.

There is no standard for NO_PROXY. It is read as curl does, with the two forms on which libraries disagree
(docs/egress.md) taken at their word: a network for literal addresses, and `:443`.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wizard.core.addresses import read_ipv4
from wizard.core.destinations import is_this_machine, read_url
from wizard.core.errors import Exit, WizardError
from wizard.core.safety import silence_libraries
from wizard.core.secret import MASK, Secret
from wizard.core.settings import ANY_SOURCE, Environment
from wizard.core.text import printable

if TYPE_CHECKING:
    import ssl

    import httpx

PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
"""Read in this order; lower case first, as curl and urllib do."""
UNREAD_ROOT_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
"""In which other programs look for authorities: requests, curl, Node.js."""
ROOT_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Read by httpx, in this order."""


class RouteError(WizardError):
    """The way out cannot be used as it is set; the text never shows a password.

    Its `code` is `route.proxy` for the proxy's URL, `route.certificates` for the authorities that a variable names.
    """

    exit_code = Exit.INCONCLUSIVE


@dataclass(frozen=True, slots=True)
class Route:
    """One way out. Its repr shows no proxy password."""

    shown: str
    """The route for people, without credentials: `direct`, `proxy http://10.0.0.2:3128`."""
    source: str
    """Who decided: a setting, an environment variable, or nobody."""
    source_address: str = ANY_SOURCE
    """The local IPv4 address that direct connections leave from."""
    proxy_url: Secret | None = None
    """The proxy with its credentials; None for a direct route."""
    socket: str = ""
    """The Unix socket that stands for the exchange, where another host makes the connection; empty for all else."""
    roots: str = ""
    """What the environment put in the place of the public authorities; empty where it did not."""

    unread_roots: str = ""
    """A variable of other programs that names authorities, with its value; empty where none is set."""

    @property
    def is_proxied(self) -> bool:
        """Whether connections go to a proxy."""
        return self.proxy_url is not None

    def sentence(self) -> str:
        """Return the route for people: a changed list of authorities is never used in silence."""
        family = ", which chooses IPv4 or IPv6" if self.is_proxied else " over IPv4"
        checked = f" It checks certificates with {self.roots}, not with the public authorities." if self.roots else ""
        return f"Route: {self.shown}{family} ({self.source}).{checked}"


def decide_route(environment: Environment, environ: Mapping[str, str]) -> Route:
    """Return the one way to echo services and exchange: the explicit setting, else the proxy variables, else direct.

    `source_address` binds direct routes. An exchange on this machine itself is always reached directly. Raises
    `RouteError` where the proxy's URL cannot be read, or names a protocol that is not spoken here.
    """
    decided = _decide(environment, urlsplit(environment.site.rest_url).hostname or "", environ)
    return replace(decided, roots=_first(ROOT_VARIABLES, environ), unread_roots=_first(UNREAD_ROOT_VARIABLES, environ))


def _first(names: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return the first of these variables that is set, as `NAME=value`."""
    return next((f"{name}={printable(environ[name])}" for name in names if environ.get(name)), "")


def _decide(environment: Environment, host: str, environ: Mapping[str, str]) -> Route:
    if is_this_machine(host):
        return _direct(environment, f"{host} is this machine")
    if environment.proxy:
        return _proxied(environment.proxy, f"the settings of {environment.name}")
    variable = next((name for name in PROXY_VARIABLES if environ.get(name)), None)
    if variable is None:
        unused = any(environ.get(name) for name in ("http_proxy", "HTTP_PROXY"))
        return _direct(environment, "HTTP_PROXY does not count for https" if unused else "no proxy is set")
    exempt = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if entry := exempting_entry(host, exempt):
        return _direct(environment, f"NO_PROXY exempts {host} by {printable(entry)!r} from {variable}")
    return _proxied(environ[variable], f"{variable}, and NO_PROXY does not exempt {host}" if exempt else variable)


def open_transport(
    route: Route,
    *,
    verify: ssl.SSLContext | None = None,
    verify_proxy: ssl.SSLContext | None = None,
) -> httpx.AsyncHTTPTransport:
    """Return a transport that takes `route`; a direct one binds its address, which also forces IPv4 (docs/egress.md).

    On a route through a socket the URL's host is still the one that TLS names and checks.

    Certificates are checked against `verify`, else `public_roots()`; a proxy's own, before it is told its password,
    against `verify_proxy`, else the same. Raises `RouteError` where httpx cannot use the proxy's URL, or `public_roots`
    fails.
    """
    import httpx  # noqa: PLC0415 - a command that calls nobody shall not wait for it

    silence_libraries()
    context = verify or public_roots()
    if route.socket:
        return httpx.AsyncHTTPTransport(verify=context, uds=route.socket, retries=0)
    if route.proxy_url is None:
        return httpx.AsyncHTTPTransport(verify=context, local_address=route.source_address, retries=0)
    url = route.proxy_url.reveal()
    try:
        proxy = httpx.Proxy(url, ssl_context=(verify_proxy or context) if url.startswith("https:") else None)
    except (ValueError, httpx.InvalidURL):
        raise _unreadable(route.source) from None
    return httpx.AsyncHTTPTransport(verify=context, proxy=proxy, retries=0)


@asynccontextmanager
async def answered(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> AsyncIterator[httpx.Response]:
    """Send a request, lend its response, and end that."""
    response = await transport.handle_async_request(request)
    try:
        yield response
    finally:
        await response.aclose()


def public_roots() -> ssl.SSLContext:
    """Return a context with the public authorities of certifi, or those that SSL_CERT_FILE names.

    Not the system's store: an authority that an administrator installed there would let a proxy read the API key in the
    headers without a word. Raises `RouteError` where what the variable names holds no certificates.
    """
    import ssl  # noqa: PLC0415 - see `open_transport`

    try:
        return _read_roots(*map(_now, map(os.environ.get, ROOT_VARIABLES)))
    except (OSError, ValueError) as error:
        variable = next((name for name in ROOT_VARIABLES if os.environ.get(name)), "")
        named = f"{variable}={printable(os.environ.get(variable, ''))}"
        reason = printable(getattr(error, "strerror", None) or type(error).__name__)
        is_empty = isinstance(error, ssl.SSLError)
        raise RouteError(
            "The wizard cannot read the certificates for checking servers",
            why=f"{named} has no certificate." if is_empty else f"The system answered “{reason}” for {named}.",
            advice=f"Correct {variable}. Or unset it to use the public authorities.",
            code="route.certificates",
        ) from None


def _now(path: str | None) -> tuple[str | None, int]:
    with suppress(OSError, ValueError):
        return path, Path(path).stat().st_mtime_ns if path else 0
    return path, 0


@lru_cache(maxsize=1)
def _read_roots(*_named: tuple[str | None, int]) -> ssl.SSLContext:
    """Read them once for what the variables name now: it takes 20 ms, and each way to the exchange needs them."""
    import httpx  # noqa: PLC0415 - see `open_transport`

    return httpx.create_ssl_context()


def _direct(environment: Environment, source: str) -> Route:
    address = environment.source_address
    shown = "direct" if address == ANY_SOURCE else f"direct from {address}"
    return Route(shown, source, address)


def _proxied(text: str, source: str) -> Route:
    """Return the route through the proxy that `text` names; without a scheme it is an HTTP proxy."""
    bare = text.strip()
    url = read_url(bare if "://" in bare else f"http://{bare}")
    if url is None or url.rest not in ("", "/"):
        raise _unreadable(source)
    user, masked = ("", "") if url.user is None else (f"{url.user}@", f"{MASK}@")
    shown = f"{url.scheme}://{masked}{url.address}"
    if url.scheme not in {"http", "https", "socks5", "socks5h"}:
        why = f"The wizard does not speak {url.scheme}://."
        advice = "Write http://HOST:PORT for an HTTP proxy, or socks5h://HOST:PORT for SOCKS 5."
    elif url.scheme.startswith("socks") and find_spec("socksio") is None:
        why = "SOCKS needs the Python package socksio, which is not installed."
        advice = "Install socksio next to key-wizard, or set an HTTP proxy as http://HOST:PORT."
    else:
        return Route(f"proxy {shown}", source, proxy_url=Secret(f"{url.scheme}://{user}{url.address}"))
    raise _unusable(f"The wizard cannot use the proxy {shown}", why, source, advice)


def exempting_entry(host: str, no_proxy: str) -> str | None:
    """Return the entry of `no_proxy` that exempts `host` from the proxy, or None."""
    entries = filter(None, re.split(r"[,\s]+", no_proxy))
    return next((entry for entry in entries if _exempts(entry.lower(), host.lower())), None)


def _exempts(entry: str, host: str) -> bool:
    domain = entry.removesuffix(":443").removeprefix("*").removeprefix(".")
    return entry == "*" or host == domain or (bool(domain) and host.endswith("." + domain)) or _contains(entry, host)


def _contains(block: str, host: str) -> bool:
    address = read_ipv4(host)
    try:
        return address is not None and address in IPv4Network(block, strict=False)
    except ValueError:
        return False


def _unreadable(source: str) -> RouteError:
    """Return the error for a URL that cannot be shown, because it cannot be taken apart."""
    why = "It is not shown because it may hold a password."
    advice = "Write http://HOST:PORT. Percent-encode the special characters of a password."
    return _unusable("The wizard cannot read the URL of the proxy", why, source, advice)


def _unusable(what: str, why: str, source: str, advice: str) -> RouteError:
    return RouteError(what, why=f"{why} The proxy comes from {source}.", advice=advice, code="route.proxy")
