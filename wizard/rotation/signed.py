"""One signed question to the exchange, and what the answer means."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from wizard.core.credentials import Credentials
from wizard.core.sites import Site
from wizard.egress.exchange_observation import ExchangeObservation
from wizard.exchange.client import ApiRestrictions, ExchangeClient
from wizard.exchange.errors import ExchangeError, Refused
from wizard.exchange.outcomes import Surface
from wizard.exchange.skew import ClockSkew
from wizard.exchange.verdicts import Context as Situation
from wizard.exchange.verdicts import Verdict, judge


@dataclass(frozen=True, slots=True)
class Where:
    """From where we ask and what is allowed to: what a refusal is compared with."""

    site: Site
    egress: str = ""
    whitelist: Sequence[IPv4Network] = ()


@dataclass(frozen=True, slots=True)
class SignedAnswer:
    """What the exchange said to one key."""

    verdict: Verdict
    error: ExchangeError | None = None
    restrictions: ApiRestrictions | None = None

    @property
    def accepted(self) -> bool:
        """Whether the signed call succeeded."""
        return self.verdict.is_accepted

    @property
    def code(self) -> int | None:
        """The JSON code of a signed refusal."""
        return self.error.exchange_code if isinstance(self.error, Refused) else None

    @property
    def named(self) -> IPv4Address | None:
        """The caller's address as a refusal names it."""
        return self.error.request_ip if isinstance(self.error, Refused) else None


async def ask(client: ExchangeClient, credentials: Credentials, where: Where) -> SignedAnswer:
    """Make the cheapest signed call that tells most: weight 1 on `/sapi`, else `/api/v3/account`.

    `/sapi` tells a deleted key (-2008) from a refused one (-2015); `/api` cannot (REPORTED,
    binance-signature-examples 17).
    """
    try:
        if where.site.has_sapi:
            return SignedAnswer(explain(None, where), restrictions=await client.api_restrictions(credentials))
    except ExchangeError as error:
        return SignedAnswer(explain(error, where), error)
    return await ask_account(client, credentials, where)


def explain(
    error: ExchangeError | None,
    where: Where,
    control_accepted: bool | None = None,
    *,
    surface: Surface | None = None,
    skew: ClockSkew | None = None,
    seen_as: IPv4Address | None = None,
) -> Verdict:
    """Return the verdict on one answer, seen from `where`.

    Args:
        error: How the call failed; None when it was answered.
        where: From where it was asked.
        control_accepted: Whether another key was accepted in the same minute; None when none was asked.
        surface: What was asked; None for the call that `ask` makes.
        skew: How far this host's clock is off, where it was measured.
        seen_as: The caller's address as the exchange named it elsewhere in the same minute.
    """
    return judge(
        error,
        Situation(
            surface=surface or ("sapi" if where.site.has_sapi else "api"),
            egress=IPv4Address(where.egress) if where.egress else None,
            whitelist=where.whitelist or None,
            control_accepted=control_accepted,
            skew=skew,
            site=where.site.name,
            seen_as=seen_as,
        ),
    )


async def ask_futures(client: ExchangeClient, credentials: Credentials, where: Where) -> SignedAnswer | None:
    """Ask the futures host for balances, weight 5; None where the site has none."""
    if not where.site.futures_url:
        return None
    try:
        await client.futures_balances(credentials)
    except ExchangeError as error:
        return SignedAnswer(explain(error, where, surface="fapi"), error)
    return SignedAnswer(explain(None, where, surface="fapi"))


async def ask_account(client: ExchangeClient, credentials: Credentials, where: Where) -> SignedAnswer:
    """Ask `/api` for the account, weight 20."""
    try:
        await client.account(credentials)
    except ExchangeError as error:
        return SignedAnswer(explain(error, where, surface="api"), error)
    return SignedAnswer(explain(None, where, surface="api"))


async def named_by_futures(client: ExchangeClient, credentials: Credentials, site: Site) -> IPv4Address | None:
    """Return the caller's address in the futures host's refusal, which often names it (REPORTED); else None."""
    answer = await ask_futures(client, credentials, Where(site))
    return answer.named if answer else None


async def observe_address(
    client: ExchangeClient, credentials: Credentials, site: Site, listed: Sequence[IPv4Network]
) -> ExchangeObservation:
    """Make two signed calls at the same time, and return what they show of the caller's address.

    One asks for the key's restrictions. The other asks the futures host, where there is one.

    Args:
        client: The way to the exchange.
        credentials: The key in use.
        site: Who is asked.
        listed: The key's list as it is known here.
    """
    answer, named = await asyncio.gather(
        ask(client, credentials, Where(site)), named_by_futures(client, credentials, site)
    )
    return ExchangeObservation(
        site=site.name,
        accepted=answer.accepted,
        is_restricted=answer.restrictions.ip_restricted if answer.restrictions else None,
        listed=tuple(listed),
        named=named,
        trouble="" if answer.accepted else answer.verdict.what,
    )
