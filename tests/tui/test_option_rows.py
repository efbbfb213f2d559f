"""The page keys on lists without a row on the screen."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.widgets import OptionList

from tests.tui.conftest import Wizard
from wizard.tui.widgets.basics import OptionRows


class Rows(App[None]):
    CSS = "OptionRows { height: 0; border: none; padding: 0; }"

    def compose(self) -> ComposeResult:
        yield OptionRows("one", "two")


@pytest.mark.parametrize("key", ["pageup", "pagedown"])
async def test_the_page_keys_do_nothing_where_there_is_no_room_for_a_row(key: str) -> None:
    async with Rows().run_test() as pilot:
        rows = pilot.app.query_one(OptionRows)
        rows.focus()
        rows.highlighted = 1
        await pilot.press(key)
        assert rows.highlighted == 1


async def test_every_list_of_the_wizard_bears_them(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press("pageup", "pagedown", "f6", "pagedown", "pageup")
    assert all(isinstance(rows, OptionRows) for screen in wizard.app.screen_stack for rows in screen.query(OptionList))
