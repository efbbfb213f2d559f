from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.canaries import leaked
from tests.terminal.conftest import REPOSITORY, StartTwoFields
from tests.terminal.harness import ENDS_WITHIN, TIMEOUT, Terminal
from tests.terminal.keys import F3, F6, paste
from tests.terminal.secrets import API_KEY

pytestmark = pytest.mark.terminal
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


def wait_for_file(terminal: Terminal, file: Path) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not file.exists() and time.monotonic() < deadline:
        terminal.listen(0.01)


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_ends_cleanly_and_restores_the_terminal(two_fields: StartTwoFields, number: signal.Signals) -> None:
    terminal = two_fields()
    terminal.send(paste(API_KEY))
    terminal.wait_for("64 characters")
    terminal.kill(number)
    assert terminal.wait(ENDS_WITHIN) == 128 + number
    assert terminal.is_restored()
    assert leaked(API_KEY, terminal.drawn) == []


@pytest.mark.parametrize("gap", [0.0, 0.05, 0.5])
def test_of_many_signals_the_first_counts_and_the_terminal_is_restored(two_fields: StartTwoFields, gap: float) -> None:
    terminal = two_fields()
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        if terminal.exit_code is None:
            terminal.kill(number)
            terminal.listen(gap)
    # What comes before the program runs again, it gets in an order of the system's own.
    assert terminal.wait(ENDS_WITHIN) in ({143} if gap == 0.5 else {143, 131, 130, 129})
    assert terminal.is_restored()


@pytest.mark.parametrize("seconds", [0.0, 0.5])
def test_what_was_typed_ahead_keeps_no_signal_waiting(two_fields: StartTwoFields, seconds: float) -> None:
    terminal = two_fields()
    terminal.send("x" * 3900)
    terminal.listen(seconds)
    terminal.kill()
    assert terminal.wait(ENDS_WITHIN) == 143
    assert terminal.is_restored()


@pytest.mark.parametrize("controlling", [True, False])
def test_the_program_ends_when_its_terminal_is_closed(two_fields: StartTwoFields, controlling: bool) -> None:
    terminal = two_fields(controlling=controlling)
    terminal.send(paste(API_KEY))
    terminal.wait_for("64 characters")
    terminal.hang_up()
    assert terminal.wait(ENDS_WITHIN) == 129


@pytest.fixture
def frozen(two_fields: StartTwoFields, tmp_path: Path) -> Terminal:
    """The app while it waits for a terminal that takes no output."""
    flooding = tmp_path / "flooding"
    terminal = two_fields(environ={"TEST_FLOOD_FILE": str(flooding)}, controlling=False)
    terminal.stop_output()
    terminal.send(F6)
    wait_for_file(terminal, flooding)
    return terminal


@pytest.mark.parametrize("number", ENDING)
def test_a_terminal_that_takes_no_output_does_not_keep_the_program_from_ending(
    frozen: Terminal, number: signal.Signals
) -> None:
    frozen.kill(number)
    assert frozen.wait(ENDS_WITHIN) == 128 + number
    assert frozen.has_its_settings()


def test_a_frozen_terminal_that_is_closed_ends_the_program(frozen: Terminal) -> None:
    frozen.hang_up()
    assert frozen.wait(ENDS_WITHIN) == 129


def test_a_program_that_was_stopped_ends_in_the_background(two_fields: StartTwoFields) -> None:
    terminal = two_fields()
    terminal.kill(signal.SIGTSTP)
    terminal.wait_until(lambda _: not terminal.mode(1049), "the main screen")
    terminal.settle()
    terminal.kill()
    terminal.kill(signal.SIGCONT)
    assert terminal.wait(ENDS_WITHIN) == 143
    assert terminal.is_restored()


def test_a_stop_in_the_middle_of_a_write_does_not_hang(two_fields: StartTwoFields) -> None:
    terminal = two_fields("stop")
    terminal.send(F3)
    terminal.wait_until(lambda _: not terminal.mode(1049), "the main screen")
    terminal.settle()
    assert terminal.is_restored()
    terminal.kill(signal.SIGCONT)
    terminal.wait_until(lambda _: terminal.mode(1049), "the screens")
    terminal.wait_for("Report")
    terminal.kill()
    assert terminal.wait(ENDS_WITHIN) == 143


def test_a_program_that_cannot_be_drawn_refuses_in_words() -> None:
    code = (
        "import os, sys; from wizard.core.terminal import inspect_terminal as i;"
        "p = i(os.environ, sys.__stdin__, sys.__stderr__).problem(); print(*p.sentences() if p else ['usable'])"
    )
    for term, answer in (("dumb", "TERM is dumb."), ("xterm", "usable")):
        env = {**os.environ, "TERM": term}
        with Terminal([sys.executable, "-c", code], env=env, cwd=REPOSITORY) as terminal:
            terminal.wait_for(answer)
            assert terminal.wait() == 0
