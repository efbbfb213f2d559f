"""What a record of observations shows, and never more."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from wizard.egress.agreement import EgressState
from wizard.egress.history import STATIC_EGRESS, Observation, describe_history

A, B, C = "203.0.113.42", "198.51.100.7", "192.0.2.1"
DAY = 86400.0
NOON = 1_793_534_400.0  # 2026-11-01 12:00 UTC


def seen(day: float, *addresses: str, state: EgressState = EgressState.AGREED) -> Observation:
    return Observation(NOON + day * DAY, state, tuple(map(IPv4Address, addresses)))


def checks(count: int, days: float, address: str = A, begin: float = 0.0) -> list[Observation]:
    return [seen(begin + days * number / (count - 1), address) for number in range(count)]


@pytest.mark.parametrize(
    ("observations", "told"),
    [
        ([], ""),
        ([seen(0, state=EgressState.UNKNOWN)], ""),
        ([seen(0, A)], f"{A} is seen for the first time over this route."),
        (checks(41, 23), "Unchanged in 41 checks over 23 d."),
        (checks(2, 0.25), "Unchanged in 2 checks over 6 h."),
        (checks(2, 0), "Unchanged in 2 checks over less than 1 s."),
        (
            [*checks(3, 2), *checks(4, 9, B, begin=3)],
            f"Changed on 2026-11-04 12:00:00 UTC, from {A} to {B}. Unchanged in the 4 checks since then, over 9 d.",
        ),
        (
            [*checks(3, 2), seen(3, B)],
            f"Changed on 2026-11-04 12:00:00 UTC, from {A} to {B}. There was no check since then.",
        ),
        (
            [seen(0, A), seen(1, B), seen(2, A), seen(3, A)],
            f"Changed 2 times in 3 d and 4 checks, the last time on 2026-11-03 12:00:00 UTC, from {B} to {A}."
            f" Unchanged in the 2 checks since then, over 1 d. {STATIC_EGRESS}",
        ),
    ],
)
def test_each_record_has_its_sentence(observations, told):
    assert describe_history(observations) == told


def test_checks_that_agreed_on_nothing_neither_count_nor_change_anything():
    weak = [
        seen(1, B, state=EgressState.SINGLE),
        seen(2, A, B, state=EgressState.SPLIT),
        seen(3, state=EgressState.UNKNOWN),
    ]

    assert describe_history([seen(0, A), *weak, seen(4, A)]) == "Unchanged in 2 checks over 4 d."
    told = describe_history([seen(0, A), seen(4, A), *weak])
    assert told == "Unchanged in 2 checks over 4 d. The newest check gave no clear answer."


def test_one_operator_that_dissents_makes_no_change():
    dissent = seen(1, A, B, state=EgressState.AGREED_WITH_DISSENT)

    assert describe_history([seen(0, A), dissent]) == "Unchanged in 2 checks over 1 d."


def test_a_pool_that_shows_one_of_its_addresses_has_not_changed():
    pool = [seen(0, A, B, state=EgressState.POOL), seen(1, B), seen(2, A, C, state=EgressState.POOL)]

    told = describe_history(pool)

    assert told == f"A pool of addresses. In 3 checks over 2 d: {B} in 2, {A} in 2, {C} in 1."


def test_a_pool_of_long_ago_is_left_by_a_change():
    assert "Changed on" in describe_history([seen(0, A, B, state=EgressState.POOL), seen(1, C)])


@pytest.mark.parametrize("observations", [checks(41, 23), [seen(0, A), seen(1, B)], [seen(0, A)]])
def test_no_address_is_ever_called_static(observations):
    assert "static" not in describe_history(observations).lower()


def test_a_clock_that_was_set_back_makes_no_negative_span():
    assert describe_history([seen(5, A), seen(0, A)]) == "Unchanged in 2 checks over less than 1 s."
