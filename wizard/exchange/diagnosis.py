"""What the end of a call means for the key: the table in docs/binance.md. Pure, and free of HTTP.

The JSON code decides, never the HTTP status alone. Anything that is not a signed refusal says nothing about the key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

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
SURFACES: dict[Surface, str] = {
    "sapi": "/sapi",
    "api": "/api",
    "fapi": "the futures host",
    "websocket": "the WebSocket API",
}
"""The same for people."""
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
    KEY_UNKNOWN = "key-unknown"
    MALFORMED_KEY = "malformed-key"
    WRONG_SIGNATURE = "wrong-signature"
    PERMISSION_OR_KEY = "permission-or-key"
    NOT_YET_VISIBLE = "not-yet-visible"
    CLOCK = "clock"
    RATE_LIMIT = "rate-limit"
    ORDER_RATE_LIMIT = "order-rate-limit"
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
    why: str
    advice: str
    code: int | None = None
    """The exchange's JSON code, if it gave one."""
    retry_after: float = 0.0
    """Seconds that must pass before the next question, however impatient the user is."""

    @property
    def is_accepted(self) -> bool:
        """Whether the signed call succeeded."""
        return self.outcome is CallOutcome.ACCEPTED

    @property
    def may_change(self) -> bool:
        """Whether the same question may be answered otherwise later, with nothing changed on this side."""
        return self.cause in _TIME_HELPS

    def pause(self, questions: int, first: float) -> float:
        """Return for how many seconds to wait after so many questions.

        How long a saved list takes to count is not documented; users report one or two minutes
        (docs/binance.md). So: the call of weight 1, slowly, and `Retry-After` obeyed.

        Args:
            questions: How many were asked, at least one.
            first: The pause after the first question; each is half as long again as the one before.
        """
        pause = min(first * 1.5 ** (questions - 1), SLOWEST)
        return max(pause, self.retry_after)


def diagnose(error: ExchangeError | None, known: Circumstances) -> Diagnosis:
    """Return what the end of one call means for its key.

    Args:
        error: How the call failed; None when it was answered.
        known: What else is known: the address, the whitelist, the other key, the clock.
    """
    if error is None:
        return _accepted(known)
    code, is_refusal = error.exchange_code, error.kind is ErrorKind.REFUSED
    if code == TOO_MANY_ORDERS and (is_refusal or error.kind is ErrorKind.RATE_LIMIT):
        found = _order_rate_limit(known)
    elif not is_refusal:
        found = _inconclusive(Cause(error.kind.value), error.what, error.why, error.advice)
    elif code == REFUSED_KEY:
        found = _key_refused(error.request_ip, known)
    elif code == WRONG_TIME:
        found = _wrong_time(known)
    else:
        found = _by_code(error, known)
    return replace(found, code=code, retry_after=error.retry_after)


def _rejected(cause: Cause, what: str, why: str, advice: str) -> Diagnosis:
    return Diagnosis(CallOutcome.REJECTED, cause, what, why, advice)


def _inconclusive(cause: Cause, what: str, why: str, advice: str) -> Diagnosis:
    return Diagnosis(CallOutcome.INCONCLUSIVE, cause, what, why, advice)


_SERVER_FAULT = _inconclusive(
    Cause.SERVER_FAULT,
    "The exchange has a fault of its own",
    "The code is documented as a fault or an overload of its servers. The key was not judged.",
    "Try again in a minute.",
)
_BAD_REQUEST = _inconclusive(
    Cause.REQUEST,
    "The exchange did not accept the form of the request",
    "The code is documented for parameters that are missing, unknown or malformed. The key was not judged.",
    "Check that this site is the right one. If it is, this is a defect of the wizard: please report it.",
)
_IPV6 = _inconclusive(
    Cause.IPV6,
    "The exchange refuses calls over IPv6",
    "The code is reported for Binance.US when the caller's address is IPv6.",
    "Call over IPv4: choose the route in the Egress step.",
)
_ROWS: dict[int | None, Diagnosis] = {
    UNKNOWN_KEY: _rejected(
        Cause.KEY_UNKNOWN,
        "The exchange does not know this key",
        "Users report this code for keys that were deleted, never existed or belong to another site."
        " The exchange's list of codes does not name it.",
        "Was this key made on {site}? If so, check on the exchange's page that it still exists.",
    ),
    MALFORMED_KEY: _rejected(
        Cause.MALFORMED_KEY,
        "The API key is malformed",
        "The code is documented for an API key of the wrong form. The usual cause is a slip in copying.",
        "Copy the API key again. If it looks right, the API key and the secret may be in each other's place.",
    ),
    WRONG_SIGNATURE: _rejected(
        Cause.WRONG_SIGNATURE,
        "The signature is wrong",
        "The exchange seems to know the key, but what signed the call does not belong to it.",
        "Enter the secret that was shown together with this API key. For an Ed25519 or RSA key, check that its"
        " public key is the one on the exchange's page.",
    ),
    -1002: _rejected(
        Cause.PERMISSION_OR_KEY,
        "The key is not authorized for this call",
        "The code is documented as “not authorized to execute this request”.",
        "Was this key made on {site}? If so, check its permissions on the exchange's page.",
    ),
    -2017: _rejected(
        Cause.PERMISSION_OR_KEY,
        "The API keys of this account are locked",
        "The code is documented, for futures, as “API Keys are locked on this account”.",
        "Log in to the exchange's web page and see what it asks for.",
    ),
    -71012: _IPV6,
    **dict.fromkeys((-1000, -1001, -1006, -1007, -1008, -1016), _SERVER_FAULT),
    **dict.fromkeys((-1020, -1131, -1194, *range(-1108, -1099)), _BAD_REQUEST),
}
"""One row for each code that needs no further comparison (docs/binance.md)."""
_UNLISTED = _inconclusive(
    Cause.UNKNOWN,
    "The exchange refused the call with a code that the wizard does not know",
    "It is not known whether the key was judged.",
    "Look the code up in the exchange's list of codes, then try again.",
)


def _accepted(known: Circumstances) -> Diagnosis:
    why = f"A signed call on {SURFACES[known.surface]} of {known.site.name} was answered"
    why += f"; this host's egress address is {known.egress}." if known.egress else "."
    advice = ""
    if known.lists(known.egress) is False:
        why += " That address is not in the whitelist as it is known here."
        advice = "Compare the list on the exchange's page: it is another one, or the key is not restricted."
    what = "The exchange accepted this key"
    return Diagnosis(CallOutcome.ACCEPTED, Cause.NONE, what, why, advice)


def _by_code(error: ExchangeError, known: Circumstances) -> Diagnosis:
    row = _ROWS.get(error.exchange_code, _UNLISTED)
    if error.exchange_code == ILLEGAL_CHARACTERS and "parameter 'ip'" in error.message:
        row = _IPV6
    why = f"{error.why} {row.why}"
    if error.exchange_code == UNKNOWN_KEY and known.surface != "sapi":
        why += " It is reported on /sapi only, and this was another call."
    return replace(row, why=why, advice=row.advice.format(site=known.site.name))


def _wrong_time(known: Circumstances) -> Diagnosis:
    why = "Code -1021 means that the request's time was outside of what the exchange accepts."
    advice = "Set this host's clock by NTP. Do not raise recvWindow."
    if known.skew is None:
        why += " How far this host's clock is off has not been measured yet."
    else:
        why += f" {known.skew.sentence()}"
        if known.skew.is_good:
            advice = "The clock is right now: the request was held up on its way, or the clock has jumped. Try again."
    what = "The exchange refused the time of the request"
    return _inconclusive(Cause.CLOCK, what, why, advice)


def _order_rate_limit(known: Circumstances) -> Diagnosis:
    """Return what -1015 means, the order rate limit (CONFIRMED): the address is compared anyway."""
    why = "Code -1015 is documented as the order rate limit. Some sources report it after a change of address."
    if known.lists(known.egress) is False:
        return _inconclusive(
            Cause.ADDRESS,
            "The exchange answered with its order rate limit, but this address is not on the whitelist",
            f"{why} {known.egress} is not in the whitelist.",
            f"Add {known.egress} to the key's whitelist on the exchange's page, then ask again.",
        )
    return _inconclusive(
        Cause.ORDER_RATE_LIMIT,
        "The account sends too many orders",
        f"{why} {_comparison(known)}",
        "Let the software that sends orders pause, then ask again.",
    )


_ONE_TEXT = "Code -2015 has one text for an unknown key, an address that is not listed and a missing permission."


def _key_refused(named: IPv4Address | None, known: Circumstances) -> Diagnosis:
    """Return what -2015 means. The order of these comparisons tells its causes apart.

    Args:
        named: The address that this refusal names. It goes before what the echo services see.
        known: See `diagnose`.
    """
    if named is not None and known.lists(named) is False:
        return _address_named(named, known, "With -2015 the exchange")
    seen = named or known.egress
    listed = known.lists(seen)
    elsewhere = known.seen_as if known.lists(known.seen_as) is False else None
    if elsewhere and not (listed and known.control_accepted):
        return _address_named(elsewhere, known, "With the same -2015 the futures host")
    if listed is False:
        return _rejected(
            Cause.ADDRESS,
            "The key is refused, most likely because of the address",
            f"This host's egress address {known.egress} is not in the whitelist. {_ONE_TEXT}",
            f"Add {known.egress} to the key's whitelist on the exchange's page, or call from a listed address.",
        )
    if listed and known.control_accepted:
        return _key_or_permission(seen, elsewhere, known)
    return _not_yet_visible(named or known.seen_as, known)


def _address_named(address: IPv4Address, known: Circumstances, who: str) -> Diagnosis:
    advice = f"Add {address} to the key's whitelist on the exchange's page, or call from a listed address."
    if known.egress not in (None, address):
        advice = (
            f"Echo services see {known.egress}. Find out whose address {address} is before you list it: another"
            " route, a proxy, or a machine of the exchange's own."
        )
    return _rejected(
        Cause.ADDRESS,
        "This address is not on the key's whitelist",
        f"{who} named the address that it saw, {address}, and {address} is not in the whitelist."
        " (That it names it is reported by users, not documented.)",
        advice,
    )


def _key_or_permission(address: IPv4Address | None, elsewhere: IPv4Address | None, known: Circumstances) -> Diagnosis:
    routes = ""
    if elsewhere:
        routes = f" Or the calls leave by two routes: the futures host saw {elsewhere}, which is not in the whitelist."
    return _rejected(
        Cause.PERMISSION_OR_KEY,
        "The key is refused although this address is in its whitelist",
        f"{address} is in the whitelist, and the other key was accepted from here in the same minute. {_ONE_TEXT}"
        f" So it is the key itself, one of its permissions, or a list that does not count yet.{routes}",
        f"{_site_first(known)} Then check that the key still exists, that the list on the page is saved,"
        " and that the permissions are on. A list saved a moment ago may need a few minutes (reported).",
    )


def _not_yet_visible(address: IPv4Address | None, known: Circumstances) -> Diagnosis:
    other = "The other key is refused from here as well. " if known.control_accepted is False else ""
    named = f"The exchange saw {address}. " if address else ""
    return _rejected(
        Cause.NOT_YET_VISIBLE,
        "The key is refused, and what was observed does not say why",
        f"{_ONE_TEXT} {named}{other}{_comparison(known)}",
        f"{_site_first(known)} A new key or list may need a few minutes (reported, not documented):"
        " ask again until then.",
    )


def _comparison(known: Circumstances) -> str:
    if known.egress is None:
        return "The egress address is not known yet."
    listed = known.lists(known.egress)
    if listed is None:
        return "The key's whitelist is not known, so the address could not be compared."
    return f"{known.egress} is {'in' if listed else 'not in'} the whitelist."


def _site_first(known: Circumstances) -> str:
    return f"Was this key made on {known.site.name}? A key of another site is refused in the same words."
