"""What an answer means for the key: the table in docs/binance.md. Pure, and free of HTTP.

The JSON code decides, never the HTTP status alone. Every verdict but `accepted` and `rejected` is
inconclusive: anything that is not a signed refusal says nothing about the key.
"""

from __future__ import annotations

from dataclasses import dataclass

from wizard.exchange import triage
from wizard.exchange.errors import (
    AnswerUnreadable,
    ApiKeyUnsendable,
    ExchangeError,
    FirewallBlocked,
    LocationRestricted,
    Refused,
    ServerFault,
    SlowDown,
    Unreachable,
)
from wizard.exchange.outcomes import SURFACES, Cause, Certainty, Context, Outcome, Verdict
from wizard.exchange.patience import least_pause
from wizard.exchange.skew import Grade

__all__ = ["Cause", "Certainty", "Context", "Outcome", "Verdict", "judge"]

UNKNOWN_KEY = -2008
WRONG_TIME = -1021


@dataclass(frozen=True, slots=True)
class _Row:
    outcome: Outcome
    cause: Cause
    certainty: Certainty
    what: str
    why: str
    advice: str


_AGAIN = "Try again in a minute."
_SERVER_FAULT = _Row(
    Outcome.INCONCLUSIVE,
    Cause.SERVER_FAULT,
    Certainty.CERTAIN,
    "The exchange has a fault of its own",
    "The code is documented as a fault or an overload of its servers. The key was not judged.",
    _AGAIN,
)
_BAD_REQUEST = _Row(
    Outcome.INCONCLUSIVE,
    Cause.REQUEST,
    Certainty.LIKELY,
    "The exchange did not accept the form of the request",
    "The code is documented for parameters that are missing, unknown or malformed. The key was not judged.",
    "Check that this site is the right one. If it is, this is a defect of the wizard: please report it.",
)
_IPV6 = _Row(
    Outcome.INCONCLUSIVE,
    Cause.IPV6,
    Certainty.LIKELY,
    "The exchange refuses calls over IPv6",
    "The code is reported for Binance.US when the caller's address is IPv6.",
    "Call over IPv4: choose the route in the Egress step.",
)

_ROWS: dict[int, _Row] = {
    UNKNOWN_KEY: _Row(
        Outcome.REJECTED,
        Cause.KEY_UNKNOWN,
        Certainty.LIKELY,
        "The exchange does not know this key",
        "Users report this code for keys that were deleted, never existed or belong to another site."
        " The exchange's list of codes does not name it.",
        "Was this key made on {site}? If so, check on the exchange's page that it still exists.",
    ),
    -2014: _Row(
        Outcome.REJECTED,
        Cause.MALFORMED_KEY,
        Certainty.CERTAIN,
        "The API key is malformed",
        "The code is documented for an API key of the wrong form. The usual cause is a slip in copying.",
        "Copy the API key again. If it looks right, the API key and the secret may be in each other's place.",
    ),
    -1022: _Row(
        Outcome.REJECTED,
        Cause.WRONG_SIGNATURE,
        Certainty.LIKELY,
        "The signature is wrong",
        "The exchange seems to know the key, but what signed the call does not belong to it.",
        "Enter the secret that was shown together with this API key. For an Ed25519 or RSA key, check that its"
        " public key is the one on the exchange's page.",
    ),
    -1002: _Row(
        Outcome.REJECTED,
        Cause.PERMISSION_OR_KEY,
        Certainty.LIKELY,
        "The key is not authorized for this call",
        "The code is documented as “not authorized to execute this request”.",
        "Was this key made on {site}? If so, check its permissions on the exchange's page.",
    ),
    -2017: _Row(
        Outcome.REJECTED,
        Cause.PERMISSION_OR_KEY,
        Certainty.CERTAIN,
        "The API keys of this account are locked",
        "The code is documented, for futures, as “API Keys are locked on this account”.",
        "Log in to the exchange's web page and see what it asks for.",
    ),
    -71012: _IPV6,
    **dict.fromkeys((-1000, -1001, -1006, -1007, -1008, -1016), _SERVER_FAULT),
    **dict.fromkeys((-1020, -1131, -1194, *range(-1108, -1099)), _BAD_REQUEST),
}
"""One row for each code that needs no further comparison (docs/binance.md)."""

_UNLISTED = _Row(
    Outcome.INCONCLUSIVE,
    Cause.UNKNOWN,
    Certainty.UNKNOWN,
    "The exchange refused the call with a code that the wizard does not know",
    "It is not known whether the key was judged.",
    "Look the code up in the exchange's list of codes, then try again.",
)

_BY_TYPE: dict[type[ExchangeError], tuple[Cause, Certainty]] = {
    SlowDown: (Cause.RATE_LIMIT, Certainty.CERTAIN),
    FirewallBlocked: (Cause.FIREWALL, Certainty.LIKELY),
    LocationRestricted: (Cause.LOCATION, Certainty.CERTAIN),
    ServerFault: (Cause.SERVER_FAULT, Certainty.CERTAIN),
    Unreachable: (Cause.NETWORK, Certainty.CERTAIN),
    AnswerUnreadable: (Cause.UNREADABLE_ANSWER, Certainty.CERTAIN),
    ApiKeyUnsendable: (Cause.MALFORMED_KEY, Certainty.CERTAIN),
}


def judge(error: ExchangeError | None, context: Context) -> Verdict:
    """Return what the end of one signed call means for its key.

    Args:
        error: How the call failed; None when it was answered.
        context: What else is known: the address, the whitelist, the other key, the clock.
    """
    if error is None:
        return _accepted(context)
    if isinstance(error, (Refused, SlowDown)) and error.exchange_code == triage.TOO_MANY_ORDERS:
        return triage.order_rate_limit(error, context)
    if isinstance(error, Refused):
        return _refused(error, context)
    cause, certainty = _BY_TYPE.get(type(error), (Cause.UNKNOWN, Certainty.UNKNOWN))
    code = error.exchange_code if isinstance(error, (SlowDown, ServerFault)) else None
    return Verdict(
        Outcome.INCONCLUSIVE, cause, certainty, error.what, error.why, error.advice, code, least_pause(error)
    )


def _accepted(context: Context) -> Verdict:
    why = f"A signed call on {SURFACES[context.surface]} of {context.site} was answered"
    why += f"; this host's egress address is {context.egress}." if context.egress else "."
    advice = ""
    if context.lists(context.egress) is False:
        why += " That address is not in the whitelist as it is known here."
        advice = "Compare the list on the exchange's page: it is another one, or the key is not restricted."
    what = "The exchange accepted this key"
    return Verdict(Outcome.ACCEPTED, Cause.NONE, Certainty.CERTAIN, what, why, advice)


def _refused(error: Refused, context: Context) -> Verdict:
    if error.exchange_code == triage.REFUSED:
        return triage.refused(error, context)
    if error.exchange_code == WRONG_TIME:
        return _wrong_time(context)
    row = _ROWS.get(error.exchange_code, _UNLISTED)
    off_surface = error.exchange_code == UNKNOWN_KEY and context.surface != "sapi"
    return Verdict(
        row.outcome,
        row.cause,
        Certainty.UNKNOWN if off_surface else row.certainty,
        row.what,
        f"{error.why} {row.why}" + (" It is reported on /sapi only, and this was another call." if off_surface else ""),
        row.advice.format(site=context.site),
        error.exchange_code,
    )


def _wrong_time(context: Context) -> Verdict:
    why = "Code -1021 means that the request's time was outside of what the exchange accepts."
    advice = "Set this host's clock by NTP. Do not raise recvWindow."
    if context.skew is None:
        why += " How far this host's clock is off has not been measured yet."
    else:
        why += f" {context.skew.sentence()}"
        if context.skew.grade is Grade.GOOD:
            advice = "The clock is right now: the request was held up on its way, or the clock has jumped. Try again."
    return Verdict(
        Outcome.INCONCLUSIVE,
        Cause.CLOCK,
        Certainty.CERTAIN,
        "The exchange refused the time of the request",
        why,
        advice,
        WRONG_TIME,
    )
