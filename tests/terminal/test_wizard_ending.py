"""Signals at a step of an open rotation: there is a flow to close, an exchange to end and a farewell to say."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal.harness import ENDS_WITHIN
from tests.terminal.walk import Walk, rehearsing
from tests.tiers import slow
from wizard.rehearsal.process import recall

pytestmark = pytest.mark.terminal


@pytest.fixture
def walk() -> Iterator[Walk]:
    with rehearsing({}) as walk:
        walk.begin()
        yield walk


def exchange_note() -> Path:
    return Path(os.environ["KEY_WIZARD_HOME"]) / "state" / "rehearsal" / "exchange.json"


def test_a_signal_leaves_nothing_open_and_says_so(walk: Walk) -> None:
    assert recall(exchange_note()) is not None
    walk.terminal.kill()
    walk.see("This rehearsal ends now")
    assert walk.terminal.wait(ENDS_WITHIN) == 143
    assert walk.terminal.is_restored()
    assert recall(exchange_note()) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, *slow(signal.SIGHUP, signal.SIGINT)])
def test_a_farewell_that_nobody_takes_does_not_keep_it_from_ending(walk: Walk, number: signal.Signals) -> None:
    walk.terminal.stop_output()
    walk.terminal.kill(number)
    assert walk.terminal.wait(ENDS_WITHIN) == 128 + number
    assert walk.terminal.has_its_settings()
    assert recall(exchange_note()) is None


@pytest.mark.parametrize("is_frozen", [False, True], ids=["", "frozen"])
def test_a_closed_terminal_is_a_hang_up(walk: Walk, is_frozen: bool) -> None:
    if is_frozen:
        walk.terminal.stop_output()
    walk.terminal.hang_up()
    assert walk.terminal.wait(ENDS_WITHIN) == 129
