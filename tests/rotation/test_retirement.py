"""The death of a legacy key is graded from pairs of observations alone."""

from __future__ import annotations

import pytest

from wizard.rotation.model import Grade
from wizard.rotation.retirement import Baseline, Poll, judge_death

HERE = "203.0.113.42"
BASELINE = Baseline(50.0, HERE)


def poll(code: int | None = -2008, *, legacy: bool = False, control: bool = True, address: str = HERE) -> Poll:
    return Poll(100.0, legacy, code, "what the exchange said", control, "what it said to the other", address)


DEAD = poll(-2008)
REFUSED = poll(-2015)
ALIVE = poll(None, legacy=True)
SILENT = poll(None)
ELSEWHERE = poll(-2015, address="203.0.113.77")
UNSEEN = poll(-2015, address="")
UNPAIRED = poll(-2008, control=False)


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
        ([REFUSED, REFUSED, REFUSED], Baseline(50.0, ""), Grade.WEAK),
        ([poll(-1022), poll(-1022), poll(-1022)], BASELINE, Grade.ALIVE),
        ([poll(-2014), poll(-2014), poll(-2014)], BASELINE, Grade.INCONCLUSIVE),
        ([poll(-1021), poll(-1021), poll(-1021)], BASELINE, Grade.INCONCLUSIVE),
        ([poll(-1003), poll(-1003), poll(-1003)], BASELINE, Grade.INCONCLUSIVE),
    ],
)
def test_the_grade_follows_from_the_polls(polls: list[Poll], baseline: Baseline | None, grade: Grade) -> None:
    assert judge_death(polls, baseline).grade is grade


@pytest.mark.parametrize("grade_polls", [[ALIVE], [DEAD], [SILENT] * 3, [UNPAIRED] * 3, [ELSEWHERE] * 3])
def test_nothing_short_of_three_paired_refusals_allows_a_purge(grade_polls: list[Poll]) -> None:
    assert not judge_death(grade_polls, BASELINE).allows_purge


def test_a_key_that_never_worked_from_here_is_not_purged_without_a_word() -> None:
    death = judge_death([DEAD] * 3, None)
    assert not death.allows_purge
    assert "always have been refused" in death.does_not_prove


def test_a_strong_grade_says_that_a_disabled_key_looks_the_same() -> None:
    assert "disabled" in judge_death([REFUSED] * 3, BASELINE).does_not_prove
