"""The death of a legacy key is graded from pairs of observations alone."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from wizard.rotation.model import Grade
from wizard.rotation.retirement import Poll, covers, judge_death

HERE = "203.0.113.42"
BASELINE = HERE


def poll(code: int | None = -2008, *, legacy: bool = False, control: bool = True, address: str = HERE) -> Poll:
    said = "what the exchange said", control, "what it said to the other"
    return Poll(100.0, legacy, code, *said, address, is_first=False, is_spaced=True, is_covered=True)


DEAD = poll(-2008)
REFUSED = poll(-2015)
ALIVE = poll(None, legacy=True)
SILENT = poll(None)
ELSEWHERE = poll(-2015, address="203.0.113.77")
UNSEEN = poll(-2015, address="")
UNPAIRED = poll(-2008, control=False)
HURRIED = replace(DEAD, is_spaced=False)
FIRST = replace(DEAD, is_first=True, is_spaced=False)
"""The first poll of a run."""
UNCOVERED = replace(REFUSED, is_covered=False)
"""The current key's list may have an address that the legacy key's lacks."""


@pytest.mark.parametrize(
    ("polls", "baseline", "grade"),
    [
        ([], BASELINE, Grade.INCONCLUSIVE),
        ([DEAD], BASELINE, Grade.INCONCLUSIVE),
        ([DEAD, DEAD], BASELINE, Grade.INCONCLUSIVE),
        ([DEAD, DEAD, DEAD], BASELINE, Grade.PROVEN),
        ([REFUSED, REFUSED, REFUSED], BASELINE, Grade.STRONG),
        ([DEAD, REFUSED, DEAD], BASELINE, Grade.STRONG),
        ([REFUSED, DEAD, DEAD, DEAD], BASELINE, Grade.PROVEN),
        ([DEAD, DEAD, DEAD], None, Grade.WEAK),
        ([DEAD, DEAD, DEAD, ALIVE], BASELINE, Grade.ALIVE),
        ([DEAD, ALIVE, DEAD, DEAD], BASELINE, Grade.INCONCLUSIVE),
        ([DEAD, DEAD, SILENT], BASELINE, Grade.INCONCLUSIVE),
        ([DEAD, DEAD, UNPAIRED], BASELINE, Grade.INCONCLUSIVE),
        ([UNPAIRED, UNPAIRED, UNPAIRED], BASELINE, Grade.INCONCLUSIVE),
        ([SILENT, SILENT, SILENT], BASELINE, Grade.INCONCLUSIVE),
        ([ELSEWHERE, ELSEWHERE, ELSEWHERE], BASELINE, Grade.WEAK),
        ([REFUSED, REFUSED, ELSEWHERE], BASELINE, Grade.WEAK),
        ([ELSEWHERE, REFUSED, REFUSED, REFUSED], BASELINE, Grade.WEAK),
        ([UNSEEN, UNSEEN, UNSEEN], BASELINE, Grade.WEAK),
        ([REFUSED, REFUSED, REFUSED], "", Grade.WEAK),
        ([REFUSED, UNCOVERED, REFUSED], BASELINE, Grade.WEAK),
        ([replace(DEAD, is_covered=False)] * 3, BASELINE, Grade.PROVEN),
        ([replace(DEAD, is_covered=False), DEAD, UNCOVERED], BASELINE, Grade.WEAK),
        ([REFUSED, ALIVE, REFUSED, REFUSED, REFUSED], BASELINE, Grade.WEAK),
        ([DEAD, ALIVE, DEAD, DEAD, DEAD], BASELINE, Grade.WEAK),
        ([REFUSED, ALIVE, DEAD, DEAD, DEAD], BASELINE, Grade.PROVEN),
        ([UNPAIRED, ALIVE, DEAD, DEAD, DEAD], BASELINE, Grade.PROVEN),
        ([DEAD, HURRIED, HURRIED, HURRIED], BASELINE, Grade.INCONCLUSIVE),
        ([DEAD, DEAD, HURRIED], BASELINE, Grade.INCONCLUSIVE),
        ([DEAD, HURRIED, DEAD, HURRIED, DEAD, HURRIED], BASELINE, Grade.PROVEN),
        ([DEAD, DEAD, DEAD, replace(REFUSED, is_spaced=False)], BASELINE, Grade.STRONG),
        ([DEAD, DEAD, DEAD, replace(ALIVE, is_spaced=False)], BASELINE, Grade.ALIVE),
        ([DEAD, DEAD, replace(SILENT, is_spaced=False), DEAD], BASELINE, Grade.INCONCLUSIVE),
        ([FIRST, DEAD, DEAD], BASELINE, Grade.PROVEN),
        ([DEAD, DEAD, FIRST], BASELINE, Grade.INCONCLUSIVE),
        ([DEAD, DEAD, DEAD, FIRST, DEAD], BASELINE, Grade.INCONCLUSIVE),
        ([poll(-1022), poll(-1022), poll(-1022)], BASELINE, Grade.ALIVE),
        ([poll(-2014), poll(-2014), poll(-2014)], BASELINE, Grade.INCONCLUSIVE),
        ([poll(-1021), poll(-1021), poll(-1021)], BASELINE, Grade.INCONCLUSIVE),
        ([poll(-1003), poll(-1003), poll(-1003)], BASELINE, Grade.INCONCLUSIVE),
    ],
)
def test_the_grade_follows_from_the_polls(polls: list[Poll], baseline: str | None, grade: Grade) -> None:
    assert judge_death(polls, baseline).grade is grade


@pytest.mark.parametrize("grade_polls", [[ALIVE], [DEAD], [SILENT] * 3, [UNPAIRED] * 3, [ELSEWHERE] * 3])
def test_nothing_short_of_three_paired_refusals_allows_a_purge(grade_polls: list[Poll]) -> None:
    assert not judge_death(grade_polls, BASELINE).allows_purge


def test_a_key_that_never_worked_from_here_is_not_purged_without_a_word() -> None:
    death = judge_death([DEAD] * 3, None)
    assert not death.allows_purge
    assert "before you deleted it" in death.does_not_prove


@pytest.mark.parametrize(
    ("polls", "grade"),
    [
        ([DEAD, DEAD, DEAD], Grade.PROVEN),
        ([ELSEWHERE, ELSEWHERE, DEAD, DEAD, DEAD], Grade.PROVEN),  # refused for the address until it was deleted
        ([DEAD, DEAD, ELSEWHERE, DEAD], Grade.WEAK),
        ([DEAD, DEAD, DEAD, replace(ELSEWHERE, is_spaced=False)], Grade.WEAK),
        ([REFUSED, REFUSED, REFUSED], Grade.WEAK),
        ([replace(DEAD, is_on_sapi=False)] * 3, Grade.WEAK),
        ([DEAD, ALIVE, DEAD, DEAD, DEAD], Grade.WEAK),
        ([DEAD, DEAD, UNPAIRED], Grade.INCONCLUSIVE),
    ],
)
def test_a_key_that_worked_in_an_earlier_job_is_proven_dead_by_nothing_but_an_unknown_key(
    polls: list[Poll], grade: Grade
) -> None:
    assert judge_death(polls, None, worked_before=True).grade is grade


def test_a_strong_grade_says_that_a_disabled_key_looks_the_same() -> None:
    assert "disabled" in judge_death([REFUSED] * 3, BASELINE).does_not_prove


def test_a_strong_grade_says_that_the_exchange_may_see_another_address() -> None:
    assert "lacks the address that Binance sees" in judge_death([REFUSED] * 3, BASELINE).does_not_prove


@pytest.mark.parametrize(
    ("legacy", "current", "is_so"),
    [
        ("203.0.113.42/32", "203.0.113.42/32", True),
        ("203.0.113.0/25 203.0.113.128/25", "203.0.113.0/24", True),
        ("203.0.113.42/32 198.51.100.7/32", "198.51.100.7/32", True),
        ("203.0.113.42/32", "203.0.113.42/32 203.0.113.92/32", False),
        ("203.0.113.42/32", "203.0.113.0/24", False),
        ("", "203.0.113.42/32", False),
        ("203.0.113.42/32", "", False),
        ("", "", False),
    ],
)
def test_a_list_covers_another_only_where_both_are_known(legacy: str, current: str, is_so: bool) -> None:
    assert covers(*([IPv4Network(each) for each in text.split()] for text in (legacy, current))) is is_so
