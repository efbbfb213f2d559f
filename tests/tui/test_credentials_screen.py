"""The Credentials step on the screen: hidden fields, pastes and key presses. What it says is tested in tests/steps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from textual import events
from textual.widgets import Input

from screenshots.scene import stage
from tests.tiers import slow
from tests.tui.conftest import Wizard
from wizard.core.credentials import KeyKind
from wizard.core.text import UNICODE
from wizard.exchange.signing import generate_ed25519
from wizard.rehearsal.simulated_page import NewKey
from wizard.rotation.model import Mode, Step
from wizard.tui.app import WizardApp
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.secret_field import SecretField

SIZES = [(80, 24), (60, 20), (160, 50)]


async def make(wizard: Wizard, whitelist: str = "203.0.113.42") -> NewKey:
    return await wizard.environments.simulated_page.create(
        "new", KeyKind.HMAC, whitelist, enableSpotAndMarginTrading=True
    )


def field(wizard: Wizard, name: str) -> SecretField:
    return wizard.app.screen.query_one(f"#{name}", SecretField)


async def paste(wizard: Wizard, text: str) -> None:
    wizard.app.screen.post_message(events.Paste(text))
    await wizard.pilot.pause()


async def to_types(wizard: Wizard, *keys: str) -> None:
    await wizard.press("ctrl+t")
    await wizard.until("#verdict", "is HMAC.")
    await wizard.press(*keys, "enter")


async def to_own_key(wizard: Wizard) -> None:
    await to_types(wizard, "end")
    await wizard.until(".title", "Import a private key")


@pytest.mark.parametrize("size", SIZES)
async def test_instructions_field_and_keys_are_in_sight_at_once(wizard: Wizard, size: tuple[int, int]) -> None:
    await wizard.pilot.resize_terminal(*size)
    await wizard.to_credentials("ed25519")
    assert field(wizard, "api_key").has_focus
    (line,) = [line for line in wizard.text("#numbered").split() if line.startswith("MCow")]
    in_sight = (line, "paste it, it stays hidden", "Save and probe", "F1", "203.0.113.42")

    def all_in_sight() -> bool:
        shown = wizard.app.export_screenshot().replace("&#160;", " ").replace("&#x27;", "'")
        return all(text in shown for text in in_sight)

    await wizard.when(all_in_sight)  # a busy machine lays a resized screen out late


async def test_the_public_key_on_the_screen_is_whole_also_beside_a_notice(wizard: Wizard) -> None:
    await wizard.to_credentials("ed25519")
    wizard.app.screen.query_one(Notice).good("Something happened.")
    await wizard.pilot.pause()
    (line,) = [line for line in wizard.text("#numbered").split() if line.startswith("MCow")]
    assert line in wizard.app.export_screenshot().replace("&#x27;", "'")


@pytest.mark.parametrize("size", [(60, 20), *slow((80, 24), (160, 50))])
async def test_the_field_stays_in_sight_beside_the_long_public_key_of_an_rsa_pair(
    wizard: Wizard, size: tuple[int, int]
) -> None:
    await wizard.pilot.resize_terminal(*size)
    await wizard.to_credentials("hmac")
    await to_types(wizard, "down", "down")
    await wizard.until("#numbered", "END PUBLIC KEY")
    await wizard.pilot.pause(0.2)
    assert wizard.app.screen.query_one("#page").region.contains_region(field(wizard, "api_key").region)
    assert field(wizard, "api_key").has_focus


async def test_a_key_with_quotes_and_line_ends_around_it_is_cleaned_and_said(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    made = await make(wizard)
    await paste(wizard, f'\n"{made.api_key.reveal()}"\n')
    await wizard.when(lambda: field(wizard, "api_key").length == 64)
    await wizard.until("Notice", "Left out")
    await wizard.press("enter")
    await paste(wizard, f"  {made.secret.reveal()}\r\n")
    await wizard.when(lambda: field(wizard, "secret").length == 64)
    await wizard.press("enter")
    await wizard.when(lambda: wizard.app.flow.step is Step.PROBE)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{k}\n{s}\n", "api_key"),
        ("BINANCE_API_SECRET={s}\nBINANCE_API_KEY={k}", "api_key"),
        ('{{"apiKey": "{k}", "secretKey": "{s}"}}', "secret"),
    ],
)
async def test_one_paste_with_both_fills_both_fields_and_says_what_was_understood(
    wizard: Wizard, text: str, name: str
) -> None:
    await wizard.to_credentials("hmac")
    made = await make(wizard)
    field(wizard, name).focus()
    await paste(wizard, text.format(k=made.api_key.reveal(), s=made.secret.reveal()))
    await wizard.until("Notice", "This holds an API key of 64 characters")
    assert field(wizard, "api_key").peek() == made.api_key
    assert field(wizard, "secret").peek() == made.secret
    assert made.secret.last_four() not in wizard.text("Notice")


async def test_a_secret_named_so_goes_into_its_own_field_wherever_it_was_pasted(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    await paste(wizard, f"API_SECRET={'s' * 64}")
    await wizard.until("Notice", "a secret of 64 characters")
    assert field(wizard, "secret").length == 64
    assert field(wizard, "api_key").length == 0
    assert field(wizard, "api_key").has_focus


async def test_a_secret_is_not_taken_where_a_key_pair_signs(wizard: Wizard) -> None:
    await wizard.to_credentials("ed25519")
    await paste(wizard, f"{'k' * 64}\n{'s' * 64}")
    await wizard.until("Notice", "so it is an HMAC key")
    assert [field(wizard, name).length for name in ("api_key", "secret")] == [0, 0]


async def test_something_short_is_stored_only_after_it_was_said_and_enter_was_pressed_again(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press(*"garbage", "enter", *"rubbish", "enter")
    await wizard.until("Notice", "This API key has 7 characters")
    assert wizard.app.flow.credentials.pending is None
    assert field(wizard, "secret").length == 7
    await wizard.press("enter")
    await wizard.when(lambda: wizard.app.flow.step is Step.PROBE)


async def test_an_empty_field_is_said_and_what_cannot_be_a_key_keeps_its_text_and_the_focus(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press("enter", "enter")
    await wizard.until("Notice", "This holds no API key")
    assert field(wizard, "api_key").has_focus
    await wizard.press(*"MCowBQYDK2VwAyEA11qYAYKxCrfVS", "enter", *"x" * 3, "enter")
    await wizard.until("Notice", "This is a public key")
    assert field(wizard, "api_key").length == len("MCowBQYDK2VwAyEA11qYAYKxCrfVS")
    assert field(wizard, "api_key").has_focus
    assert wizard.app.flow.credentials.pending is None


async def test_letters_are_text_in_a_field_and_esc_leaves_it(wizard: Wizard) -> None:
    await wizard.to_credentials("ed25519")
    await wizard.press("q", "p", "question_mark", "s")
    assert field(wizard, "api_key").length == 4
    await wizard.press("escape")
    await wizard.when(lambda: wizard.app.flow.step is Step.WHITELIST)


@pytest.mark.parametrize("kind", ["ed25519", "hmac"])
async def test_a_key_that_is_made_on_the_simulated_page_is_in_the_fields_and_enter_stores_it(
    wizard: Wizard, kind: str
) -> None:
    await wizard.to_credentials(kind)
    await wizard.press("ctrl+o")
    await wizard.until("#verdict", "1 key on the simulated Binance page")
    await wizard.press("enter")
    await wizard.until("Notice", "was created on the simulated page")
    assert field(wizard, "api_key").length == 64
    assert field(wizard, "secret").length == (64 if kind == "hmac" else 0)
    await wizard.press("enter")
    await wizard.when(lambda: wizard.app.flow.step is Step.PROBE)


async def test_another_type_forgets_what_was_typed(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press(*"abc", "enter", *"def")
    await to_types(wizard)
    await wizard.until("#numbered", "END PUBLIC KEY")
    assert [field(wizard, name).length for name in ("api_key", "secret")] == [0, 0]


async def test_a_private_key_is_imported_from_a_path_and_its_public_half_is_shown(
    wizard: Wizard, tmp_path: Path
) -> None:
    pair = generate_ed25519()
    file = tmp_path / "key.pem"
    file.write_text(pair.private_pem.reveal())
    await wizard.to_credentials("hmac")
    await to_own_key(wizard)
    wizard.app.screen.query_one("#path", Input).value = str(file)
    await wizard.press("enter")
    await wizard.until("#numbered", pair.public_pem.splitlines()[1])


async def test_a_key_pasted_where_a_path_belongs_is_not_shown(wizard: Wizard) -> None:
    pem = generate_ed25519().private_pem.reveal()
    await wizard.to_credentials("hmac")
    await to_own_key(wizard)
    for key in (pem, pem.splitlines()[1], "k" * 64, f"~/{'0123456789abcdef' * 4}"):
        wizard.app.post_message(events.Paste(key))
        await wizard.until("Notice", "looks like a key")
        assert wizard.app.screen.query_one("#path", Input).value == ""
        wizard.app.screen.query_one(Notice).clear()
    await wizard.press("enter")
    await paste(wizard, pem)
    await wizard.when(lambda: field(wizard, "pem").length == len(pem))
    await wizard.press("escape")
    assert wizard.app.flow.credentials.pending is None


async def test_a_wrong_passphrase_is_said_and_the_next_one_begins_in_an_empty_field(wizard: Wizard) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"right")).decode()
    await wizard.to_credentials("hmac")
    await to_own_key(wizard)
    assert not field(wizard, "passphrase").display, "it is asked for where it is needed"
    await wizard.press("enter")
    await paste(wizard, pem)
    await wizard.when(lambda: field(wizard, "pem").length > 0)
    await wizard.press("enter")
    await wizard.until("Notice", "The private key is encrypted")
    await wizard.press(*"wrong", "enter")
    await wizard.until("Notice", "The passphrase does not open this private key")
    assert field(wizard, "pem").length > 0
    assert field(wizard, "passphrase").length == 0
    await wizard.press(*"right", "enter")
    await wizard.until("#numbered", "END PUBLIC KEY")


@pytest.fixture
async def importing(tmp_path: Path) -> AsyncIterator[Wizard]:
    """The wizard at the Credentials step of an import."""
    async with stage(tmp_path) as world:
        world.has_key_in_use = False
        app = WizardApp(world, UNICODE, command="key-wizard rehearse")
        async with app.run_test(size=(80, 24)) as pilot:
            wizard = Wizard(app, pilot, world)
            await wizard.when(lambda: app.opened.flow is not None)
            await app.flow.begin(Mode.ADOPT)
            app.call_later(app.show_step)
            await wizard.until("#numbered", "Read it from where it is now")
            yield wizard


async def test_a_key_in_use_is_read_from_a_file_into_the_fields_and_enter_stores_it(
    importing: Wizard, tmp_path: Path
) -> None:
    made = await make(importing)
    file = tmp_path / ".env"
    file.write_text(f"BINANCE_API_KEY={made.api_key.reveal()}\nBINANCE_API_SECRET={made.secret.reveal()}\n")
    await importing.press("ctrl+r")
    await importing.until(".title", "Read the key from a file")
    path = importing.app.screen.query_one("#place", Input)
    importing.app.post_message(events.Paste("BINANCE_API_KEY=" + "aB3" * 20))
    await importing.until("Notice", "looks like a key")
    assert path.value == ""
    path.value = str(tmp_path / "missing")
    await importing.press("enter")
    await importing.until("Notice", "cannot read this path")
    path.value = str(file)
    await importing.press("enter")
    await importing.until("Notice", f"Read from {file}")
    assert field(importing, "secret").peek() == made.secret
    await importing.press("enter")
    await importing.when(lambda: importing.app.flow.step is Step.PROBE)
