"""The Retire step on the screen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.tui.conftest import Wizard
from wizard.core.text import UNICODE
from wizard.rotation.retirement import Poll
from wizard.tui.screens.retire import RetireScreen


async def test_the_places_that_still_hold_the_legacy_key_are_named_while_it_is_watched(
    wizard: Wizard, tmp_path: Path
) -> None:
    wizard.environments.environ["HOME"] = str(tmp_path)  # type: ignore[index]
    await wizard.to_credentials("hmac")
    (key,) = await wizard.environments.simulated_page.keys()
    (tmp_path / ".bashrc").write_text(f"export KEY={key.api_key.reveal()}\n")
    (tmp_path / ".zshrc").symlink_to(".zshrc")
    await wizard.press("f4", "n")
    await wizard.until("Notice", "The key was created")
    await wizard.press("t", "enter")
    await wizard.until("#verdict", "The new key works from here")
    await wizard.press("enter")
    await wizard.until("#places", f"It is still in plain text in {tmp_path}/.bashrc, line 1.")
    assert f"The wizard cannot read {tmp_path}/.zshrc. The key may be there too." in wizard.text("#places")
    (tmp_path / ".bashrc").unlink()
    await wizard.press("r")
    await wizard.when(lambda: "plain text" not in wizard.text("#places"))


async def test_why_nothing_is_purged_yet_stays_in_sight_at_the_next_poll(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press("f4", "n")
    await wizard.until("Notice", "The key was created")
    await wizard.press("t", "enter")
    await wizard.until("#verdict", "The new key works from here")
    await wizard.press("enter")
    await wizard.until("#verdict", "still alive")
    await wizard.press("enter")
    await wizard.until("Notice", "Not yet.")
    assert isinstance(wizard.app.screen, RetireScreen)
    wizard.app.screen.call_later(wizard.app.screen.polled, wizard.app.flow.retire.death())
    await wizard.pilot.pause()
    assert "Not yet." in wizard.text("Notice")
    assert wizard.app.screen.query_one("Notice").display


async def test_only_a_refusal_that_speaks_for_death_is_ticked(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press("f4", "n")
    await wizard.until("Notice", "The key was created")
    await wizard.press("t", "enter")
    await wizard.until("#verdict", "The new key works from here")
    await wizard.press("enter")
    await wizard.until("#verdict", "still alive")
    screen = wizard.app.screen
    assert isinstance(screen, RetireScreen)
    poll = Poll(1.0, False, -2015, "", True, "", "203.0.113.42")
    assert screen._row(poll)[1] == f"{UNICODE.passed} refused -2015"
    for other in (
        replace(poll, control_accepted=False),
        replace(poll, legacy_code=-1022),
        replace(poll, legacy_code=-1021),
        replace(poll, legacy_code=-2014),
    ):
        assert UNICODE.passed not in screen._row(other)[1]
