"""The summary: what is proven, what is left, and the report in a file of the user's own."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from tests.steps.face import FakeFace, press
from wizard.core.credentials import KeyName
from wizard.core.errors import FileError
from wizard.rotation.model import Grade, Mode, RotationRecord, Step
from wizard.rotation.report import Report
from wizard.steps.summary import SummaryPresenter
from wizard.steps.view import State

REPORT = Report(
    environment="production",
    rotation=3,
    started_at=0.0,
    finished_at=153.0,
    current=KeyName("aaaaaaaaaaaa", "C7zq"),
    current_store="GNOME Keyring",
    whitelist="203.0.113.42,198.51.100.7",
    egress="203.0.113.42",
    legacy=KeyName("bbbbbbbbbbbb", "0L94"),
    grade=Grade.PROVEN,
    proof="Binance refused it three times in a row.",
    does_not_prove="that nobody copied it",
    overlap_seconds=26.0,
    still_held=("~/bot/.env, lines 3 and 4",),
)


def test_what_is_proven_left_and_next_is_said() -> None:
    view = SummaryPresenter(REPORT, FakeFace()).view()
    said = "\n".join(" ".join(row.cells) for row in view.evidence)
    assert (view.state, view.verdict.startswith("…C7zq replaced …0L94.")) == (State.GOOD, True)
    assert "Left for you The legacy key is still in ~/bot/.env, lines 3 and 4." in said
    assert "key-wizard exec production -- python bot.py" in said
    assert "Not proven that the key works from 198.51.100.7" in said


def test_a_key_that_was_given_up_is_no_success_and_has_no_tick() -> None:
    page = SummaryPresenter(replace(REPORT, grade=Grade.WEAK), FakeFace())
    assert page.view().state is State.LOOK
    assert page.progress.skipped == {Step.RETIRE}


async def test_the_report_is_copied_and_saved_for_the_user_alone_and_nothing_is_overwritten(tmp_path: Path) -> None:
    face = FakeFace()
    page = SummaryPresenter(REPORT, face)
    await press(page, "c")
    await page.save(str(tmp_path / "report.md"))
    assert (tmp_path / "report.md").read_text() == face.copied[0] == REPORT.markdown()
    assert stat.S_IMODE((tmp_path / "report.md").stat().st_mode) == 0o600
    assert str(tmp_path / "report.md") in face.notes[0]
    with pytest.raises(FileError, match="exists already"):
        await page.save(str(tmp_path / "report.md"))
    with pytest.raises(FileError, match="cannot be written"):
        await page.save("~nobody-of-that-name/report.md")
    with pytest.raises(FileError, match="cannot be written"):
        await page.save("a\0b")


async def test_after_an_import_the_next_job_is_the_whitelist_that_is_not_known() -> None:
    begun: list[Mode] = []

    async def begin(mode: Mode) -> RotationRecord:
        begun.append(mode)
        return RotationRecord(4, "production", mode, Step.EGRESS, 0.0)

    face = FakeFace()
    imported = replace(REPORT, legacy=None, grade=None, whitelist="", job=Mode.ADOPT)
    page = SummaryPresenter(imported, face, begin=begin)
    said = "\n".join(" ".join(row.cells) for row in page.view().evidence)
    assert "Whitelist not known yet, as Binance never shows it" in said
    assert "key-wizard --env production --job whitelist" in said
    assert "…C7zq is still in ~/bot/.env, lines 3 and 4. Remove it there when your bot runs under exec." in said
    await press(page, "w")
    assert (begun, face.left) == ([Mode.WHITELIST], "leave")
    assert SummaryPresenter(REPORT, face, begin=begin).view().action("w") is None
