"""What home says of what it found."""

from __future__ import annotations

from tests.tui.conftest import Wizard
from wizard.rotation.model import Finding, Outcome
from wizard.tui.screens.home import HomeScreen


async def test_a_check_that_warns_says_why(wizard: Wizard) -> None:
    await wizard.until("#next", "begins to replace")
    home = wizard.app.screen
    assert isinstance(home, HomeScreen)
    found = Finding("Storage", Outcome.WARNING, "A canary was written.", 0.0, does_not_prove="that it is kept")
    assert home.check(found).plain == "! Storage  A canary was written. Not proven: that it is kept."
