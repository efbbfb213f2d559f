"""Is it worth asking again, and when? For a whitelist that does not count yet. Pure.

How long a saved list takes to count is not documented; users report one or two minutes
(docs/binance.md). So: the call of weight 1, slowly, and `Retry-After` obeyed.
"""

from __future__ import annotations

from wizard.exchange.errors import ExchangeError, FirewallBlocked, ServerFault, SlowDown
from wizard.exchange.outcomes import Cause, Verdict

AFTER_A_BAN = 120.0
"""Seconds after 418 without a time: bans begin at two minutes (CONFIRMED, rest-api.md)."""
AFTER_THE_FIREWALL = 300.0
"""Seconds after 403: five minutes (CONFIRMED for the limits of the web application firewall)."""
AFTER_A_FAULT = 10.0
"""Seconds after a fault of the exchange's own."""
BANNED = 418
SLOWEST = 60.0
"""Seconds between two questions at the most, unless the exchange asks for more."""

_MOST_STEPS = 40
"""Beyond which the pause does not grow: the power would not end in a number."""
_TIME_HEALS = frozenset(
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


def may_heal(verdict: Verdict) -> bool:
    """Return whether the same question may be answered otherwise later, with nothing changed on this side."""
    return verdict.cause in _TIME_HEALS


def pause_before_next(questions: int, error: ExchangeError | None, first: float) -> float:
    """Return for how many seconds to wait after so many questions.

    Args:
        questions: How many were asked, at least one.
        error: How the last one failed; it may name a time of its own.
        first: The pause after the first question; each is half as long again as the one before.
    """
    pause = min(first * 1.5 ** min(questions - 1, _MOST_STEPS), SLOWEST)
    return max(pause, least_pause(error))


def least_pause(error: ExchangeError | None) -> float:
    """Return for how many seconds nothing may be asked after `error`, however impatient the user is."""
    if isinstance(error, SlowDown):
        return error.retry_after or (AFTER_A_BAN if error.status == BANNED else 0.0)
    if isinstance(error, FirewallBlocked):
        return AFTER_THE_FIREWALL
    return AFTER_A_FAULT if isinstance(error, ServerFault) else 0.0
