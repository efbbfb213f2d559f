"""A secret stays unseen when the program is stopped and continued by a shell with job control."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.canaries import leaked
from tests.plain.test_plain_pty import DumbTerminal
from tests.terminal.harness import TIMEOUT, Terminal
from tests.terminal.walk import end_exchange
from tests.tiers import slow
from wizard.core import settings
from wizard.core.secret import Secret
from wizard.custody.encrypted_file import make_file

pytestmark = pytest.mark.terminal
REPOSITORY = Path(__file__).parents[2]
HALF, WHOLE = "K7h2xQ9vLmPz", "a3f1b2c4" * 8
OTHER_STOPS = [signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU]


@contextmanager
def shell() -> Iterator[Terminal]:
    """An interactive bash whose prompt says when it is there."""
    environ = {**os.environ, "PS1": "READY> ", "TERM": "dumb", "PYTHON": sys.executable, "HISTFILE": ""}
    with Terminal(["bash", "--norc", "--noprofile", "-i"], env=environ, cwd=REPOSITORY) as terminal:
        terminal.wait_for("READY>")
        yield terminal


def count(terminal: Terminal, text: str, times: int) -> None:
    terminal.wait_until(lambda _: terminal.raw.count(text.encode()) >= times, f"{times} x {text!r}")


def child(terminal: Terminal) -> int:
    (pid,) = Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children").read_text().split()
    return int(pid)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def stop(terminal: Terminal, number: signal.Signals | None) -> None:
    """Stop the program as the shell's user, with Ctrl-Z, or as anybody, and wait until the shell has seen it."""
    ready = terminal.raw.count(b"READY>")
    if number is None:
        terminal.send("\x1a")
    else:
        os.kill(child(terminal), number)
    count(terminal, "READY>", ready + 1)


@contextmanager
def at_the_secret() -> Iterator[Terminal]:
    try:
        with shell() as terminal:
            terminal.send("$PYTHON -m wizard rehearse --plain\r")
            dumb = DumbTerminal(terminal)
            dumb.to_credentials()
            dumb.to_type("hmac")
            dumb.save()
            count(terminal, "API key, typing is not shown", 1)
            yield terminal
    finally:
        end_exchange(Path(os.environ["KEY_WIZARD_HOME"]))


@pytest.mark.parametrize("number", [None, signal.SIGSTOP, *slow(*OTHER_STOPS)], ids=str)
def test_after_fg_the_question_is_asked_again_and_nothing_typed_is_shown(number: signal.Signals | None) -> None:
    with at_the_secret() as terminal:
        for times in (2, 3):
            terminal.send(HALF)
            terminal.settle()
            stop(terminal, number)
            terminal.send("echo sh''own\r")
            count(terminal, "shown", terminal.raw.count(b"shown") + 1)
            terminal.send("fg\r")
            count(terminal, "API key, typing is not shown", times)
        terminal.send(f"{WHOLE}\r")
        terminal.wait_for("Secret, typing is not shown")  # what is typed before is dropped
        ready = terminal.raw.count(b"READY>")
        terminal.send("quit\r")
        count(terminal, "READY>", ready + 1)
        assert leaked(HALF, terminal.raw) + leaked(WHOLE, terminal.raw) == []
        terminal.send("echo sh''own again\r")
        terminal.wait_for("shown again")


@pytest.mark.parametrize("number", [signal.SIGSTOP, *slow(signal.SIGTSTP)], ids=str)
def test_continued_in_the_background_it_stops_again_and_the_secret_stays_unseen(number: signal.Signals) -> None:
    with at_the_secret() as terminal:
        stop(terminal, number)
        pid = child(terminal)
        ready = terminal.raw.count(b"READY>")
        terminal.send("bg\r")
        count(terminal, "READY>", ready + 1)
        deadline = time.monotonic() + TIMEOUT
        while not is_stopped(pid) and time.monotonic() < deadline:
            terminal.listen(0.05)
        terminal.send("fg\r")
        count(terminal, "API key, typing is not shown", 2)
        terminal.send(f"{WHOLE}\r")
        terminal.wait_for("API key received: 64 characters")
        assert leaked(WHOLE, terminal.raw) == []


@pytest.mark.parametrize("number", [None, *slow(signal.SIGSTOP, *OTHER_STOPS)], ids=str)
def test_a_passphrase_on_the_command_line_stays_unseen_too(number: signal.Signals | None) -> None:
    places = settings.paths()
    places.config_file.parent.mkdir(parents=True, exist_ok=True)
    places.config_file.write_text('[custody]\nplace = "encrypted-file"\n')
    asyncio.run(make_file(places.encrypted_file, Secret("seven random words"), 10))
    with shell() as terminal:
        terminal.send("$PYTHON -m wizard storage --passphrase\r")
        terminal.wait_for("Passphrase of the encrypted file:")
        terminal.send(HALF)
        terminal.settle()
        stop(terminal, number)
        terminal.send("fg\r")
        count(terminal, "Passphrase of the encrypted file:", 2)
        terminal.send("seven random words\r")
        terminal.wait_for("New passphrase:")
        assert b"random" not in terminal.raw
        assert leaked(HALF, terminal.raw) == []
