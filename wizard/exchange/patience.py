"""Is it worth asking again, and when? For a whitelist that does not count yet. Pure.

How long a saved list takes to count is not documented; users report one or two minutes
(facts/binance.md section 5.6). So: the call of weight 1, slowly, and `Retry-After` obeyed.
"""

from __future__ import annotations

from wizard.exchange.errors import ExchangeError, SlowDown
from wizard.exchange.outcomes import Cause, Verdict

SLOWEST = 60.0
"""Seconds between two questions at the most, unless the exchange asks for more."""

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
    pause = min(first * 1.5 ** (questions - 1), SLOWEST)
    asked_for = error.retry_after if isinstance(error, SlowDown) else None
    return max(pause, asked_for or 0.0)
