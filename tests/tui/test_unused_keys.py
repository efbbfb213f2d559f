"""Keys that are entered and is not in use, on the screen: named in Retire, asked about, and named in the report."""

from __future__ import annotations

import pytest

from tests.tui.conftest import Wizard
from wizard.core.credentials import KeyKind
from wizard.tui.widgets.secret_field import SecretField


async def enter(wizard: Wizard, whitelist: str) -> str:
    """Enter a key whose list on Binance is `whitelist`; return its name."""
    made = await wizard.environments.simulated_page.create(
        "new", KeyKind.HMAC, whitelist, enableSpotAndMarginTrading=True
    )
    wizard.app.screen.query_one("#api_key", SecretField).fill(made.api_key)
    wizard.app.screen.query_one("#secret", SecretField).fill(made.secret)
    await wizard.press("tab", "enter")
    return f"…{made.api_key.last_four()}"


async def until_shown(wizard: Wizard, *words: str) -> None:
    def shown() -> str:
        return " ".join(wizard.text("*").split())

    try:
        await wizard.when(lambda: all(each in shown() for each in words))
    except TimeoutError:
        raise AssertionError(f"{words} is not all shown: {shown()}") from None


@pytest.mark.slow
async def test_two_forgotten_keys_are_named_and_both_proven_dead_at_the_end(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    names = []
    for whitelist in ("203.0.113.42", "198.51.100.8"):  # one that works, and one that does not
        names.append(await enter(wizard, whitelist))
        await wizard.until("ActionBar", "Retry")
        await wizard.press("escape")
        await wizard.until("#numbered", "the API key and the secret")
    await enter(wizard, "203.0.113.42")
    await wizard.until("#verdict", "The new key works from here")
    await wizard.press("enter")
    await until_shown(wizard, *(f"Also delete {name}" for name in names))
    page = wizard.environments.simulated_page
    for key in (await page.keys())[:-1]:
        await page.delete(key.api_key)

    def is_dead() -> bool:
        wizard.environments.gate.open()
        return "is dead." in wizard.text("#verdict")

    await wizard.when(is_dead)
    await until_shown(wizard, "refused 3 of 3 times in a row")
    await wizard.press("enter")
    await until_shown(wizard, *(f"The secret of {name} is deleted too." for name in names))
    await wizard.press(*"delete", "enter")
    await until_shown(wizard, *(f"{name} was entered and is not in use. Binance no longer knows" for name in names))
