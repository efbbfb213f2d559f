"""What was entered or made and is not stored is overwritten when its page is left."""

from __future__ import annotations

import pytest
from textual import events

from tests.tui.conftest import Wizard
from tests.unwiped import Unwiped
from wizard.core.secret import Secret
from wizard.custody.errors import CustodyError
from wizard.tui.widgets.secret_field import SecretField

KEY, SECRET = "Kq7" * 21 + "a", "sX4" * 21 + "b"


async def test_after_a_store_that_failed_leaving_wipes_what_was_typed(
    wizard: Wizard, unwiped: Unwiped, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wizard.to_credentials("hmac")
    wizard.app.post_message(events.Paste(f"{KEY}\n{SECRET}"))
    await wizard.when(lambda: wizard.app.screen.query_one("#secret", SecretField).length == 64)

    async def fail(*_: object) -> None:
        raise CustodyError("The keyring broke")

    monkeypatch.setattr(wizard.environments.store, "write", fail)
    await wizard.press("enter")
    await wizard.until("Notice", "The keyring broke")
    assert wizard.app.screen.query_one("#secret", SecretField).length == 64, "nothing was lost"
    wizard.app.go_home()
    await wizard.pilot.pause()
    assert unwiped.of(KEY, SECRET) == 0


async def test_leaving_wipes_a_key_that_was_made_on_the_simulated_page_and_not_stored(
    wizard: Wizard, unwiped: Unwiped
) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press("ctrl+o")
    await wizard.until("#verdict", "simulated Binance page")
    await wizard.press("enter")
    await wizard.until("Notice", "was created on the simulated page")
    secret = wizard.app.screen.query_one("#secret", SecretField).peek()
    text = secret.reveal()
    secret.wipe()
    wizard.app.go_home()
    await wizard.pilot.pause()
    assert unwiped.of(text) == 0


async def test_leaving_wipes_what_was_entered_and_is_in_no_field_yet(wizard: Wizard, unwiped: Unwiped) -> None:
    await wizard.to_credentials("hmac")
    page = wizard.app.screen.presenter
    await wizard.press("f1")  # no field takes what is entered while help lies on top
    page._take(Secret(KEY), Secret(SECRET))
    assert unwiped.of(KEY, SECRET) == 2
    wizard.app.go_home()
    await wizard.when(lambda: unwiped.of(KEY, SECRET) == 0)
