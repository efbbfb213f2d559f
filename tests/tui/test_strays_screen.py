"""Items that the journal does not know, on the screen: adopted, deleted by a typed word, or left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from screenshots.scene import stage
from tests.terminal.harness import leaked
from tests.tui.conftest import Wizard
from wizard.credentials import Credentials, KeyKind
from wizard.custody.item import USER, encode
from wizard.glyphs import UNICODE
from wizard.rotation.model import Step
from wizard.secret import Secret
from wizard.tui.app import WizardApp
from wizard.tui.screens.home import HomeScreen

FOREIGN = "key-wizard:rehearsal:0123456789ab"


@pytest.fixture
async def lost(tmp_path: Path) -> AsyncIterator[tuple[Wizard, Credentials]]:
    """Home, with a key that works and something unreadable as items of a journal that is gone."""
    async with stage(tmp_path) as world:
        world.has_key_in_use = False
        made = await world.desk.create("lost", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=True)
        key = Credentials(KeyKind.HMAC, made.api_key, made.secret)
        await world.store.write(f"key-wizard:rehearsal:{key.name.fingerprint}", USER, encode(key, created=0.0))
        await world.store.write(FOREIGN, USER, Secret("another program's"))
        app = WizardApp(world, UNICODE, command="key-wizard rehearse")
        async with app.run_test(size=(80, 24)) as pilot:
            wizard = Wizard(app, pilot, world)
            await wizard.until("#next", "O looks at what the journal does not know")
            await wizard.press("o")
            await wizard.until("#about", "stored once more")
            yield wizard, key


def highlight(wizard: Wizard, name: str) -> None:
    screen = wizard.app.screen
    screen.query_one("#strays").highlighted = [one.item for one in screen._strays].index(name)  # type: ignore[attr-defined]


async def test_a_lost_key_is_adopted_and_stands_at_the_probe(lost: tuple[Wizard, Credentials]) -> None:
    wizard, key = lost
    highlight(wizard, f"key-wizard:rehearsal:{key.name.fingerprint}")
    drawn = wizard.app.export_screenshot()
    assert key.name.last_four in drawn
    assert leaked(key.api_key.reveal(), drawn.encode()) + leaked(key.signing.reveal(), drawn.encode()) == []
    await wizard.press("a")
    await wizard.until("#verdict", "The new key works from here")
    assert wizard.app.flow.step is Step.PROBE


async def test_one_is_deleted_by_the_typed_word_alone_and_the_rest_left(lost: tuple[Wizard, Credentials]) -> None:
    wizard, key = lost
    highlight(wizard, FOREIGN)
    await wizard.press("a")
    await wizard.until("Notice", "no whole key")
    await wizard.press("d", *"yes", "enter")
    await wizard.until(".keys", "That is not delete")
    assert await wizard.world.store.read(FOREIGN, USER) is not None
    await wizard.press(*["backspace"] * 3, *"delete", "enter")
    await wizard.until("Notice", "read back as gone")
    assert await wizard.world.store.read(FOREIGN, USER) is None
    await wizard.press("escape")
    await wizard.when(lambda: isinstance(wizard.app.screen, HomeScreen))
    await wizard.until("#checks", f"does not know: key-wizard:rehearsal:{key.name.fingerprint}")
    assert FOREIGN not in wizard.text("#checks")
