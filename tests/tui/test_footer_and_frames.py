"""What the smallest screen shows of the keys, and the words where a choice or a list is still open."""

from __future__ import annotations

import pytest
from textual.widgets import Footer, Static

from tests.tui.conftest import Wizard
from wizard.core.credentials import KeyKind
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rotation.steps.hosts import HostsStep
from wizard.tui.screens.dialogs import TextScreen
from wizard.tui.screens.key_files import FindKeyScreen


async def test_the_choice_of_the_kind_says_which_key_chooses(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press("ctrl+n")
    await wizard.until(".lede", "Enter takes it")
    await wizard.press("ctrl+n")
    await wizard.until("Notice", "Choose its kind first, with Enter.")
    await wizard.press("enter")
    await wizard.until(".lede", "at the desk (F4)")
    assert not wizard.app.screen.query_one("Notice").display, "what was said of the choice is over"


async def test_at_60_columns_a_key_that_is_not_proven_keeps_help_in_the_footer(wizard: Wizard) -> None:
    await wizard.pilot.resize_terminal(60, 20)
    await wizard.to_credentials("hmac")
    simulated_page = wizard.environments.simulated_page
    assert isinstance(simulated_page, SimulatedPage)
    made = await simulated_page.create("new", KeyKind.HMAC, "198.51.100.9", enableSpotAndMarginTrading=True)
    await wizard.press(*made.api_key.reveal(), "enter", *made.secret.reveal(), "enter")
    await wizard.until("#verdict", "W waits until it is accepted")
    footer = wizard.app.screen.query_one(Footer)
    assert max(key.region.right for key in footer.query("FooterKey")) <= 60
    assert "Promote" not in {key.description for key in footer.query("FooterKey")}  # type: ignore[attr-defined]
    await wizard.press("enter")
    await wizard.until("Notice", "This key is not proven yet")


async def test_at_60_columns_help_says_in_its_frame_how_it_closes(wizard: Wizard) -> None:
    await wizard.pilot.resize_terminal(60, 20)
    await wizard.to_egress()
    await wizard.press("f1")
    await wizard.when(lambda: isinstance(wizard.app.screen, TextScreen))
    dialog = wizard.app.screen.query_one(".dialog")
    assert "Esc closes this." in str(dialog.border_subtitle)
    await wizard.press("end")
    await wizard.when(lambda: dialog.scroll_y == dialog.max_scroll_y > 0)


async def test_no_label_of_the_place_of_a_key_is_cut_off_at_60_columns(wizard: Wizard) -> None:
    await wizard.pilot.resize_terminal(60, 20)
    await wizard.until("#next", "begins to replace")
    await wizard.app.push_screen(FindKeyScreen())
    for label in wizard.app.screen.query(".label").results(Static):
        assert len(str(label.visual)) <= label.size.width


async def test_without_a_ticked_host_the_screen_says_what_leads_on(
    wizard: Wizard, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wizard.to_egress()
    await wizard.press("h")
    await wizard.until("#next", "Enter asks 2 hosts")
    await wizard.press("a")
    await wizard.until("#next", "No host is ticked. Space ticks one.")
    monkeypatch.setattr(HostsStep, "known", lambda _step: ())
    await wizard.press("enter")
    await wizard.until("Notice", "No host is known yet. Type one above.")


async def test_the_wizard_can_be_closed_from_a_dialog_and_the_key_that_asks_for_it_goes_back(wizard: Wizard) -> None:
    await wizard.to_egress()
    await wizard.press("h")
    await wizard.until(".title", "Other hosts")
    await wizard.press("ctrl+q")
    await wizard.until(".title", "Close Key Wizard?")
    await wizard.press("ctrl+q")
    await wizard.until(".title", "Other hosts")
