from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.terminal.conftest import REPOSITORY, StartTwoFields
from tests.terminal.harness import TIMEOUT, Terminal, leaked
from tests.terminal.keys import F6, paste
from tests.terminal.secrets import API_KEY
from wizard.tui.safe_app import SIGNAL_GRACE

pytestmark = pytest.mark.terminal


def wait_for_file(terminal: Terminal, file: Path) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not file.exists() and time.monotonic() < deadline:
        terminal.listen(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_cleanly_and_restores_the_terminal(
    two_fields: StartTwoFields, tmp_path: Path, number: signal.Signals
) -> None:
    told = tmp_path / "signal"
    terminal = two_fields(environ={"TEST_SIGNAL_FILE": str(told)})
    terminal.send(paste(API_KEY))
    terminal.wait_for("64 characters")
    terminal.kill(number)
    assert terminal.wait() == 128 + number
    assert terminal.is_restored()
    assert told.read_text() == str(int(number))
    assert leaked(API_KEY, terminal.drawn) == []


@pytest.mark.parametrize(
    ("number", "seconds", "code", "told"),
    [(signal.SIGHUP, 0.5, 129, "1"), (signal.SIGTERM, 60, -signal.SIGTERM, "begun")],
)
def test_a_second_signal_ends_at_once_unless_it_is_the_echo_of_a_hang_up(
    two_fields: StartTwoFields, tmp_path: Path, number: signal.Signals, seconds: float, code: int, told: str
) -> None:
    file = tmp_path / "signal"
    terminal = two_fields(environ={"TEST_SIGNAL_FILE": str(file), "TEST_SIGNAL_SECONDS": str(seconds)})
    terminal.kill(number)
    wait_for_file(terminal, file)
    terminal.kill(number)
    assert terminal.wait(SIGNAL_GRACE - 1) == code
    assert file.read_text() == told


@pytest.mark.parametrize("controlling", [True, False])
def test_the_program_ends_when_its_terminal_is_closed(two_fields: StartTwoFields, controlling: bool) -> None:
    terminal = two_fields(controlling=controlling)
    terminal.send(paste(API_KEY))
    terminal.wait_for("64 characters")
    terminal.hang_up()
    assert terminal.wait() == 129


@pytest.fixture
def frozen(two_fields: StartTwoFields, tmp_path: Path) -> Terminal:
    """The app while it waits for a terminal that takes no output."""
    flooding = tmp_path / "flooding"
    terminal = two_fields(environ={"TEST_FLOOD_FILE": str(flooding)}, controlling=False)
    terminal.stop_output()
    terminal.send(F6)
    wait_for_file(terminal, flooding)
    return terminal


def test_a_terminal_that_takes_no_output_does_not_keep_the_program_from_ending(frozen: Terminal) -> None:
    frozen.kill()
    assert frozen.wait() == 143


def test_a_frozen_terminal_that_is_closed_ends_the_program(frozen: Terminal) -> None:
    frozen.hang_up()
    assert frozen.wait() == 129


def test_a_program_that_cannot_be_drawn_refuses_in_words() -> None:
    code = (
        "import os, sys; from wizard.terminal import inspect_terminal as i;"
        "p = i(os.environ, sys.__stdin__, sys.__stderr__).problem(); print(*p.sentences() if p else ['usable'])"
    )
    for term, answer in (("dumb", "TERM is dumb."), ("xterm", "usable")):
        env = {**os.environ, "TERM": term}
        with Terminal([sys.executable, "-c", code], env=env, cwd=REPOSITORY) as terminal:
            terminal.wait_for(answer)
            assert terminal.wait() == 0
