"""How the exchange of an environment is reached, and one signed question to it with what the answer means."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from urllib.parse import urlsplit

from wizard.core.addresses import read_ipv4
from wizard.core.clock import Clock
from wizard.core.credentials import Credentials
from wizard.core.settings import Environment
from wizard.core.sites import Site
from wizard.custody.records import KeyRecord
from wizard.egress.ipv6 import Ipv6Lookup, Ipv6Route, find_ipv6_route
from wizard.egress.selection import ExchangeObservation
from wizard.exchange.client import ExchangeClient
from wizard.exchange.diagnosis import Circumstances, Diagnosis, diagnose
from wizard.exchange.errors import ErrorKind, ExchangeError
from wizard.exchange.responses import ApiRestrictions
from wizard.exchange.skew import ClockSkew, measure_skew
from wizard.net.route import Route, decide_route, open_transport

CLOCK_DEADLINE = 8.0
"""Seconds for all questions that measure the clock together."""


async def ipv6_route_to_exchange(environment: Environment, route: Route) -> Ipv6Route | None:
    """Return how software here could call the exchange over IPv6; None where it could not, or goes through a proxy."""
    host = urlsplit(environment.site.rest_url).hostname or ""
    return None if route.is_proxied else await find_ipv6_route(host, lookup=Ipv6Lookup())


def open_exchange(
    site: Site, route: Route, *, timeout: float, clock: Clock = time.time, stopwatch: Clock = time.perf_counter
) -> ExchangeClient:
    """Return an `ExchangeClient` for `async with`; a `RouteError` where the route's proxy cannot be used."""
    return ExchangeClient(
        site,
        open_transport(route),
        clock=clock,
        stopwatch=stopwatch,
        timeout=timeout,
        proxied=route.is_proxied,
    )


async def measure_clock(environment: Environment, clock: Clock = time.time) -> ClockSkew:
    """Return how far `clock` is off the exchange's; raise WizardError, or TimeoutError after CLOCK_DEADLINE."""
    site, route = environment.site, decide_route(environment, os.environ)
    async with asyncio.timeout(CLOCK_DEADLINE), open_exchange(site, route, timeout=5.0, clock=clock) as client:
        return await measure_skew(client.server_time)


def circumstances(
    site: Site,
    egress: str = "",
    whitelist: Sequence[IPv4Network] = (),
    key: KeyRecord | None = None,
    *,
    is_shared: bool = False,
) -> Circumstances:
    """Return what is known about the call that `ask` makes with `key`; `egress` is empty where it is not known."""
    return Circumstances(
        site,
        "sapi" if site.has_sapi else "api",
        read_ipv4(egress),
        whitelist,
        accepted_from=read_ipv4(key.proven_from) if key else None,
        accepted_at=key.proven_at or 0.0 if key else 0.0,
        is_shared=is_shared,
    )


@dataclass(frozen=True, slots=True)
class SignedAnswer:
    """What the exchange said to one key."""

    known: Circumstances
    error: ExchangeError | None = None
    restrictions: ApiRestrictions | None = None

    @property
    def accepted(self) -> bool:
        """Whether the signed call succeeded."""
        return self.error is None

    @property
    def code(self) -> int | None:
        """The JSON code of a signed refusal."""
        return self.error.exchange_code if self.error and self.error.kind is ErrorKind.REFUSED else None

    @property
    def named(self) -> IPv4Address | None:
        """The caller's address as a refusal names it."""
        return self.error.request_ip if self.error else None

    def diagnose(
        self, control_accepted: bool | None = None, *, skew: ClockSkew | None = None, seen_as: IPv4Address | None = None
    ) -> Diagnosis:
        """Return what the answer means, with what was learned besides; see `Circumstances`."""
        known = replace(self.known, control_accepted=control_accepted, skew=skew, seen_as=seen_as)
        return diagnose(self.error, known)


async def ask(client: ExchangeClient, credentials: Credentials, known: Circumstances) -> SignedAnswer:
    """Make the cheapest signed call that shows most: weight 1 on `/sapi`, else `/api/v3/account`.

    `/sapi` distinguishes a deleted key (-2008) from a refused one (-2015); `/api` cannot (REPORTED,
    binance-signature-examples 17).
    """
    if not known.site.has_sapi:
        return await ask_account(client, credentials, known)
    return await _answer(client.api_restrictions(credentials), shaped(known, credentials))


async def ask_futures(client: ExchangeClient, credentials: Credentials, known: Circumstances) -> SignedAnswer | None:
    """Ask the futures host for balances, weight 5; None where the site has none."""
    if not known.site.futures_url:
        return None
    return await _answer(client.futures_balances(credentials), shaped(replace(known, surface="fapi"), credentials))


async def ask_account(client: ExchangeClient, credentials: Credentials, known: Circumstances) -> SignedAnswer:
    """Ask `/api` for the account, weight 20."""
    return await _answer(client.account(credentials), shaped(replace(known, surface="api"), credentials))


def shaped(known: Circumstances, credentials: Credentials) -> Circumstances:
    """Return what is known, with what the form of the API key says."""
    return replace(known, is_hexadecimal=bool(re.fullmatch("[0-9a-f]{64}", credentials.api_key.reveal())))


async def _answer(call: Awaitable[object], known: Circumstances) -> SignedAnswer:
    try:
        told = await call
    except ExchangeError as error:
        return SignedAnswer(known, error)
    return SignedAnswer(known, restrictions=told if isinstance(told, ApiRestrictions) else None)


async def named_by_futures(client: ExchangeClient, credentials: Credentials, site: Site) -> IPv4Address | None:
    """Return the caller's address in the futures host's refusal, which often names it (REPORTED); else None."""
    answer = await ask_futures(client, credentials, circumstances(site))
    return answer.named if answer else None


async def observe_address(
    client: ExchangeClient, credentials: Credentials, site: Site, listed: Sequence[IPv4Network]
) -> ExchangeObservation:
    """Ask with the key in use for its restrictions and, where there is one, the futures host, at the same time.

    Return what that shows of the caller's address; `listed` is the key's list as it is known here.
    """
    answer, named = await asyncio.gather(
        ask(client, credentials, circumstances(site)), named_by_futures(client, credentials, site)
    )
    return ExchangeObservation(
        site=site.name,
        accepted=answer.accepted,
        is_restricted=answer.restrictions.ip_restricted if answer.restrictions else None,
        listed=tuple(listed),
        named=named,
        trouble="" if answer.accepted else answer.diagnose().what,
    )
