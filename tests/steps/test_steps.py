"""What both faces offer and ask follows from where things stand, not from the face."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from wizard.core.credentials import KeyName
from wizard.rotation.model import Grade
from wizard.rotation.retirement import Death
from wizard.steps import retire
from wizard.steps.retire import BOTS, purging


def retiring(grade: Grade, *, is_production: bool = False, last_four: str = "0L94") -> Any:
    death = Death(grade, 3, "The legacy key is refused.", "that it is deleted")
    legacy = SimpleNamespace(name=KeyName("0123456789ab", last_four), store="the keyring")
    return SimpleNamespace(
        retire=SimpleNamespace(
            legacy=legacy, death=lambda: death, unused=(), bots_left=(), done=lambda: frozenset({BOTS})
        ),
        context=SimpleNamespace(environment=SimpleNamespace(is_production=is_production, bots=(), targets=())),
        deliveries=SimpleNamespace(due=()),
    )


@pytest.mark.parametrize(
    ("grade", "is_production", "word"),
    [
        (Grade.PROVEN, False, "delete"),
        (Grade.PROVEN, True, "0L94"),
        (Grade.STRONG, False, "0L94"),
        (Grade.WEAK, False, "0L94"),
        (Grade.WEAK, True, "0L94"),
    ],
)
def test_a_purge_asks_for_the_last_four_in_production_and_where_death_is_not_proven(
    grade: Grade, is_production: bool, word: str
) -> None:
    consent = purging(retiring(grade, is_production=is_production))
    assert consent is not None
    assert consent.word == word
    assert "You cannot undo this." in consent.text
    assert ("Not proven: that it is deleted." in consent.text) is (grade is not Grade.PROVEN)


@pytest.mark.parametrize("grade", [Grade.ALIVE, Grade.INCONCLUSIVE])
def test_no_purge_is_asked_for_while_the_legacy_key_may_live(grade: Grade) -> None:
    assert purging(retiring(grade)) is None


def test_a_purge_never_goes_without_a_word() -> None:
    consent = purging(retiring(Grade.WEAK, last_four=""))
    assert consent is not None
    assert consent.word


@pytest.mark.parametrize(
    ("grade", "typed", "last_four", "given"),
    [
        (Grade.PROVEN, "delete", "0L94", None),
        (Grade.STRONG, "0L94", "0L94", None),
        (Grade.WEAK, "0L94", "0L94", "0L94"),
        (Grade.WEAK, "delete", "", ""),
        # A poll beside the question: death was proven when it was asked.
        (Grade.WEAK, "delete", "0L94", None),
    ],
)
def test_a_key_is_given_up_only_where_its_last_four_were_typed(
    grade: Grade, typed: str, last_four: str, given: str | None
) -> None:
    flow = retiring(grade, last_four=last_four)
    flow.purge = lambda last_four=None: last_four
    passed: Any = retire.delete_secret(flow, typed)
    assert passed == given
