"""Commands that run and end beside an open wizard: they see what it has written, and take nothing away from it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from tests.beside.host import REPOSITORY, Host, torn_files
from tests.terminal.harness import Terminal
from tests.terminal.keys import TAB, paste
from tests.terminal.walk import Walk
from wizard.rotation.model import Step

pytestmark = [pytest.mark.slow, pytest.mark.terminal, pytest.mark.keyring, pytest.mark.timeout(600)]
OPEN, ALIVE = 3, 4
"""What `status` exits with."""
THREE_POLLS = 90.0
"""Seconds on a busy machine; they are at least ten."""


def run_each(host: Host, session: int, key: str, open_at: Step | None) -> None:
    """Run every command that reads the journal, one after another, while the wizard of `session` is open."""
    for name, command in commands(host, key, open_at).items():
        command()
        assert torn_files(session) == [], name


def commands(host: Host, key: str, open_at: Step | None) -> dict[str, Callable[[], object]]:
    """Return each command as a call that runs it to its end and judges what it says."""
    over = (None, Step.DONE)  # at the summary all is written already
    status = ALIVE if open_at is Step.RETIRE else 0 if open_at in over else OPEN

    def ends(code: int, *arguments: str) -> Callable[[], None]:
        def run() -> None:
            ran = host.run(*arguments)
            assert ran.code == code, ran

        return run

    def gives_key(ask: Callable[[], str]) -> Callable[[], None]:
        def run() -> None:
            assert ask() == key

        return run

    return {
        "status": ends(status, "status"),
        "check": ends(ALIVE if open_at is Step.RETIRE else 0, "check", "bench"),
        "exec": gives_key(host.key_from_exec),
        "doctor": ends(0, "doctor", "--only", "files"),
        "history": ends(0, "history", "bench"),
        "current_credentials": gives_key(host.key_from_api),
    }


def test_on_the_screens_one_by_one_at_each_step_and_killed_after_the_switch(host: tuple[Host, str]) -> None:
    here, old = host
    with screens(here) as walk:
        beside = partial(run_each, here, walk.terminal.pid)
        walk.see("enter Replace")
        beside(old, None)
        walk.begin()
        beside(old, Step.EGRESS)
        walk.egress()
        beside(old, Step.WHITELIST)
        walk.whitelist()
        walk.choose("hmac")
        beside(old, Step.CREDENTIALS)
        made = here.make_key()
        new = made.api_key.reveal()
        walk.press(paste(new) + TAB + paste(made.secret.reveal()))
        walk.see("64 characters")
        walk.store()
        walk.see("The new key works from here")
        beside(old, Step.PROBE)
        walk.switch()
        beside(new, Step.RETIRE)
        walk.terminal.kill(signal.SIGKILL)
        walk.terminal.wait()
    assert here.key_from_exec() == new
    with screens(here) as walk:
        walk.resume("retire")
        here.delete_key(old)
        walk.see("is dead", timeout=THREE_POLLS)
        walk.delete_secret()
        run_each(here, walk.terminal.pid, new, None)
        assert walk.leave() == 0
    assert here.key_from_exec() == new


@contextmanager
def screens(host: Host) -> Iterator[Walk]:
    """Open `key-wizard` on a terminal."""
    argv = [sys.executable, "-m", "wizard", "--env", "bench"]
    with Terminal(argv, env={**os.environ, **host.environ}, cwd=REPOSITORY) as terminal:
        yield Walk(terminal)
