"""The clock's offset: the best sample, its bound, and what it is called."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.exchange.fake_exchange import FakeExchange, answer, server_time
from wizard.exchange.errors import ExchangeError
from wizard.exchange.responses import ServerTime
from wizard.exchange.skew import ClockSkew, measure_skew


class FakeTimes:
    """Tells the given samples, one after the other."""

    def __init__(self, *samples: ServerTime) -> None:
        self._samples: Iterator[ServerTime] = iter(samples)

    async def server_time(self) -> ServerTime:
        return next(self._samples)


def sample(offset_ms: float, there_ms: float, back_ms: float) -> ServerTime:
    """A question sent at 1000 s, on a path that is `there_ms` long one way and `back_ms` the other."""
    return ServerTime(1_000_000 + there_ms + offset_ms, there_ms + back_ms, 1000.0)


async def test_the_shortest_round_trip_decides_and_the_opening_call_does_not_count() -> None:
    opening = sample(500, 1, 1)
    times = FakeTimes(opening, sample(500, 200, 20), sample(500, 20, 20), sample(500, 90, 20))
    skew = await measure_skew(times.server_time, 3)
    assert skew == ClockSkew(offset_ms=500.0, error_ms=20.0, samples=3)


async def test_unequal_ways_stay_within_the_bound() -> None:
    skew = await measure_skew(FakeTimes(*[sample(-300, 140, 20)] * 6).server_time)
    assert skew.offset_ms != -300
    assert abs(skew.offset_ms - -300) <= skew.error_ms


@pytest.mark.parametrize("ahead_ms", [0.0, 1234.5, -90_000.0])
async def test_over_a_real_connection_the_true_offset_lies_within_the_bound(ahead_ms: float) -> None:
    async with FakeExchange(server_time(ahead_ms)) as fake, fake.client(clock=time.time) as client:
        skew = await measure_skew(client.server_time)
    assert abs(skew.offset_ms - ahead_ms) <= skew.error_ms + 0.01
    assert fake.connections == 1
    assert len(fake.seen) == 6


async def test_whole_milliseconds_are_read_as_the_middle_of_one() -> None:
    async with FakeExchange(answer(200, {"serverTime": 1_790_000_000_000})) as fake, fake.client() as client:
        told = await client.server_time()
    assert told.epoch_ms == 1_790_000_000_000.5


async def test_a_ban_ends_the_measurement_at_once() -> None:
    async with FakeExchange(answer(429, {"code": -1003}, Retry_After="7")) as fake, fake.client() as client:
        with pytest.raises(ExchangeError, match="slow down"):
            await measure_skew(client.server_time)
    assert len(fake.seen) == 1


@pytest.mark.parametrize(
    ("offset_ms", "error_ms", "is_good", "is_bad"),
    [
        (0, 249, True, False),
        (-200, 49, True, False),
        (200, 50, False, False),
        (-700, 99, False, False),
        (700, 100, False, True),
        (0, 900, False, True),
    ],
)
def test_a_clock_is_judged_by_the_worst_that_the_bound_allows(
    offset_ms: float, error_ms: float, is_good: bool, is_bad: bool
) -> None:
    skew = ClockSkew(offset_ms, error_ms, 5)
    assert (skew.is_good, skew.is_bad) == (is_good, is_bad)


@pytest.mark.parametrize(
    ("offset_ms", "sentence"),
    [
        (1234.0, "This host's clock is 1.2 s slow, compared with Binance's (± 20 ms, best of 5)."),
        (-90.0, "This host's clock is 90 ms fast, compared with Binance's (± 20 ms, best of 5)."),
        (12.0, "This host's clock agrees with Binance's (± 20 ms, best of 5)."),
    ],
)
def test_the_sentence_names_direction_and_bound(offset_ms: float, sentence: str) -> None:
    assert ClockSkew(offset_ms, 20.0, 5).sentence() == sentence
