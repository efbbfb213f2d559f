"""Key and secret in each other's place, on the screen: nothing is swapped but by its word."""

from __future__ import annotations

from typing import cast

from tests.tui.conftest import Wizard
from wizard.core.credentials import KeyKind
from wizard.tui.screens.view_screen import ViewScreen
from wizard.tui.widgets.secret_field import SecretField


async def test_swapped_key_and_secret_are_put_right_with_one_word(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    made = await wizard.environments.simulated_page.create(
        "new", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=True
    )
    wizard.app.screen.query_one("#api_key", SecretField).fill(made.secret)
    wizard.app.screen.query_one("#secret", SecretField).fill(made.api_key)
    await wizard.press("tab", "enter")
    await wizard.until("ActionBar", "y Swap key and secret")
    await wizard.press("y", *"swap", "enter")
    await wizard.until("#verdict", "The new key works from here")


async def test_a_refused_key_is_never_swapped_unasked(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    made = await wizard.environments.simulated_page.create(
        "new", KeyKind.HMAC, "198.51.100.7", enableSpotAndMarginTrading=True
    )
    wizard.app.screen.query_one("#api_key", SecretField).fill(made.api_key)
    wizard.app.screen.query_one("#secret", SecretField).fill(made.secret)
    await wizard.press("tab", "enter")
    await wizard.until("ActionBar", "Retry")
    assert made.secret not in [line.api_key for line in await wizard.environments.simulated_page.activity()]


async def test_no_key_alone_shows_the_secret_of_a_refused_key_to_the_exchange(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    made = await wizard.environments.simulated_page.create(
        "new", KeyKind.HMAC, "198.51.100.7", enableSpotAndMarginTrading=True
    )
    wizard.app.screen.query_one("#api_key", SecretField).fill(made.api_key)
    wizard.app.screen.query_one("#secret", SecretField).fill(made.secret)
    await wizard.press("tab", "enter")
    await wizard.until("ActionBar", "y Swap key and secret")
    await wizard.press("y", "enter", "enter", "s", "w", "a", "enter")
    await wizard.until("Notice", "That is not swap")
    await wizard.press("escape", "y", "escape", "r")
    await wizard.when(lambda: not cast(ViewScreen, wizard.app.screen).is_at_work("action"))
    await wizard.until("ActionBar", "y Swap key and secret")
    await wizard.press("enter")
    await wizard.until("#verdict", "The next question is in")
    sent = [line.api_key for line in await wizard.environments.simulated_page.activity()]
    assert sent.count(made.api_key) >= 2
    assert made.secret not in sent
