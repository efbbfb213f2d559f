"""With the encrypted file as the place of the credentials, no screen calls it a keyring, and each one names it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from screenshots.scene import stage
from tests.tui.conftest import Wizard
from wizard.core.secret import Secret
from wizard.core.settings import Custody, Place
from wizard.core.text import UNICODE
from wizard.custody.custodian import CREDENTIAL, Custodian
from wizard.custody.encrypted_file import make_file
from wizard.custody.store import PHRASES
from wizard.tui.app import WizardApp
from wizard.tui.screens.dialogs import FormScreen, TextScreen
from wizard.tui.screens.view_screen import ViewScreen
from wizard.tui.widgets.secret_field import SecretField

PASSPHRASE = "seven random words"


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


async def expect_true_name(wizard: Wizard, *, in_header: bool = True) -> None:
    """Neither the page nor its help says that the credentials are elsewhere."""
    shown = wizard.text("*")
    if in_header:
        assert "encrypted file" in wizard.text("PageHeader")
    await wizard.press("f1")
    await wizard.when(lambda: isinstance(wizard.app.screen, TextScreen))
    shown += wizard.text("*")
    await wizard.press("escape")
    await wizard.when(lambda: isinstance(wizard.app.screen, ViewScreen))
    assert "keyring" not in shown.lower()


@pytest.mark.slow
async def test_a_whole_rotation_never_calls_the_encrypted_file_a_keyring(filed: Wizard) -> None:
    await filed.at_home()
    await expect_true_name(filed)
    await filed.press("enter")
    await filed.until("#verdict", "203.0.113.42")
    await expect_true_name(filed)
    await filed.press("enter")
    await filed.until("#verdict", "ready to paste")
    await expect_true_name(filed)
    await filed.press("enter")
    await filed.until("#numbered", "MCow")
    await expect_true_name(filed)
    await filed.press("ctrl+o")
    await filed.until("ActionBar", "Create key")
    await filed.press("enter")
    await filed.when(lambda: bool(filed.app.screen.query("#api_key")))
    await filed.when(lambda: filed.app.screen.query_one("#api_key", SecretField).length == 64)
    await filed.press("enter")
    await filed.until("#verdict", "works from here")
    await expect_true_name(filed)
    await filed.press("enter")
    await filed.until("#verdict", "is now the key in use")
    await expect_true_name(filed)
    await let_legacy_key_die(filed)
    await filed.until("ActionBar", "enter Delete its secret")
    await filed.press("enter")
    await filed.when(lambda: isinstance(filed.app.screen, FormScreen))
    assert "from the encrypted file" in filed.text(".question")
    await filed.press(*"delete", "enter")
    await filed.until("PageHeader", "finished")
    await expect_true_name(filed, in_header=False)


async def let_legacy_key_die(wizard: Wizard) -> None:
    legacy = wizard.app.flow.retire.legacy
    assert legacy is not None
    for key in await wizard.environments.simulated_page.keys():
        if key.api_key.fingerprint() == legacy.name.fingerprint:
            await wizard.environments.simulated_page.delete(key.api_key)
    for polls in (2, 3, 4):
        wizard.environments.clock.now += 5
        wizard.environments.gate.open()
        await wizard.when(lambda wanted=polls: len(wizard.app.flow.retire.polls()) >= wanted)  # type: ignore[misc]


async def test_a_job_that_is_given_up_says_from_where_the_new_key_is_deleted(filed: Wizard) -> None:
    await filed.to_egress()
    await filed.press("escape")
    await filed.until("ActionBar", "g Give up")
    await filed.press("g")
    await filed.when(lambda: isinstance(filed.app.screen, FormScreen))
    assert "deletes what was not finished from the encrypted file" in filed.text(".question")
