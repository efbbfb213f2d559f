"""What the end of a call means for the key: the table in docs/binance.md. Pure, and free of HTTP.

The JSON code decides, never the HTTP status alone. Anything that is not a signed refusal says nothing about the key.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from wizard.core.clock import utc
from wizard.core.sites import Site
from wizard.exchange.errors import ErrorKind, ExchangeError
from wizard.exchange.skew import ClockSkew

TOO_MANY_ORDERS = -1015
WRONG_TIME = -1021
WRONG_SIGNATURE = -1022
ILLEGAL_CHARACTERS = -1100
UNKNOWN_KEY = -2008
"""`/sapi` does not know the key id (REPORTED: ccxt 16777, freqtrade 11401)."""
MALFORMED_KEY = -2014
REFUSED_KEY = -2015
"""One code and one text for an unknown key, an address that is not listed and a missing permission (CONFIRMED)."""
DEATH_CODES = frozenset({UNKNOWN_KEY, REFUSED_KEY})
"""The codes of refusals that speak for the death of a key."""
Surface = Literal["sapi", "api", "fapi", "websocket"]
"""Which part of the exchange was called: it decides what some codes mean."""
_SURFACES = {"sapi": "/sapi", "api": "/api", "fapi": "the futures host", "websocket": "the WebSocket API"}
SLOWEST = 60.0
"""Seconds between two questions at the most, unless the exchange asks for more."""


class CallOutcome(StrEnum):
    """What happened to the signed call."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    """The exchange judged this key or its signature, and said no."""
    INCONCLUSIVE = "inconclusive"
    """The key was not judged. Never shown as success, never as failure of the key."""


class Cause(StrEnum):
    """Why, in a word for code."""

    NONE = "none"
    ADDRESS = "address"
    SHARED_ADDRESS = "shared-address"
    KEY_UNKNOWN = "key-unknown"
    MALFORMED_KEY = "malformed-key"
    WRONG_SIGNATURE = "wrong-signature"
    PERMISSION_OR_KEY = "permission-or-key"
    NOT_ALLOWED = "not-allowed"
    NOT_YET_VISIBLE = "not-yet-visible"
    CLOCK = "clock"
    RATE_LIMIT = "rate-limit"
    ORDER_RATE_LIMIT = "order-rate-limit"
    FUTURES_ACCOUNT = "futures-account"
    FIREWALL = "firewall"
    LOCATION = "location"
    IPV6 = "ipv6"
    SERVER_FAULT = "server-fault"
    NETWORK = "network"
    UNREADABLE_ANSWER = "unreadable-answer"
    REQUEST = "request"
    UNKNOWN = "unknown"


_TIME_HELPS = frozenset(
    {
        Cause.ADDRESS,
        Cause.PERMISSION_OR_KEY,
        Cause.NOT_YET_VISIBLE,
        Cause.KEY_UNKNOWN,
        Cause.RATE_LIMIT,
        Cause.ORDER_RATE_LIMIT,
        Cause.FIREWALL,
        Cause.SERVER_FAULT,
        Cause.NETWORK,
    }
)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known besides the answer."""

    site: Site
    surface: Surface
    egress: IPv4Address | None = None
    """The address that echo services see this host call from."""
    whitelist: Sequence[IPv4Network] = ()
    """The list that the key is meant to have. Empty when it is not known or not restricted."""
    control_accepted: bool | None = None
    """Whether another key was accepted from here in the same minute; None when none was asked."""
    skew: ClockSkew | None = None
    """How far this host's clock is off, where it was measured."""
    seen_as: IPv4Address | None = None
    """The caller's address as the exchange named it in another refusal of the same minute."""
    accepted_from: IPv4Address | None = None
    """From where the exchange accepted this key last, as far as that was observed."""
    accepted_at: float = 0.0
    """When, in seconds since 1970."""
    is_shared: bool = False
    """Whether a service says that Cloudflare WARP is on: then no address from here is one for a list."""
    accepted_on_sapi: bool = False
    """Whether `/sapi` accepted the same key from here in the same second, for a call to another host."""
    is_hexadecimal: bool = False
    """Whether the API key is 64 lower-case hexadecimal digits, as those of the futures testnet are (REPORTED)."""
    change_list: str = ""
    """The command of the job that changes the key's list; empty while a job is open."""

    def lists(self, address: IPv4Address | None) -> bool | None:
        """Return whether the whitelist covers `address`; None when one of them is not known."""
        if address is None or not self.whitelist:
            return None
        return any(address in network for network in self.whitelist)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What the end of one call means."""

    outcome: CallOutcome
    cause: Cause
    what: str
    """The verdict, as a sentence without its full stop."""
    why: str
    """The cause, as far as it is known, with what was observed."""
    advice: str
    """The fix; empty where there is nothing to do."""
    code: int | None = None
    """The exchange's JSON code, if it gave one."""
    retry_after: float = 0.0
    """Seconds that must pass before the next question, however impatient the user is."""
    unlisted: IPv4Address | None = None
    """The caller's address where it is the cause and all that saw it agree: on the list, it would help."""

    @property
    def is_accepted(self) -> bool:
        """Whether the signed call succeeded."""
        return self.outcome is CallOutcome.ACCEPTED

    @property
    def may_change(self) -> bool:
        """Whether the same question may be answered otherwise later, with nothing changed on this side."""
        return self.cause in _TIME_HELPS

    def pause(self, questions: int, first: float) -> float:
        """Return for how many seconds to wait after so many `questions`, at least one; `first` is the first pause.

        How long a saved list takes to count is not documented; users report one or two minutes (docs/binance.md).
        """
        pause = min(first * 1.5 ** (questions - 1), SLOWEST)
        return max(pause, self.retry_after)


def diagnose(error: ExchangeError | None, known: Circumstances) -> Diagnosis:
    """Return what the end of one call means for its key; `error` is None when it was answered."""
    if error is None:
        return _accepted(known)
    code, is_refusal = error.exchange_code, error.kind is ErrorKind.REFUSED
    if code == TOO_MANY_ORDERS and (is_refusal or error.kind is ErrorKind.RATE_LIMIT):
        found = _order_rate_limit(known)
    elif not is_refusal:
        found = _inconclusive(Cause(error.kind.value), error.what, error.why, error.advice)
    elif code == REFUSED_KEY:
        found = _ipv6_named(error) or _key_refused(error.request_ip, known)
    elif code == WRONG_TIME:
        found = _wrong_time(known)
    else:
        found = _by_code(error, known)
    if known.is_hexadecimal and code in _OF_ANOTHER_SITE:
        found = replace(found, why=f"{found.why} {_HEXADECIMAL}", advice=f"{_TESTNET_FIRST} {found.advice}")
    if error.kind in _OF_THE_ADDRESS and known.egress and str(known.egress) not in found.why:
        found = replace(found, why=f"{found.why} Your address is {known.egress}.")
    if known.is_shared and found.cause in {Cause.ADDRESS, Cause.NOT_YET_VISIBLE}:
        found = replace(found, cause=Cause.SHARED_ADDRESS, why=f"{found.why} {_SHARED}", advice=_WITHOUT_WARP)
    return replace(found, code=code, retry_after=error.retry_after, unlisted=_unlisted(found, error.request_ip, known))


def _unlisted(found: Diagnosis, named: IPv4Address | None, known: Circumstances) -> IPv4Address | None:
    """Return the address to put on the list; None where the exchange and the echo services see different ones."""
    seen = set(_seen(named, known))
    helps = found.cause is Cause.ADDRESS and known.whitelist
    return seen.pop() if helps and len(seen) == 1 else None


def _seen(named: IPv4Address | None, known: Circumstances) -> list[IPv4Address]:
    """Return the caller's address as each saw it that did."""
    return [address for address in (known.egress, named, known.seen_as) if address]


_rejected = partial(Diagnosis, CallOutcome.REJECTED)
_inconclusive = partial(Diagnosis, CallOutcome.INCONCLUSIVE)
_SERVER_FAULT = _inconclusive(
    Cause.SERVER_FAULT,
    "Binance's servers have a problem",
    "Binance documents this code as a fault or an overload. The key was not judged.",
    "Try again in a minute.",
)
_BAD_REQUEST = _inconclusive(
    Cause.REQUEST,
    "Binance did not accept the form of the call",
    "Binance documents this code for missing, unknown or malformed parameters. The key was not judged.",
    "Check that this site is the right one. If it is, the wizard has a defect. Please report it.",
)
_IPV6 = _inconclusive(
    Cause.IPV6,
    "Binance refuses calls over IPv6",
    "Users report this code when the caller has an IPv6 address.",
    "Call over IPv4. The wizard does so itself, so look at the proxy or VPN on the way. For your bot, switch IPv6 off.",
)
_CALLER_IS_IPV6 = re.compile(r"parameter\W{0,3}ip\b|ipv6", re.IGNORECASE)
_OF_ANOTHER_SITE = frozenset({UNKNOWN_KEY, MALFORMED_KEY, REFUSED_KEY})
_OF_THE_ADDRESS = frozenset({ErrorKind.RATE_LIMIT, ErrorKind.FIREWALL, ErrorKind.LOCATION})
_HEXADECIMAL = "The key is 64 lower-case hexadecimal digits. Keys of the futures testnet are reported to look so."
_TESTNET_FIRST = "Check whether this is a key of the futures testnet."
_ROWS: dict[int | None, Diagnosis] = {
    UNKNOWN_KEY: _rejected(
        Cause.KEY_UNKNOWN,
        "Binance does not know this key",
        "Users report this code for keys that were deleted, never existed or belong to another site."
        " Binance does not document it.",
        "Was this key made on {site}? If so, check on Binance's page that it still exists.",
    ),
    MALFORMED_KEY: _rejected(
        Cause.MALFORMED_KEY,
        "The API key is malformed",
        "Binance documents this code for an API key of the wrong form. The usual cause is a copying mistake.",
        "Copy the API key again. If it looks right, the API key and the secret may be swapped.",
    ),
    WRONG_SIGNATURE: _rejected(
        Cause.WRONG_SIGNATURE,
        "The signature is wrong",
        "Binance seems to know the key, but the secret or private key does not belong to it.",
        "Enter the secret that Binance showed together with this API key."
        " For Ed25519 or RSA, compare the public key with the one on Binance's page.",
    ),
    -1002: _rejected(
        Cause.NOT_ALLOWED,
        "Binance does not allow this key to make this call",
        "Binance documents this code as “not authorized to execute this request”.",
        "Was this key made on {site}? If so, check its permissions on Binance's page.",
    ),
    -2017: _rejected(
        Cause.NOT_ALLOWED,
        "Binance has locked the API keys of this account",
        "Binance documents this code, for futures, as “API Keys are locked on this account”.",
        "Log in to Binance and see what it asks for.",
    ),
    -1099: _rejected(
        Cause.NOT_ALLOWED,
        "Binance does not allow this key to make this call",
        "Older documents name this code as “not found, authenticated, or authorized”.",
        "Was this key made on {site}? If so, check its permissions on Binance's page.",
    ),
    -1011: _inconclusive(
        Cause.UNKNOWN,
        "Binance does not let your address make this call",
        "Binance documents this code, for futures, as “This IP cannot access this route”. Whether that is about a"
        " key's list is not known.",
        "Compare your address with the whitelist of this key.",
    ),
    -71012: _IPV6,
    **dict.fromkeys((-1000, -1001, -1006, -1007, -1008, -1016), _SERVER_FAULT),
    **dict.fromkeys((-1020, -1130, -1131, -1135, -1194, *range(-1108, -1099)), _BAD_REQUEST),
}
"""One row for each code that needs no further comparison (docs/binance.md)."""
_UNLISTED = _inconclusive(
    Cause.UNKNOWN,
    "Binance refused the call with a code that the wizard does not know",
    "So it is not known whether the key was judged.",
    "Look the code up in Binance's documentation, then try again.",
)


def _accepted(known: Circumstances) -> Diagnosis:
    why = f"A signed call to {_SURFACES[known.surface]} of {known.site.name} was answered."
    why += f" Your address is {known.egress}." if known.egress else ""
    advice = ""
    if known.lists(known.egress) is False:
        why += " It is not on the list you composed."
        advice = "Compare the list on Binance's page. It is a different one, or the key is not restricted."
    return Diagnosis(CallOutcome.ACCEPTED, Cause.NONE, "Binance accepts this key", why, advice)


def _by_code(error: ExchangeError, known: Circumstances) -> Diagnosis:
    row = _ROWS.get(error.exchange_code, _UNLISTED)
    if error.exchange_code == ILLEGAL_CHARACTERS and _CALLER_IS_IPV6.search(error.message):
        row = _IPV6
    why = f"{error.why} {row.why}"
    if error.exchange_code == UNKNOWN_KEY and known.surface != "sapi":
        why += " It is reported on /sapi only, and this was another call."
    return replace(row, why=why, advice=row.advice.format(site=known.site.name))


def _wrong_time(known: Circumstances) -> Diagnosis:
    why = "Code -1021 means that the time of the call is too far from Binance's clock."
    advice = "Set this host's clock by NTP. Do not raise recvWindow."
    if known.skew is None:
        why += " The difference has not been measured yet."
    else:
        why += f" {known.skew.sentence()}"
        if known.skew.is_good:
            advice = "Try again. The clock is right now, so the call was delayed or the clock has jumped."
    return _inconclusive(Cause.CLOCK, "Binance refuses the time of the call", why, advice)


def _order_rate_limit(known: Circumstances) -> Diagnosis:
    """Return what -1015 means, the order rate limit (CONFIRMED): the address is compared anyway."""
    why = "Code -1015 is documented as the order rate limit. Some sources report it after a change of address."
    changed = _change(None, known)
    if known.lists(known.egress) is False:
        return _inconclusive(
            Cause.ADDRESS,
            "Binance reports too many orders, but your address is not on the list you composed",
            " ".join(filter(None, (why, f"Your address is {known.egress}.", changed))),
            _add(known.egress, known),
        )
    return _inconclusive(
        Cause.ORDER_RATE_LIMIT,
        "The account sends too many orders",
        " ".join(filter(None, (why, changed or _comparison(known)))),
        "Let the bots that send orders pause, then try again.",
    )


_ONE_TEXT = "Code -2015 stands for an unknown key, an unlisted address or a missing permission."
_SHARED = "Cloudflare WARP is on, so many people share your address, and it changes."
_WITHOUT_WARP = "Switch WARP off, or exclude Binance from it. Then try again."
_TAKES_TIME = "A new key or list may need a few minutes (reported, not documented)."


def _key_refused(named: IPv4Address | None, known: Circumstances) -> Diagnosis:
    """Return what -2015 means, by comparisons. An address that it `named` goes before what the echo services see."""
    is_same_route = named in (None, known.egress) or known.lists(named)
    if known.accepted_on_sapi and is_same_route:
        return _futures_refused(known) if known.surface == "fapi" else _surface_refused(known)
    if named is not None and known.lists(named) is False:
        return _address_named(named, known)
    seen = named or known.egress
    listed = known.lists(seen)
    elsewhere = known.seen_as if known.lists(known.seen_as) is False else None
    if elsewhere and not (listed and known.control_accepted):
        return _address_named(elsewhere, known)
    changed = _change(named, known)
    if listed is False or (changed and listed is None):
        unlisted = f"{seen} is not on the list you composed." if listed is False else _LIST_UNKNOWN
        return _rejected(
            Cause.ADDRESS,
            f"Binance refuses this key, most likely because {'your address changed' if changed else 'of your address'}",
            " ".join(filter(None, (changed, unlisted, _ONE_TEXT))),
            _add(seen, known),
        )
    if listed and known.control_accepted:
        routes = f" Or your calls take two routes, as the futures host saw {elsewhere}." if elsewhere else ""
        return _rejected(
            Cause.PERMISSION_OR_KEY,
            "Binance refuses this key although your address is on the list you composed",
            f"{seen} is on that list, and the other key was accepted from here in the same minute."
            f" So -2015 means the key, a permission, or a list that does not count yet.{routes}",
            f"{_site_first(known)}Check on Binance's page that the key exists, its list is saved and its"
            f" permissions are on. {_TAKES_TIME}",
        )
    return _not_yet_visible(named or known.seen_as, known)


def _ipv6_named(error: ExchangeError) -> Diagnosis | None:
    """Return what a refusal means that names an IPv6 address, which no list of IPv4 addresses holds."""
    if error.request_ipv6 is None:
        return None
    why = f"Binance named {error.request_ipv6} when it refused the call. That it does so is reported, not documented."
    return _rejected(Cause.IPV6, "Binance sees an IPv6 address, which is not on your whitelist", why, _IPV6.advice)


def _futures_refused(known: Circumstances) -> Diagnosis:
    """Return what -2015 of the futures host means for a key that `/sapi` accepts: site, key and address are right."""
    why = (
        "It answers -2015. Binance accepted this key on /sapi from here in the same second."
        " So site, key and address are right."
    )
    if known.control_accepted:
        return _rejected(
            Cause.PERMISSION_OR_KEY,
            "The futures host refuses this key and accepts the current one",
            f"{why} The futures account is open, as the current key works there.",
            "Switch Enable Futures on for this key on Binance's page. If it is on, make a new key.",
        )
    found = _rejected if known.control_accepted is None else _inconclusive
    alike = (
        "" if known.control_accepted is None else " It refuses the current key alike, so the new key is not the reason."
    )
    return found(
        Cause.FUTURES_ACCOUNT,
        "The futures host refuses this key",
        f"{why}{alike}",
        "Check on Binance that the futures account is open. A key that is older than it does not serve futures"
        " (documented). With Portfolio Margin, this host refuses keys (reported).",
    )


def _surface_refused(known: Circumstances) -> Diagnosis:
    """Return what -2015 means where `/sapi` accepts the key."""
    return _rejected(
        Cause.NOT_ALLOWED,
        f"Binance accepts this key on /sapi and refuses it on {_SURFACES[known.surface]}",
        "It answers -2015 there, from here in the same second. So site, key and address are right.",
        "Check the permissions of this key on Binance's page, then retry.",
    )


def _address_named(address: IPv4Address, known: Circumstances) -> Diagnosis:
    advice = _add(address, known)
    if known.egress not in (None, address):
        advice = (
            f"Find out whose address {address} is before you list it. Other services see {known.egress}."
            " It may belong to another route, to a proxy or to Binance."
        )
    return _rejected(
        Cause.ADDRESS,
        f"Binance sees {address}, which is not on the list you composed",
        "Binance named this address when it refused a call with -2015. That it does so is reported, not documented.",
        advice,
    )


def _not_yet_visible(address: IPv4Address | None, known: Circumstances) -> Diagnosis:
    named = f" Binance saw {address}." if address else ""
    if address and known.egress not in (None, address):
        named += f" Other services see {known.egress}, so your calls may take two routes."
    both = known.control_accepted is False
    return _rejected(
        Cause.NOT_YET_VISIBLE,
        "Binance refuses both keys from here" if both else "Binance refuses this key, and it is not clear why",
        f"{_ONE_TEXT}{named} {_comparison(known)}",
        f"{_site_first(known)}Check that its list is saved on Binance's page, then try again. {_TAKES_TIME}",
    )


def _add(address: IPv4Address | None, known: Circumstances) -> str:
    if known.change_list:
        return f"Add {address} to the whitelist of this key: {known.change_list}"
    return f"Add {address} to the key's list on Binance's page, or call from a listed address."


_LIST_UNKNOWN = "The wizard does not know the key's list."


def _change(named: IPv4Address | None, known: Circumstances) -> str:
    """Say from where the key was accepted last, where nobody sees that address any more; else nothing."""
    seen = _seen(named, known)
    if not seen or known.accepted_from is None or known.accepted_from in seen:
        return ""
    day = utc(known.accepted_at)[:10]
    return f"Binance accepted this key from {known.accepted_from} on {day}. Your calls now come from {seen[0]}."


def _comparison(known: Circumstances) -> str:
    if known.egress is None:
        return "Your address is not known yet."
    listed = known.lists(known.egress)
    if listed is None:
        return f"{_LIST_UNKNOWN} So it could not compare your address."
    return f"Your address {known.egress} is {'' if listed else 'not '}on the list you composed."


def _site_first(known: Circumstances) -> str:
    asked = f"Was this key made on {known.site.name}? Keys of other sites are refused in the same way. "
    return "" if known.accepted_from else asked
