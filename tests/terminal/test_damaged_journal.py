"""The journal is damaged while the wizard is open: it says so, what is to be done, and ends as at any other time."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.terminal.keys import ENTER, ctrl
from tests.terminal.walk import Walk, rehearsing

pytestmark = pytest.mark.terminal


def journal() -> Path:
    return Path(os.environ["KEY_WIZARD_HOME"]) / "state" / "rehearsal" / "journal.sqlite3"


def damage() -> None:
    with closing(sqlite3.connect(journal(), isolation_level=None)) as raw:
        raw.execute("UPDATE rotations SET step = 'nowhere'")


def assert_ends_in_words(walk: Walk) -> None:
    assert walk.terminal.wait() == 1
    assert walk.terminal.is_restored()
    end = walk.terminal.raw.rpartition(b"\x1b[?1049l")[2]
    assert f"key-wizard: The wizard's records {journal()} are damaged".encode() in end
    assert b"to another directory" in end
    assert b"Internal error" not in end


def test_a_key_press_that_needs_the_journal_is_answered_in_words_and_the_wizard_can_be_left() -> None:
    with rehearsing({}) as walk:
        walk.begin()
        damage()
        walk.press(ENTER)
        walk.see("are damaged", "Move")
        walk.press(ctrl("q"))
        walk.see("Quit Key Wizard?", "are damaged")
        walk.press(ENTER)
        assert_ends_in_words(walk)


@pytest.mark.slow
def test_a_screen_that_reads_the_journal_by_itself_says_so_and_the_wizard_can_be_left() -> None:
    with rehearsing({}) as walk:
        walk.begin()
        walk.egress()
        walk.whitelist()
        walk.choose("hmac")
        walk.take_from_page()
        walk.store()
        walk.switch()
        damage()
        walk.see("are damaged", "Move ")
        walk.press(ctrl("q"))
        walk.see("Quit Key Wizard?", "are damaged")
        walk.press(ENTER)
        assert_ends_in_words(walk)
