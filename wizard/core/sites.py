"""Sites: the exchange's hosts, those that ship with the wizard and those of the user's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from wizard.core.destinations import Url, is_this_machine, read_url
from wizard.core.toml_file import Section

CUSTOM_SITE = "custom"
CUSTOM_SETTINGS = ("base_url", "key_page", "has_sapi", "websocket_api_url", "stream_url", "futures_url")
"""What the settings of an environment with such a site may name."""


@dataclass(frozen=True, slots=True)
class Site:
    """A set of exchange hosts."""

    name: str
    rest_url: str
    """Base of the REST API without a slash at the end."""
    key_page: str
    """Where a person creates and deletes API keys; empty when not known."""
    has_sapi: bool = True
    """Whether `/sapi/v1/account/apiRestrictions` can be asked (docs/binance.md)."""
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
    data = tomllib.loads(Path(__file__).with_name("sites.toml").read_text("utf-8"))
    return {
        name: Site(name, alternative_urls=tuple(values.pop("alternative_urls", ())), **values)
        for name, values in data.items()
    }


def read_site(section: Section, sites: Mapping[str, Site]) -> Site:
    """Return the site that an environment's section of the settings names, or raise WizardError."""
    name = section.string("site", "binance.com", "binance.com")
    if name == CUSTOM_SITE:
        return _custom_site(section)
    if name not in sites:
        raise section.refusal("site", "There is no such site.", f"Choose from {', '.join([*sites, CUSTOM_SITE])}.")
    return _with_host(sites[name], section)


def _with_host(site: Site, section: Section) -> Site:
    """Return the site with one of its alternative hosts as the one that is called."""
    bases = {urlsplit(url).hostname or "": url for url in (site.rest_url, *site.alternative_urls)}
    first = next(iter(bases))
    host = section.string("host", first) or first
    if host not in bases:
        raise section.refusal("host", f"{site.name} has no such host.", f"Choose from {', '.join(bases)}.")
    return replace(site, rest_url=bases.pop(host), alternative_urls=tuple(bases.values()))


def _custom_site(section: Section) -> Site:
    has_sapi = section.flag("has_sapi", default=True)
    return Site(
        name=CUSTOM_SITE,
        rest_url=_url(section, "base_url"),
        key_page=_url(section, "key_page"),
        has_sapi=has_sapi,
        lacks="" if has_sapi else "the settings say has_sapi = false",
        websocket_api_url=_url(section, "websocket_api_url", "wss"),
        stream_url=_url(section, "stream_url", "wss"),
        futures_url=_url(section, "futures_url"),
    )


def _url(section: Section, key: str, encrypted: str = "https") -> str:
    """Return a URL without a slash at its end. Only the first one is needed."""
    example = f"{encrypted}://api.example"
    text = section.string(key, example)
    if not text and key != "base_url":
        return ""
    url, advice = read_url(text), f'Write {key} = "{example}". Add :PORT or /PATH at its end if you need it.'
    if url is None or "?" in url.rest:
        raise section.refusal(key, "It is not the URL of a host." if text else "It is missing.", advice)
    if problem := problem_of(url, encrypted):
        raise section.refusal(key, problem, advice)
    return f"{url.scheme}://{url.address}{url.rest}".rstrip("/")


def problem_of(url: Url, encrypted: str = "https") -> str:
    """Return why nothing may be sent to a URL, as a sentence; nothing where it may. It never repeats the URL.

    Its scheme has to be `encrypted`; the plain one is accepted for this machine itself.
    """
    if url.user is not None:
        return "It has a user name or a password, and must have none."
    if url.scheme == encrypted or (is_this_machine(url.host) and f"{url.scheme}s" == encrypted):
        return ""
    return f"It does not begin with {encrypted}://. Only an address of this machine may do without it."
