"""A proxy's URL and NO_PROXY, read once, so that no library has to guess what they mean.

There is no standard for NO_PROXY. It is read as curl does, with the two forms on which libraries disagree
(docs/egress.md) taken at their word: a network for literal addresses, and `:443`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import IPv4Network

from wizard.core.addresses import read_ipv4
from wizard.core.errors import WizardError
from wizard.core.secret import MASK, Secret
from wizard.core.urls import read_url

_SOCKS_5 = frozenset({"socks5", "socks5h"})


class ProxyUnusable(WizardError):
    """The proxy that is set cannot be used as it is written. The text never shows its password."""


class RootsUnusable(WizardError):
    """The variable that names other authorities than the public ones names no certificates."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy. Its repr shows no password."""

    url: Secret
    shown: str
    """The URL with its user name and password masked."""


def read_proxy(text: str, source: str) -> Proxy:
    """Return the proxy that `text` names; without a scheme it is an HTTP proxy.

    Args:
        text: The URL as it was set.
        source: Who set it, for the error's text.

    Raises:
        ProxyUnusable: the URL cannot be read, or names a protocol that httpx does not speak here.
    """
    bare = text.strip()
    url = read_url(bare if "://" in bare else f"http://{bare}")
    if url is None or url.rest not in ("", "/"):
        raise unreadable(source)
    user, masked = ("", "") if url.user is None else (f"{url.user}@", f"{MASK}@")
    shown = f"{url.scheme}://{masked}{url.address}"
    _refuse_unspoken(url.scheme, shown, source)
    return Proxy(Secret(f"{url.scheme}://{user}{url.address}"), shown)


def exempting_entry(host: str, no_proxy: str) -> str | None:
    """Return the entry of `no_proxy` that exempts `host` from the proxy, or None."""
    return next(
        (entry for entry in re.split(r"[,\s]+", no_proxy) if entry and _exempts(entry.lower(), host.lower())), None
    )


def _exempts(entry: str, host: str) -> bool:
    domain = entry.removesuffix(":443").removeprefix("*").removeprefix(".")
    return entry == "*" or host == domain or (bool(domain) and host.endswith("." + domain)) or _contains(entry, host)


def _contains(block: str, host: str) -> bool:
    address = read_ipv4(host)
    try:
        return address is not None and address in IPv4Network(block, strict=False)
    except ValueError:
        return False


def unreadable(source: str) -> ProxyUnusable:
    """Return the error for a URL that cannot be shown, because it cannot be taken apart."""
    return ProxyUnusable(
        "The proxy's URL cannot be read",
        why=f"It comes from {source}. It is not shown because it may hold a password.",
        advice="Write it as http://HOST:PORT, and percent-encode the special characters of a password.",
    )


def _refuse_unspoken(scheme: str, shown: str, source: str) -> None:
    if scheme in {"http", "https"}:
        return
    if scheme not in _SOCKS_5:
        raise ProxyUnusable(
            f"The proxy {shown} cannot be used",
            why=f"It comes from {source}, and {scheme}:// names no protocol that is spoken here.",
            advice="Write http://HOST:PORT for an HTTP proxy, or socks5h://HOST:PORT for one that speaks SOCKS 5.",
        )
    if find_spec("socksio") is None:
        raise ProxyUnusable(
            f"The proxy {shown} cannot be used",
            why=f"It comes from {source}. SOCKS needs the Python package socksio, which is not installed.",
            advice="Install socksio next to key-wizard, or set an HTTP proxy as http://HOST:PORT.",
        )
