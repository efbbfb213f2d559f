"""Killed with SIGKILL and started again: the wizard goes on where it was, and the keyring has lost nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.secret_service import private_bus, secret_service
from tests.terminal.keys import ENTER, ESCAPE, ctrl
from tests.terminal.walk import BEGINS, Walk, end_exchange, rehearsing
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.rotation.database import open_database
from wizard.rotation.journal import Journal
from wizard.rotation.model import Mode

pytestmark = [pytest.mark.terminal, pytest.mark.keyring]
BACKEND = "keyring.backends.SecretService.Keyring"


def journalled() -> tuple[KeyRecord, ...]:
    file = Path(os.environ["KEY_WIZARD_HOME"]) / "state" / "rehearsal" / "journal.sqlite3"
    with closing(Journal(open_database(file), lambda: 0.0)) as journal:
        return journal.keys("rehearsal")


def in_keyring(environ: Mapping[str, str], item: str) -> str:
    """Ask the keyring library's own command, as a consumer might."""
    command = [sys.executable, "-m", "keyring", "-b", BACKEND, "get", item, "credentials"]
    asked = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def kill(walk: Walk) -> None:
    walk.terminal.kill(signal.SIGKILL)
    assert walk.terminal.wait() == -signal.SIGKILL


def assert_nothing_is_lost(environ: Mapping[str, str]) -> None:
    """Every key that the journal calls stored is in the keyring, the key in use among them."""
    stored = [key for key in journalled() if key.holding is Holding.STORED]
    assert Slot.CURRENT in {key.slot for key in stored}
    for key in stored:
        assert '"api_key"' in in_keyring(environ, key.item), f"the {key.slot} key is not in the keyring"


@pytest.mark.slow
def test_a_leaked_key_is_deleted_before_the_new_one_is_made_also_by_a_wizard_that_was_killed(
    keep_exchange: None,
) -> None:
    with secret_service() as environ, ExitStack() as wizards:
        walk = wizards.enter_context(rehearsing(environ))
        walk.see(BEGINS, "l Leaked")
        walk.press("l")
        walk.see("still works. Delete it on Binance now.", "e Go on anyway")
        (leaked,) = journalled()
        kill(walk)
        assert_nothing_is_lost(environ)
        walk = wizards.enter_context(rehearsing(environ))
        walk.resume("delete", Mode.LEAKED)
        walk.see("still works", "p Binance page")
        walk.press("p")
        walk.see("HMAC", "active", "current")
        walk.press("d")
        walk.see("Type delete")
        walk.press("delete" + ENTER)
        walk.see("is deleted now")
        walk.press(ESCAPE)
        walk.see(f"Binance refuses {leaked.name}. The proof follows with the new key.", "enter Continue")
        walk.press(ENTER)
        walk.see("203.0.113.42", "enter Continue")
        walk.terminal.listen(1)  # Enter that comes sooner is taken for the first one, held down
        walk.egress()
        walk.whitelist()
        walk.see(f"Tick what {leaked.name} has: Reading · Spot & Margin Trading")
        walk.press(ctrl("o"))
        walk.see("0 keys on the simulated", "enter Create key")
        walk.terminal.listen(1)  # the keys are read first, and an Enter meanwhile is none
        walk.press(ENTER)
        walk.see("64 characters", "is filled in")
        walk.store()
        walk.switch()
        walk.see("is dead", "enter Delete its secret")
        walk.press(ENTER)
        walk.see("Type delete")
        walk.press("delete" + ENTER)
        walk.see(f"replaced {leaked.name}, which had leaked. The legacy key is dead")
        assert in_keyring(environ, leaked.item) == ""
        assert walk.leave() == 0


@pytest.mark.slow
def test_killed_while_it_stores_the_key_is_there_or_asked_for_again(keep_exchange: None) -> None:
    with private_bus() as bus:
        environ = bus.environ
        bus.start_keyring(unlock=True)
        with rehearsing(environ) as walk:
            walk.begin()
            walk.egress()
            walk.whitelist()
            walk.choose("hmac")
            walk.take_from_page()
            bus.stop_keyring()  # so that the kill comes before the end of the writing
            walk.press(ENTER)
            walk.see("Writing to the keyring")
            kill(walk)
        bus.continue_keyring()
        with rehearsing(environ) as walk:
            screen = walk.see("enter Resume", "Resume at 3 Credentials")
            assert "interrupted" in screen
            assert_nothing_is_lost(environ)
            walk.press(ENTER)
            walk.see("Save and probe")


@pytest.mark.slow
def test_the_address_of_another_host_is_named_as_the_cause(keep_exchange: None) -> None:
    with secret_service() as environ:
        with rehearsing(environ) as walk:
            walk.begin()
            walk.egress()
            walk.whitelist()
            walk.choose("hmac")
            walk.take_from_page()
            walk.store()
            walk.see("enter Switch to")
            kill(walk)
        with rehearsing(environ, "--source-address", "127.0.0.2") as walk:
            walk.resume("probe")
            walk.see("Binance refuses the new key", "enter Add 203.0.113.77", "-2015")


@pytest.fixture
def keep_exchange(monkeypatch: pytest.MonkeyPatch) -> object:
    """Let the embedded exchange live from one wizard to the next; end it with the test."""
    monkeypatch.setattr("tests.terminal.walk.end_exchange", lambda home: None)
    yield
    end_exchange(Path(os.environ["KEY_WIZARD_HOME"]))
