"""Home on screens: what tests/steps/test_home_page.py says of the page, as somebody at a keyboard meets it."""

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
from tests.custody.fakes import FakeLocked, FakeWithoutBus
from tests.tui.conftest import Wizard
from wizard.core.secret import Secret
from wizard.core.settings import Place, load
from wizard.core.text import UNICODE
from wizard.custody.encrypted_file import open_file
from wizard.rotation.model import Step
from wizard.tui.app import WizardApp
from wizard.tui.screens.dialogs import FormScreen, LeaveScreen
from wizard.tui.screens.view_screen import ViewScreen
from wizard.tui.widgets.secret_field import SecretField


@asynccontextmanager
async def locked_wizard(
    tmp_path: Path,
    kind: type[FakeLocked] = FakeLocked,
    said: str = "The keyring is locked",
    size: tuple[int, int] = (80, 24),
) -> AsyncIterator[tuple[Wizard, FakeLocked]]:
    async with stage(tmp_path) as world:
        custodian = kind(tmp_path)
        world.custodian = custodian
        world._open_store = custodian.open  # type: ignore[assignment, method-assign]
        app = WizardApp(world, UNICODE, command="key-wizard")
        async with app.run_test(size=size) as pilot:
            wizard = Wizard(app, pilot, world)
            await wizard.until("#verdict", said)
            yield wizard, custodian


@pytest.fixture
async def locked(tmp_path: Path) -> AsyncIterator[tuple[Wizard, FakeLocked]]:
    async with locked_wizard(tmp_path) as both:
        yield both


def is_home(wizard: Wizard) -> bool:
    return isinstance(wizard.app.screen, ViewScreen)


def fill(wizard: Wizard, *texts: str) -> None:
    for field, text in zip(wizard.app.screen.query(SecretField), texts, strict=True):
        field.fill(Secret(text))


async def test_enter_that_comes_while_the_environment_is_opened_begins_its_job_then(tmp_path: Path) -> None:
    async with stage(tmp_path) as world:
        gate, opened = asyncio.Event(), world.flow

        @asynccontextmanager
        async def open_later(*given: Any) -> AsyncIterator[Any]:
            await gate.wait()
            async with opened(*given) as flow:
                yield flow

        world.flow = open_later  # type: ignore[assignment, method-assign]
        app = WizardApp(world, UNICODE, command="key-wizard")
        async with app.run_test(size=(80, 24)) as pilot:
            wizard = Wizard(app, pilot, world)
            await wizard.until("#verdict", "Opening rehearsal")
            await wizard.press("enter")
            assert is_home(wizard)
            gate.set()
            await wizard.until("PageHeader", "rehearsal › replace …")
            assert app.flow.step is Step.EGRESS


async def test_enter_that_comes_too_early_chooses_nothing_where_the_place_does_not_open(tmp_path: Path) -> None:
    async with stage(tmp_path) as world:
        gate, custodian = asyncio.Event(), FakeWithoutBus(tmp_path)
        opened = custodian.open

        async def open_later() -> Any:
            await gate.wait()
            return await opened()

        world.custodian = custodian
        world._open_store = open_later  # type: ignore[assignment, method-assign]
        app = WizardApp(world, UNICODE, command="key-wizard")
        async with app.run_test(size=(80, 24)) as pilot:
            wizard = Wizard(app, pilot, world)
            await wizard.until("#verdict", "Opening rehearsal")
            await wizard.press("enter")
            gate.set()
            await wizard.until("ActionBar", "enter Use an encrypted file")
            await wizard.press("pageup")
            assert is_home(wizard)


async def test_a_wrong_password_is_said_and_the_right_one_opens(locked: tuple[Wizard, FakeLocked]) -> None:
    wizard, _ = locked
    assert "enter Unlock the keyring" in wizard.text("ActionBar")
    await wizard.press("enter")
    await wizard.when(lambda: isinstance(wizard.app.screen, FormScreen))
    fill(wizard, "wrong")
    await wizard.press("enter")
    await wizard.until("Notice", "This password does not open the keyring")
    await wizard.press(*"correct", "space", *"horse", "enter")
    await wizard.when(lambda: is_home(wizard))
    await wizard.at_home()


async def test_a_paste_that_is_no_password_is_said_not_to_be_taken(locked: tuple[Wizard, FakeLocked]) -> None:
    wizard, _ = locked
    await wizard.press("enter")
    await wizard.when(lambda: isinstance(wizard.app.screen, FormScreen))
    await wizard.when(lambda: isinstance(wizard.app.focused, SecretField))
    wizard.app.post_message(events.Paste("two\nlines"))
    await wizard.until("Notice", "The paste holds 2 lines")
    assert wizard.app.screen.query_one(SecretField).length == 0


async def test_a_password_that_is_tried_for_ever_can_be_cancelled_and_the_wizard_left(
    locked: tuple[Wizard, FakeLocked],
) -> None:
    wizard, custodian = locked
    await wizard.press("enter")
    await wizard.when(lambda: isinstance(wizard.app.screen, FormScreen))
    fill(wizard, "slow")
    await wizard.press("enter", "escape")
    await wizard.when(lambda: is_home(wizard))
    assert not custodian.is_open
    await wizard.until("ActionBar", "enter Unlock")
    await wizard.press("enter")
    await wizard.when(lambda: isinstance(wizard.app.screen, FormScreen))
    fill(wizard, "slow")
    await wizard.press("enter", "ctrl+q")
    await wizard.until(".title", "Quit Key Wizard")
    await wizard.press("enter")
    await wizard.when(lambda: wizard.app._exit)


async def test_a_password_that_opens_while_it_is_asked_whether_to_quit_leaves_that_question_where_it_is(
    locked: tuple[Wizard, FakeLocked],
) -> None:
    wizard, custodian = locked
    gate, opened = asyncio.Event(), custodian.help

    async def help_later(*given: Any) -> None:
        await gate.wait()
        await opened(*given)

    custodian.help = help_later  # type: ignore[method-assign]
    await wizard.press("enter")
    await wizard.when(lambda: isinstance(wizard.app.screen, FormScreen))
    fill(wizard, "correct horse")
    await wizard.press("enter", "ctrl+q")
    await wizard.until(".title", "Quit Key Wizard")
    gate.set()
    await wizard.when(lambda: custodian.is_open)
    assert isinstance(wizard.app.screen, LeaveScreen)
    await wizard.press("escape")
    await wizard.when(lambda: is_home(wizard))
    await wizard.at_home()


async def test_on_a_headless_machine_five_entries_lead_to_an_open_encrypted_file(tmp_path: Path) -> None:
    async with locked_wizard(tmp_path, FakeWithoutBus, "no session bus") as (wizard, _):
        await wizard.press("enter")
        await wizard.when(lambda: isinstance(wizard.app.screen, FormScreen))
        fill(wizard, "seven random words", "another")
        await wizard.press("enter", "enter")
        await wizard.until("Notice", "not the same")
        assert not (tmp_path / "config.toml").exists()
        fill(wizard, "seven random words", "seven random words")
        await wizard.press("enter", "enter")
        await wizard.when(lambda: is_home(wizard))
        await wizard.at_home()
        assert load(tmp_path / "config.toml").custody.place is Place.ENCRYPTED_FILE
        assert "encrypted file" in wizard.text("PageHeader")
    await open_file(tmp_path / "credentials.vault", Secret("seven random words"), 10)


async def test_where_the_keyring_works_nothing_else_is_offered(wizard: Wizard) -> None:
    await wizard.at_home()
    await wizard.press("o", "v", "e", "d", "g", "r")
    assert is_home(wizard)
    assert wizard.text("ActionBar").splitlines() == [
        "enter Replace   w Whitelist   l Leaked   h History   ? Help   q Quit"
    ]


async def test_a_key_pasted_where_a_word_is_typed_is_not_drawn_and_said(wizard: Wizard) -> None:
    await wizard.to_egress()
    await wizard.press("escape")
    await wizard.until("ActionBar", "g Give up")
    await wizard.press("g")
    await wizard.when(lambda: isinstance(wizard.app.screen, FormScreen))
    wizard.app.post_message(events.Paste("Ap1K" * 16))
    await wizard.until("Notice", "looks like a key")
    assert "Type give up" in wizard.text(".label")
    assert wizard.app.screen.query_one(Input).value == ""


def seen(wizard: Wizard) -> str:
    """Return the words that are on the screen, without the line breaks and the bar beside them."""
    strips = wizard.app.screen._compositor.render_strips()
    drawn = (segment.text for strip in strips for segment in [*strip, Segment(" ")])
    return " ".join("".join(drawn).replace("▌", " ").replace("│", " ").split())


async def test_in_a_small_terminal_nothing_of_a_long_remedy_is_cut_off_and_the_keys_stay_in_sight(
    tmp_path: Path,
) -> None:
    async with locked_wizard(tmp_path, FakeWithoutBus, "no session bus", (60, 20)) as (wizard, custodian):
        assert custodian.custody.place is Place.KEYRING
        problem = wizard.app.screen
        assert isinstance(problem, ViewScreen)
        for sentence in (problem.shown.verdict, *problem.shown.because, *problem.shown.fix):
            assert sentence.split()[-1] in seen(wizard), sentence
        assert "enter Use an encrypted file" in seen(wizard)
        await wizard.press("enter")
        await wizard.when(lambda: isinstance(wizard.app.screen, FormScreen))
        fill(wizard, "aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaa")
        await wizard.press("enter", "enter")
        await wizard.when(lambda: "esc Back" in seen(wizard) and "different" in seen(wizard))


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 50)])
async def test_key_age_and_job_are_in_sight_at_every_size(wizard: Wizard, size: tuple[int, int]) -> None:
    await wizard.pilot.resize_terminal(*size)
    await wizard.at_home()
    wizard.app.screen._refresh_layout()  # type: ignore[attr-defined]
    await wizard.when(lambda: "5 Retire" in seen(wizard))
    for words in ("HMAC", "41 d", "about 5 minutes", "enter Replace", "q Quit"):
        assert words in seen(wizard), words


async def test_a_drill_that_was_left_open_is_told_once_it_is_known(
    wizard: Wizard, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wizard.at_home()
    monkeypatch.setattr(type(wizard.environments), "about", ("The drill that was left open.",))
    assert isinstance(wizard.app.screen, ViewScreen)
    wizard.app.screen.show()
    await wizard.until("#verdict", "The drill that was left open.")
