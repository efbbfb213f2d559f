"""Home, where the place of the credentials does not open: the key that mends it, and what each later screen says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.segment import Segment
from textual import events
from textual.widgets import Input

from screenshots.scene import stage
from tests.custody.fakes import FakeLocked, FakeLockingCustodian, FakeWithoutBus
from tests.tui.conftest import Wizard
from wizard.core.credentials import KeyKind
from wizard.core.secret import Secret
from wizard.core.settings import Place, load
from wizard.core.text import UNICODE
from wizard.custody.encrypted_file import open_file
from wizard.tui.app import WizardApp
from wizard.tui.screens.credentials import CredentialsScreen
from wizard.tui.screens.dialogs import LeaveScreen
from wizard.tui.screens.home import HomeScreen
from wizard.tui.widgets.secret_field import SecretField


@asynccontextmanager
async def locked_wizard(
    tmp_path: Path,
    kind: type[FakeLocked] = FakeLocked,
    told: str = "The keyring is locked",
    size: tuple[int, int] = (80, 24),
) -> AsyncIterator[tuple[Wizard, FakeLocked]]:
    async with stage(tmp_path) as world:
        custodian = kind(tmp_path)
        world.custodian = custodian
        world._open_store = custodian.open  # type: ignore[assignment, method-assign]
        app = WizardApp(world, UNICODE, command="key-wizard")
        async with app.run_test(size=size) as pilot:
            wizard = Wizard(app, pilot, world)
            await wizard.until("Notice", told)
            yield wizard, custodian


@pytest.fixture
async def locked(tmp_path: Path) -> AsyncIterator[tuple[Wizard, FakeLocked]]:
    async with locked_wizard(tmp_path) as both:
        yield both


async def test_u_asks_for_the_password_says_a_wrong_one_and_opens_with_the_right_one(
    locked: tuple[Wizard, FakeLocked],
) -> None:
    wizard, _ = locked
    assert "U: unlock the keyring" in wizard.text("#next")
    await wizard.press("u")
    await wizard.until(".title", "Unlock the keyring")
    await wizard.press(*"wrong", "enter")
    await wizard.until("Notice", "This password does not open the keyring")
    await wizard.press(*"correct", "space", *"horse", "enter")
    await wizard.when(lambda: isinstance(wizard.app.screen, HomeScreen))
    await wizard.until("#next", "begins to replace")


async def test_a_paste_that_is_no_password_is_said_not_to_be_taken(locked: tuple[Wizard, FakeLocked]) -> None:
    wizard, _ = locked
    await wizard.press("u")
    wizard.app.post_message(events.Paste("two\nlines"))
    await wizard.until("Notice", "The paste holds 2 lines")
    assert wizard.app.screen.query_one("#password", SecretField).length == 0


async def test_a_password_that_is_tried_for_ever_can_be_cancelled_and_the_wizard_left(
    locked: tuple[Wizard, FakeLocked],
) -> None:
    wizard, custodian = locked
    await wizard.press("u", *"slow", "enter")
    await wizard.press("escape")
    await wizard.when(lambda: isinstance(wizard.app.screen, HomeScreen))
    assert not custodian.is_open
    await wizard.press("u", *"slow", "enter", "ctrl+q")
    await wizard.until(".title", "Close Key Wizard")
    await wizard.press("enter")
    await wizard.when(lambda: wizard.app._exit)


async def test_a_password_that_opens_while_it_is_asked_whether_to_close_leaves_that_question_where_it_is(
    locked: tuple[Wizard, FakeLocked],
) -> None:
    wizard, custodian = locked
    gate, opened = asyncio.Event(), custodian.help

    async def help_later(*given: Any) -> None:
        await gate.wait()
        await opened(*given)

    custodian.help = help_later  # type: ignore[method-assign]
    await wizard.press("u", *"correct", "space", *"horse", "enter", "ctrl+q")
    await wizard.until(".title", "Close Key Wizard")
    gate.set()
    await wizard.when(lambda: custodian.is_open)
    assert isinstance(wizard.app.screen, LeaveScreen)
    await wizard.press("escape")
    await wizard.when(lambda: isinstance(wizard.app.screen, HomeScreen))
    await wizard.until("#next", "begins to replace")


async def test_the_encrypted_file_is_chosen_by_its_name_only_and_every_later_screen_says_so(
    locked: tuple[Wizard, FakeLocked], tmp_path: Path
) -> None:
    wizard, _ = locked
    await wizard.press("v", *"yes", "enter")
    await wizard.until(".keys", "That is not encrypted-file")
    assert not (tmp_path / "config.toml").exists()
    await wizard.press(*["backspace"] * 3, *"encrypted-file", "enter")
    await wizard.until("Notice", "needs a new passphrase")
    assert load(tmp_path / "config.toml").custody.place is Place.ENCRYPTED_FILE
    await wizard.press("u")
    fill(wizard, password="seven random words", again="another")
    await wizard.press("enter", "enter")
    await wizard.until("Notice", "The two are not the same")
    fill(wizard, again="seven random words")
    await wizard.press("enter")
    await wizard.until("#next", "begins to replace")
    await wizard.press("p")
    fill(wizard, old="wrong", new="eight other random words", again="eight others")
    await wizard.press("enter", "enter", "enter")
    await wizard.until("Notice", "The two are not the same")
    fill(wizard, again="eight other random words")
    await wizard.press("enter")
    await wizard.until("Notice", "This passphrase does not open the encrypted file")
    fill(wizard, old="seven random words", new="eight other random words", again="eight other random words")
    await wizard.press("enter", "enter", "enter")
    await wizard.when(lambda: isinstance(wizard.app.screen, HomeScreen))
    await wizard.until("Notice", "The new passphrase now opens the encrypted file")
    await wizard.press("enter")
    await wizard.until("StatusHeader", "in an encrypted file")
    await open_file(tmp_path / "credentials.vault", Secret("eight other random words"), 10)
    assert (tmp_path / "credentials.vault").exists()


def fill(wizard: Wizard, **texts: str) -> None:
    for name, text in texts.items():
        wizard.app.screen.query_one(f"#{name}", SecretField).fill(Secret(text))


async def test_where_the_keyring_works_neither_key_is_offered(wizard: Wizard) -> None:
    await wizard.until("#next", "begins to replace")
    await wizard.press("u", "v")
    assert isinstance(wizard.app.screen, HomeScreen)


async def test_s_shows_the_commands_for_a_service_with_every_secret_on_stdin(
    locked: tuple[Wizard, FakeLocked],
) -> None:
    wizard, _ = locked
    await wizard.press("s")
    await wizard.until(".title", "Credentials for a service")
    shown = wizard.text("Static")
    assert shown.count("systemd-creds encrypt --name=") == 3
    assert 'key-wizard exec rehearsal -- sh -c \': "${BINANCE_API_SECRET:?}"; printf %s' in shown
    await wizard.press("escape")
    assert isinstance(wizard.app.screen, HomeScreen)


async def test_a_key_that_is_not_stored_any_more_is_told_at_home_and_struck_off_by_a_typed_word(
    wizard: Wizard,
) -> None:
    await wizard.until("#next", "begins to replace")
    current = wizard.app.flow.current
    assert current is not None
    await wizard.press("f")
    assert isinstance(wizard.app.screen, HomeScreen)
    await wizard.environments.store.delete(current.item)
    wizard.app.screen.open_highlighted()
    await wizard.until("#checks", "is missing. It was stored in")
    await wizard.press("f", *"forget", "enter")
    await wizard.until("Notice", "struck off the journal")
    assert wizard.app.flow.current is None
    assert "is missing" not in wizard.text("#checks")


async def test_items_that_the_journal_does_not_know_are_counted_at_home_with_the_command(wizard: Wizard) -> None:
    await wizard.until("#next", "begins to replace")
    for number in (1, 2):
        await wizard.environments.store.write(f"key-wizard:rehearsal:00000000000{number}", Secret("another's"))
    wizard.app.screen.open_highlighted()
    await wizard.until("#checks", "2 stored keys are unknown to the wizard")
    assert "key-wizard storage rehearsal" in wizard.text("#checks")


async def test_a_key_pasted_where_a_word_is_typed_is_not_drawn_and_said(locked: tuple[Wizard, FakeLocked]) -> None:
    wizard, _ = locked
    await wizard.press("v")
    wizard.app.post_message(events.Paste("Ap1K" * 16))
    await wizard.until(".keys", "looks like a key")
    assert "Type encrypted-file, or Esc" in wizard.text(".keys")
    assert wizard.app.screen.query_one(Input).value == ""


def seen(wizard: Wizard) -> str:
    """Return the words that are on the screen, without the line breaks and the bar beside them."""
    strips = wizard.app.screen._compositor.render_strips()
    drawn = (segment.text for strip in strips for segment in [*strip, Segment(" ")])
    return " ".join("".join(drawn).replace("▌", " ").replace("│", " ").split())


async def test_in_a_small_terminal_nothing_of_a_long_remedy_is_cut_off_and_the_keys_stay_in_sight(
    tmp_path: Path,
) -> None:
    async with locked_wizard(tmp_path, FakeWithoutBus, "no session bus", (60, 20)) as (wizard, _):
        await wizard.when(lambda: "or use the encrypted file." in seen(wizard).lower())
        assert "▶ V: keep credentials in an encrypted file." in seen(wizard)
        await wizard.press("v", *"encrypted-file", "enter")
        await wizard.until("Notice", "needs a new passphrase")
        await wizard.press("u", *"aaaaaaaaaaaaaaa", "enter", *"aaaaaaaaaaaaaaa", "enter")
        await wizard.when(lambda: "easy to type and hard to guess." in seen(wizard))
        assert "Enter goes on. Esc cancels, also while it is tried." in seen(wizard)


async def test_a_keyring_locked_in_the_middle_of_the_credentials_step_is_unlocked_there_and_nothing_typed_is_lost(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as world:
        world.custodian = custodian = FakeLockingCustodian(tmp_path)
        app = WizardApp(world, UNICODE, command="key-wizard")
        async with app.run_test(size=(80, 24)) as pilot:
            wizard = Wizard(app, pilot, world)
            await wizard.to_credentials("hmac")
            made = await world.simulated_page.create(
                "new", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=True
            )
            fill(wizard, **{"api-key": made.api_key.reveal(), "secret": made.secret.reveal()})
            app.screen.query_one("#secret", SecretField).focus()
            await wizard.press("f12")
            assert isinstance(app.screen, CredentialsScreen), "nothing is to be unlocked yet"
            custodian.store.is_locked = True
            await wizard.press("enter")
            await wizard.until("Notice", "F12: unlock the keyring")
            await wizard.press("f12")
            await wizard.until(".title", "Unlock the keyring")
            await wizard.press(*"correct", "space", *"horse", "enter")
            await wizard.until("Notice", "The keyring is open again")
            assert app.screen.query_one("#secret", SecretField).length == 64
            await wizard.press("enter")
            await wizard.until("#verdict", "works from here")
