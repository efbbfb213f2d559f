"""Sites: the exchange's hosts, those that ship with the wizard and those of the user's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from wizard.addresses import read_ipv4
from wizard.errors import SettingsError

CUSTOM_SITE = "custom"


@dataclass(frozen=True, slots=True)
class Site:
    """A set of exchange hosts (DESIGN section 2)."""

    name: str
    rest_url: str
    """Base of the REST API without a slash at the end."""
    key_page: str
    """Where a person creates and deletes API keys; empty when not known."""
    has_sapi: bool = True
    """Whether `/sapi/v1/account/apiRestrictions` can be asked (facts/binance.md section 7)."""
    lacks: str = ""
    """Why it cannot, as the end of a sentence; empty where it can."""
    alternative_urls: tuple[str, ...] = ()
    """Other bases of the same REST API."""
    websocket_api_url: str = ""
    """The WebSocket API; empty where none is known."""
    stream_url: str = ""
    """Base of the public market streams; empty where none is known."""
    futures_url: str = ""
    """Base of the USDⓈ-M futures API that takes the same keys; empty where there is none."""


def known_sites() -> dict[str, Site]:
    """Return the sites that ship with the wizard (`sites.toml`)."""
    data = tomllib.loads(resources.files("wizard").joinpath("sites.toml").read_text("utf-8"))
    return {
        name: Site(name=name, alternative_urls=tuple(values.pop("alternative_urls", ())), **values)
        for name, values in data.items()
    }


def read_site(section: Mapping[str, Any], sites: Mapping[str, Site], where: str) -> Site:
    """Return the site that a section of the settings names.

    Args:
        section: The section's values.
        sites: The sites that ship with the wizard.
        where: Names the section, for a complaint.

    Raises:
        SettingsError: there is no such site, or its hosts make no sense.
    """
    name = section.get("site", "binance.com")
    if name == CUSTOM_SITE:
        return _custom_site(section, where)
    if name not in sites:
        known = ", ".join([*sites, CUSTOM_SITE])
        raise SettingsError(f"{where}: there is no site {name!r}", advice=f"Choose one of: {known}.")
    return _with_host(sites[name], section.get("host"), where)


def _with_host(site: Site, host: object, where: str) -> Site:
    """Return the site with one of its alternative hosts as the one that is called."""
    bases = {urlsplit(url).hostname: url for url in (site.rest_url, *site.alternative_urls)}
    if host is None:
        return site
    if host not in bases:
        raise SettingsError(
            f"{where}: {host!r} is no host of {site.name}", advice=f"Choose one of: {', '.join(map(str, bases))}."
        )
    chosen = bases[str(host)]
    return replace(site, rest_url=chosen, alternative_urls=tuple(url for url in bases.values() if url != chosen))


def _custom_site(section: Mapping[str, Any], where: str) -> Site:
    base_url = str(section.get("base_url", "")).rstrip("/")
    if not is_safe_url(base_url):
        raise SettingsError(
            f"{where}: a custom site needs base_url with https://",
            why=f"It says {base_url!r}; http:// is accepted for this machine only.",
            advice='Write base_url = "https://…".',
        )
    for name, is_safe in _OPTIONAL_URLS.items():
        if (url := section.get(name)) and not is_safe(str(url)):
            raise SettingsError(
                f"{where}: {name} {str(url)!r} is not encrypted",
                why="http:// and ws:// are accepted for this machine only.",
                advice="Write https://… or, for WebSockets, wss://….",
            )
    has_sapi = bool(section.get("has_sapi", True))
    return Site(
        name=CUSTOM_SITE,
        rest_url=base_url,
        key_page=str(section.get("key_page", "")),
        has_sapi=has_sapi,
        lacks="" if has_sapi else "the settings say has_sapi = false",
        **{name: str(section.get(name, "")).rstrip("/") for name in _OPTIONAL_URLS},  # type: ignore[arg-type]
    )


def is_safe_url(url: str) -> bool:
    """Return whether `url` is `https://`, or `http://` to this machine itself."""
    return _is_safe(url, "https", "http")


def is_safe_websocket_url(url: str) -> bool:
    """Return whether `url` is `wss://`, or `ws://` to this machine itself."""
    return _is_safe(url, "wss", "ws")


def _is_safe(url: str, encrypted: str, plain: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    local = read_ipv4(host)
    on_this_machine = host == "localhost" or (local is not None and local.is_loopback)
    return bool(host) and (parts.scheme == encrypted or (parts.scheme == plain and on_this_machine))


_OPTIONAL_URLS = {
    "websocket_api_url": is_safe_websocket_url,
    "stream_url": is_safe_websocket_url,
    "futures_url": is_safe_url,
}
