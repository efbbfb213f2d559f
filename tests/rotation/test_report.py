"""The report for people: rows, what is left, and Markdown. It claims no more than was seen."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from wizard.core.credentials import KeyName
from wizard.rotation.model import Grade
from wizard.rotation.report import Report, restore_report

REPORT = Report(
    environment="production",
    rotation=3,
    started_at=1_800_000_000.0,
    finished_at=1_800_000_153.0,
    current=KeyName("a" * 12, "C7zq"),
    current_store="GNOME Keyring",
    whitelist="203.0.113.42,198.51.100.7",
    egress="203.0.113.42",
    legacy=KeyName("b" * 12, "0L94"),
    grade=Grade.PROVEN,
    proof="Binance no longer knows the legacy key.",
    does_not_prove="that nobody copied the key while it worked",
    overlap_seconds=26.0,
    still_held=("~/bot/a_b|c.env, lines 3, 4",),
    not_looked_at=("the usual files could not be read within 5 s",),
)


def test_a_proven_death_is_said_with_what_is_not_proven() -> None:
    assert REPORT.verdict == "…C7zq replaced …0L94. The legacy key is dead and its secret is deleted."
    assert REPORT.rows() == (
        ("New key", "…C7zq, in GNOME Keyring"),
        ("Whitelist", "203.0.113.42, 198.51.100.7"),
        ("Proven from", "203.0.113.42"),
        ("Legacy key", "…0L94. Binance no longer knows the legacy key. The secret of …0L94 is no longer stored."),
        ("Both alive", "26 s"),
        ("Not proven", "that nobody copied the key while it worked"),
        ("Not proven", "that the key works from 198.51.100.7"),
    )


@pytest.mark.parametrize("grade", [Grade.STRONG, Grade.WEAK])
def test_a_death_that_is_not_proven_is_not_claimed_and_left_to_be_looked_up(grade: Grade) -> None:
    report = replace(REPORT, grade=grade)
    assert "is dead and" not in report.verdict
    assert report.left[0] == "Check on Binance that …0L94 is deleted."
    assert dict(report.rows())["Both alive"] == ("26 s" if grade is Grade.STRONG else "at least 26 s")
    assert "Check on Binance" not in " ".join(REPORT.left)


def test_what_still_holds_the_legacy_key_and_what_comes_next_is_named() -> None:
    assert REPORT.left == (
        "The legacy key is still in ~/bot/a_b|c.env, lines 3, 4. Remove it there.",
        "Look for the legacy key yourself. The usual files could not be read within 5 s.",
    )
    assert dict(REPORT.from_now_on)["Run your bot"] == "key-wizard exec production -- python bot.py"


def test_a_first_key_has_no_legacy_key_and_nothing_to_look_up() -> None:
    report = replace(REPORT, legacy=None, grade=None, still_held=(), not_looked_at=())
    assert report.verdict == "…C7zq is stored and works from here."
    assert not report.left
    assert not {"Legacy key", "Both alive"} & dict(report.rows()).keys()


def test_markdown_shows_names_as_they_are_and_no_more_than_the_last_four_of_a_key() -> None:
    text = REPORT.markdown()
    assert "| New key | …C7zq, in GNOME Keyring |" in text
    assert r"- The legacy key is still in ~/bot/a\_b\|c.env, lines 3, 4. Remove it there." in text
    assert "    key-wizard check production\n" in text
    assert "a" * 12 not in text


def test_a_report_comes_back_from_the_journal_as_it_was() -> None:
    kept = asdict(REPORT)
    assert restore_report(kept) == REPORT
    assert restore_report({**kept, "whitelist": "nonsense"}) is None
    assert restore_report({**kept, "finished_at": "nonsense"}) is None
