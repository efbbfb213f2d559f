"""The desk on the screen."""

from __future__ import annotations

import pytest
from textual.widgets import OptionList
from wizard.tui.screens.home import HomeScreen

from tests.tui.conftest import Wizard
from wizard.core.credentials import KeyKind


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_a_permission_that_the_key_in_use_has_is_switched_on_for_the_new_one(
    wizard: Wizard, size: tuple[int, int]
) -> None:
    await wizard.pilot.resize_terminal(*size)
    await wizard.to_egress()
    simulated_page = wizard.environments.simulated_page
    assert simulated_page is not None
    await simulated_page.create("new", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=False)
    await wizard.press("f4")
    await wizard.when(lambda: wizard.app.screen.query_one("#keys", OptionList).option_count == 2)
    await wizard.press("down", "p")
    await wizard.until("Notice", "it may do now what the other keys may do")
    in_use, new = await simulated_page.keys()
    assert new.permissions == in_use.permissions
    assert new.permissions["enableSpotAndMarginTrading"]


async def test_home_tells_the_drill_of_a_rehearsal_that_was_left_open(
    wizard: Wizard, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wizard.at_home()
    monkeypatch.setattr(type(wizard.environments), "lede", "The drill that was left open.")
    assert isinstance(wizard.app.screen, HomeScreen)
    wizard.app.screen.call_later(wizard.app.screen.fill)
    await wizard.until(".lede", "The drill that was left open.")
