"""With the encrypted file as the place of the credentials, no screen calls it a keyring, and each one names it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.widgets import Static

from screenshots.scene import stage
from tests.tui.conftest import Wizard
from wizard.core.secret import Secret
from wizard.core.settings import Custody, Place
from wizard.core.text import UNICODE
from wizard.custody.custodian import CREDENTIAL, Custodian
from wizard.custody.encrypted_file import make_file
from wizard.custody.store import PHRASES
from wizard.tui.app import WizardApp
from wizard.tui.screens.dialogs import ConfirmScreen

PASSPHRASE = "seven random words"


class Listening:
    """Everything that any widget was told to show, also what stood there for a moment only."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.said: list[str] = []
        update = Static.update

        def noted(static: Static, content: object = "", *, layout: bool = True) -> None:
            self.said.append(str(content))
            update(static, content, layout=layout)  # type: ignore[arg-type]

        patch.setattr(Static, "update", noted)

    def expect_true_name(self, wizard: Wizard) -> None:
        """Every screen says where the credentials are, and none says that they are elsewhere."""
        shown = wizard.text("Static")
        assert "encrypted file" in shown, shown
        self.said.append(shown)
        false = [text for text in self.said if "keyring" in text.lower()]
        assert false == []


@pytest.fixture
async def filed(tmp_path: Path) -> AsyncIterator[Wizard]:
    """The wizard on an encrypted file, which systemd's credential opens."""
    file = tmp_path / "credentials.vault"
    await make_file(file, Secret(PASSPHRASE), 10)
    (tmp_path / CREDENTIAL).write_text(PASSPHRASE)
    async with stage(tmp_path) as world:
        custody = Custody(Place.ENCRYPTED_FILE)
        environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
        world.custodian = Custodian(custody, file, tmp_path / "config.toml", environ)
        world.place = PHRASES[custody.place]
        app = WizardApp(world, UNICODE, command="key-wizard")
        async with app.run_test(size=(80, 24)) as pilot:
            yield Wizard(app, pilot, world)


async def with_help(wizard: Wizard, listening: Listening) -> None:
    listening.expect_true_name(wizard)
    await wizard.press("f1")
    await wizard.until(".title", "Help")
    listening.said.append(wizard.text("Static"))
    await wizard.press("escape")


async def test_a_whole_rotation_never_calls_the_encrypted_file_a_keyring(
    filed: Wizard, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening = Listening(monkeypatch)
    await filed.until("#next", "begins to replace")
    await with_help(filed, listening)
    await filed.press("enter")
    await filed.until("#verdict", "The address is")
    await with_help(filed, listening)
    await filed.press("enter")
    await filed.until("#verdict", "ready to paste")
    await with_help(filed, listening)
    await filed.press("ctrl+n")
    await with_help(filed, listening)
    await filed.press("enter")
    await filed.until("#public-key", "BEGIN PUBLIC KEY")
    await filed.press("f6", "end", "enter")
    await filed.until(".title", "Import a private key")
    await filed.press("f1")
    await filed.until(".title", "Help")
    listening.said.append(filed.text("Static"))
    await filed.press("escape", "escape", "home", "enter")
    await filed.until("#public-key", "BEGIN PUBLIC KEY")
    await filed.press("f4")
    await filed.when(lambda: filed.app.screen.query_one("#keys").option_count == 1)  # type: ignore[attr-defined]
    await filed.press("n")
    await filed.when(lambda: filed.app.screen.query_one("#keys").option_count == 2)  # type: ignore[attr-defined]
    await filed.press("t")
    await filed.when(lambda: filed.app.screen.query_one("#api_key").length == 64)  # type: ignore[attr-defined]
    await filed.press("enter")
    await filed.until("#verdict", "works from here")
    await with_help(filed, listening)
    await filed.press("enter")
    await filed.until("#verdict", "still alive")
    await with_help(filed, listening)
    await let_legacy_key_die(filed)
    await filed.press("enter")
    await filed.when(lambda: isinstance(filed.app.screen, ConfirmScreen))
    listening.said.append(filed.text("Static"))
    await filed.press(*"purge", "enter")
    await filed.when(lambda: bool(filed.app.screen.query("#summary")))
    listening.expect_true_name(filed)
    assert any("Writing to the encrypted file" in text for text in listening.said)
    assert any("storing it in the encrypted file" in text for text in listening.said)


async def let_legacy_key_die(wizard: Wizard) -> None:
    legacy = wizard.app.flow.retire.legacy
    assert legacy is not None
    for key in await wizard.environments.simulated_page.keys():
        if key.api_key.fingerprint() == legacy.name.fingerprint:
            await wizard.environments.simulated_page.delete(key.api_key)
    for told in ("1 of 3", "2 of 3", "no longer knows"):
        wizard.environments.clock.now += 5
        wizard.environments.gate.open()
        await wizard.until("#verdict", told)


async def test_a_rotation_that_is_given_up_says_from_where_the_new_key_is_deleted(filed: Wizard) -> None:
    await filed.to_egress()
    await filed.press("f7")
    await filed.until("#next", "Enter")
    await filed.press("x")
    await filed.when(lambda: isinstance(filed.app.screen, ConfirmScreen))
    assert "are deleted from the encrypted file" in filed.text("Static")
