"""Dialogs: how they close, also on the smallest screen, and that the wizard can be closed from them."""

from __future__ import annotations

from tests.tui.conftest import Wizard
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
