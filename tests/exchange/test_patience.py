"""When to ask again about a key that is refused, and when it is of no use."""

from __future__ import annotations

import pytest

from wizard.exchange.errors import ExchangeError, FirewallBlocked, LocationRestricted, Refused, ServerFault, SlowDown
from wizard.exchange.outcomes import Context
from wizard.exchange.patience import SLOWEST, may_heal, pause_before_next
from wizard.exchange.verdicts import judge

CONTEXT = Context("sapi", None, None, None, None, "binance.com")


@pytest.mark.parametrize(
    ("error", "heals"),
    [
        (Refused(-2015, "", 400), True),
        (Refused(-2008, "", 400), True),
        (SlowDown(5.0, 429), True),
        (FirewallBlocked(), True),
        (Refused(-1022, "", 400), False),
        (Refused(-2014, "", 401), False),
        (Refused(-1021, "", 400), False),
        (LocationRestricted(), False),
        (None, False),
    ],
)
def test_waiting_is_offered_only_where_time_can_help(error: ExchangeError | None, heals: bool) -> None:
    assert may_heal(judge(error, CONTEXT)) is heals


def test_questions_become_rarer_and_never_rarer_than_once_a_minute() -> None:
    pauses = [pause_before_next(questions, None, 10.0) for questions in range(1, 12)]
    assert pauses == sorted(pauses)
    assert pauses[0] == 10.0
    assert pauses[-1] == SLOWEST
    # Weight 1 each: a quarter of an hour of waiting costs less than one account call.
    assert sum(pauses[:11]) > 400


def test_the_exchanges_own_time_is_obeyed_where_it_is_longer() -> None:
    assert pause_before_next(1, SlowDown(90.0, 429), 10.0) == 90.0
    assert pause_before_next(1, SlowDown(2.0, 429), 10.0) == 10.0
    assert pause_before_next(1, SlowDown(None, 429), 10.0) == 10.0


def test_nothing_is_asked_before_the_time_that_the_advice_names() -> None:
    assert pause_before_next(1, SlowDown(None, 418), 10.0) == 120.0
    assert pause_before_next(1, FirewallBlocked(), 10.0) == 300.0
    assert pause_before_next(1, ServerFault(503, None), 1.0) == 10.0
    assert pause_before_next(100_000, None, 10.0) == 60.0
