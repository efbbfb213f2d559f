"""What was entered or made and is not stored is overwritten when its environment is left."""

from __future__ import annotations

import pytest
from textual import events

from tests.tui.conftest import Wizard
from tests.unwiped import Unwiped
from wizard.core.secret import Secret
from wizard.custody.errors import CustodyError
from wizard.rehearsal.simulated_page import NewKey
from wizard.tui.widgets.secret_field import SecretField

KEY, SECRET = "Kq7" * 21 + "a", "sX4" * 21 + "b"


async def test_after_a_store_that_failed_leaving_wipes_what_was_typed(
    wizard: Wizard, unwiped: Unwiped, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wizard.to_credentials("hmac")
    wizard.app.post_message(events.Paste(f"{KEY}\n{SECRET}"))
    await wizard.when(lambda: wizard.app.screen.query_one("#secret", SecretField).length == 64)
    wizard.app.created_key = NewKey(Secret(KEY), Secret(SECRET))

    async def fail(*_: object) -> None:
        raise CustodyError("The keyring broke")

    monkeypatch.setattr(wizard.environments.store, "write", fail)
    await wizard.press("enter")
    await wizard.until("Notice", "The keyring broke")
    assert wizard.app.screen.query_one("#secret", SecretField).length == 64, "nothing was lost"
    await wizard.app.close_environment()
    assert unwiped.of(KEY, SECRET) == 0


async def test_leaving_the_environment_wipes_a_key_that_was_made_at_the_simulated_page_and_not_taken(
    wizard: Wizard, unwiped: Unwiped
) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press("f4", "n")
    await wizard.until("Notice", "The key was created")
    assert wizard.app.created_key is not None
    secret = wizard.app.created_key.secret.reveal()
    await wizard.press("escape")
    await wizard.app.close_environment()
    assert unwiped.of(secret) == 0
    assert wizard.app.created_key is None
