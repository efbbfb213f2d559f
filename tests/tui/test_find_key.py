"""Adopting a key from where it is, on the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input

from screenshots.scene import stage
from tests.tui.conftest import Wizard
from wizard.core.credentials import KeyKind
from wizard.core.text import UNICODE
from wizard.rotation.model import Mode
from wizard.tui.app import WizardApp
from wizard.tui.widgets.secret_field import SecretField


@pytest.fixture
async def adopting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wizard]:
    """The wizard at the Credentials step of an adoption."""

    async def put_nothing(*_: object) -> None:
        pass

    async with stage(tmp_path) as world:
        monkeypatch.setattr(world, "_put_keys", put_nothing)
        app = WizardApp(world, UNICODE, command="key-wizard rehearse")
        async with app.run_test(size=(80, 24)) as pilot:
            wizard = Wizard(app, pilot, world)
            await wizard.until("#next", "A adopts")
            await wizard.press("a")
            await wizard.until("#instructions", "read it from its file")
            yield wizard


async def test_a_key_is_adopted_from_a_file_and_its_copy_is_named(adopting: Wizard, tmp_path: Path) -> None:
    made = await adopting.environments.simulated_page.create(
        "in use", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=True
    )
    file = tmp_path / ".env"
    file.write_text(f"BINANCE_API_KEY={made.api_key.reveal()}\nBINANCE_API_SECRET={made.secret.reveal()}\n")
    file.chmod(0o600)
    assert adopting.app.flow.context.rotation.mode is Mode.ADOPT
    await adopting.press("f9")
    await adopting.until(".title", "from where it is now")
    adopting.app.screen.query_one("#path", Input).value = str(tmp_path / "missing")
    await adopting.press("enter")
    await adopting.until("Notice", "cannot read")
    adopting.app.screen.query_one("#path", Input).value = str(file)
    await adopting.press("enter")
    await adopting.until("Notice", "Read from")
    assert adopting.app.screen.query_one("#secret", SecretField).peek() == made.secret
    await adopting.press("enter")
    await adopting.until("#verdict", "The new key works from here")
    stored = adopting.app.screen._stored  # type: ignore[attr-defined]
    assert f"{file}, lines 1, 2" in stored.advice
    assert made.secret.reveal() in file.read_text(), "the file is left as it is"


async def test_a_file_that_only_hummingbot_can_read_is_told_and_remembered(adopting: Wizard, tmp_path: Path) -> None:
    made = await adopting.environments.simulated_page.create(
        "in use", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=True
    )
    file = tmp_path / "binance.yml"
    file.write_text(f"connector: binance\nbinance_api_key: {'7b22' + 'ab' * 100}\n")
    await adopting.press("f9")
    await adopting.until(".title", "from where it is now")
    adopting.app.screen.query_one("#path", Input).value = str(file)
    await adopting.press("enter")
    await adopting.until("Notice", "Run `export keys` in Hummingbot")
    await adopting.press("escape")
    adopting.app.screen.query_one("#api-key", SecretField).fill(made.api_key)
    adopting.app.screen.query_one("#secret", SecretField).fill(made.secret)
    adopting.app.screen.query_one("#secret", SecretField).focus()
    await adopting.press("enter")
    await adopting.until("#verdict", "The new key works from here")
    stored = adopting.app.screen._stored  # type: ignore[attr-defined]
    assert f"{file} holds a key that only the bot's password opens" in stored.advice


async def test_a_path_is_pasted_and_a_key_pasted_in_its_place_is_refused_unseen(adopting: Wizard) -> None:
    await adopting.press("f9")
    await adopting.until(".title", "from where it is now")
    path = adopting.app.screen.query_one("#path", Input)
    adopting.app.post_message(events.Paste("BINANCE_API_KEY=" + "aB3" * 20))
    await adopting.until("Notice", "looks like a key")
    assert path.value == ""
    adopting.app.post_message(events.Paste("/srv/bots/freqtrade/user_data/config.json\n"))
    await adopting.when(lambda: path.value == "/srv/bots/freqtrade/user_data/config.json")
