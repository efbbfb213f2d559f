"""Dialogs: how they close, also on the smallest screen, and that the wizard can be closed from them."""

from __future__ import annotations

import pytest

from tests.tui.conftest import Wizard
from wizard.steps.form import Field, FieldKind, Form
from wizard.steps.passwords import AGAIN
from wizard.tui.screens.dialogs import FormScreen, LeaveScreen, TextScreen


async def test_at_60_columns_help_says_in_its_frame_how_it_closes(wizard: Wizard) -> None:
    await wizard.pilot.resize_terminal(60, 20)
    await wizard.to_egress()
    await wizard.press("f1")
    await wizard.when(lambda: isinstance(wizard.app.screen, TextScreen))
    dialog = wizard.app.screen.query_one(".dialog")
    assert str(dialog.border_subtitle).endswith(" Close")
    await wizard.press("end")
    await wizard.when(lambda: dialog.scroll_y == dialog.max_scroll_y > 0)


@pytest.mark.parametrize("key", ["v", "f1"])
async def test_the_key_that_shows_a_text_closes_it_too(wizard: Wizard, key: str) -> None:
    await wizard.to_egress()
    page = wizard.app.screen
    await wizard.press(key)
    await wizard.when(lambda: isinstance(wizard.app.screen, TextScreen))
    await wizard.press(key)
    await wizard.when(lambda: wizard.app.screen is page)


async def test_the_wizard_can_be_closed_from_a_dialog_and_the_key_that_asks_for_it_goes_back(wizard: Wizard) -> None:
    await wizard.to_egress()
    await wizard.press("o")
    await wizard.until("ActionBar", "Add host")
    await wizard.press("a")
    await wizard.when(lambda: isinstance(wizard.app.screen, FormScreen))
    await wizard.press("ctrl+q")
    await wizard.when(lambda: isinstance(wizard.app.screen, LeaveScreen))
    await wizard.press("ctrl+q")
    await wizard.when(lambda: isinstance(wizard.app.screen, FormScreen))


async def test_a_new_passphrase_that_is_empty_is_asked_for_where_it_is_missing(wizard: Wizard) -> None:
    await wizard.at_home()
    fields = (Field("new", "New", FieldKind.PASSWORD), AGAIN)
    wizard.app.push_screen(FormScreen(Form("New passphrase", "", fields, save, "Save", "Saving", 1.0)))
    await wizard.when(lambda: isinstance(wizard.app.screen, FormScreen))
    await wizard.press("enter", "enter")
    await wizard.until("Notice", "Nothing is entered yet")
    assert wizard.app.focused is not None
    assert wizard.app.focused.id == "new"


async def save(_values: object) -> None:
    raise AssertionError("nothing was entered")
