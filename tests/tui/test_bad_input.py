"""Rubbish in: a clear message, the fix at one key, and nothing of what was typed is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from textual import events
from textual.widgets import Input

from tests.tui.conftest import Wizard
from wizard.core.credentials import KeyKind
from wizard.exchange.signing import generate_ed25519
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.secret_field import SecretField


async def test_a_key_with_quotes_and_line_ends_around_it_is_cleaned_and_said(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    made = await wizard.environments.simulated_page.create(
        "new", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=True
    )
    wizard.app.screen.post_message(events.Paste(f'\n"{made.api_key.reveal()}"\n'))
    await wizard.when(lambda: wizard.app.screen.query_one("#api-key", SecretField).length == 64)
    await wizard.until("Notice", "Left out")
    await wizard.press("tab")
    wizard.app.screen.post_message(events.Paste(f"  {made.secret.reveal()}\r\n"))
    await wizard.when(lambda: wizard.app.screen.query_one("#secret", SecretField).length == 64)
    await wizard.press("enter")
    await wizard.until("#verdict", "The new key works from here")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{k}\n{s}\n", "#api-key"),
        ("BINANCE_API_SECRET={s}\nBINANCE_API_KEY={k}", "#api-key"),
        ('{{"apiKey": "{k}", "secretKey": "{s}"}}', "#secret"),
    ],
)
async def test_one_paste_with_both_fills_both_fields_and_says_what_was_understood(
    wizard: Wizard, text: str, field: str
) -> None:
    await wizard.to_credentials("hmac")
    made = await wizard.environments.simulated_page.create(
        "new", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=True
    )
    wizard.app.screen.query_one(field, SecretField).focus()
    pasted = text.format(k=made.api_key.reveal(), s=made.secret.reveal())
    wizard.app.screen.post_message(events.Paste(pasted))
    await wizard.until("Notice", "Understood: an API key of 64 characters")
    assert wizard.app.screen.query_one("#api-key", SecretField).peek() == made.api_key
    assert wizard.app.screen.query_one("#secret", SecretField).peek() == made.secret
    assert made.secret.last_four() not in wizard.text("Notice")


async def test_a_secret_named_so_goes_into_its_own_field_wherever_it_was_pasted(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    wizard.app.screen.post_message(events.Paste(f"API_SECRET={'s' * 64}"))
    await wizard.until("Notice", "a secret of 64 characters")
    assert wizard.app.screen.query_one("#secret", SecretField).length == 64
    assert wizard.app.screen.query_one("#api-key", SecretField).length == 0
    assert wizard.app.focused is wizard.app.screen.query_one("#api-key", SecretField)


async def test_a_secret_is_not_taken_where_a_key_pair_signs(wizard: Wizard) -> None:
    await wizard.to_credentials("ed25519")
    await wizard.until("#public-key", "END PUBLIC KEY")
    wizard.app.screen.post_message(events.Paste(f"{'k' * 64}\n{'s' * 64}"))
    await wizard.until("Notice", "F6 chooses HMAC")
    assert [field.length for field in wizard.app.screen.query(SecretField)] == [0, 0]


async def test_swapped_key_and_secret_are_put_right_with_one_word(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    made = await wizard.environments.simulated_page.create(
        "new", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=True
    )
    wizard.app.screen.query_one("#api-key", SecretField).fill(made.secret)
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
    wizard.app.screen.query_one("#api-key", SecretField).fill(made.api_key)
    wizard.app.screen.query_one("#secret", SecretField).fill(made.secret)
    await wizard.press("tab", "enter")
    await wizard.until("ActionBar", "Retry")
    assert made.secret not in [line.api_key for line in await wizard.environments.simulated_page.activity()]


async def test_no_key_alone_shows_the_secret_of_a_refused_key_to_the_exchange(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    made = await wizard.environments.simulated_page.create(
        "new", KeyKind.HMAC, "198.51.100.7", enableSpotAndMarginTrading=True
    )
    wizard.app.screen.query_one("#api-key", SecretField).fill(made.api_key)
    wizard.app.screen.query_one("#secret", SecretField).fill(made.secret)
    await wizard.press("tab", "enter")
    await wizard.until("ActionBar", "y Swap key and secret")
    await wizard.press("y", "enter", "enter", "s", "w", "a", "enter")
    await wizard.until(".keys", "That is not swap")
    await wizard.press("escape", "y", "escape", "r")
    await wizard.until("ActionBar", "y Swap key and secret")
    await wizard.press("enter")
    await wizard.until("#verdict", "The next question")
    sent = [line.api_key for line in await wizard.environments.simulated_page.activity()]
    assert sent.count(made.api_key) >= 2
    assert made.secret not in sent


async def test_a_public_key_in_the_key_field_is_named_and_the_field_keeps_its_text(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    field = wizard.app.screen.query_one("#api-key", SecretField)
    await wizard.press(*"MCowBQYDK2VwAyEA11qYAYKxCrfVS", "enter", *"x" * 3, "enter")
    await wizard.until("Notice", "This is a public key")
    assert field.length == len("MCowBQYDK2VwAyEA11qYAYKxCrfVS")


async def test_something_short_is_stored_only_after_it_was_said(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press(*"garbage", "enter", *"rubbish", "enter")
    await wizard.until("Notice", "Enter again stores it all the same")
    assert wizard.app.flow.credentials.pending is None
    await wizard.press("enter")
    await wizard.until("ActionBar", "Retry")


async def test_the_same_text_in_both_fields_is_refused(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press(*"abcdef", "enter", *"abcdef", "enter")
    await wizard.until("Notice", "are the same text")
    assert wizard.app.flow.credentials.pending is None


async def test_an_empty_field_is_said_and_nothing_is_written(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press("enter", "enter")
    await wizard.until("Notice", "no API key")
    assert wizard.app.flow.credentials.pending is None


async def test_the_public_key_on_the_screen_is_whole_also_beside_a_notice(wizard: Wizard) -> None:
    await wizard.to_credentials("ed25519")
    await wizard.until("#public-key", "END PUBLIC KEY")
    wizard.app.screen.query_one(Notice).good("Something happened.")
    await wizard.pilot.pause()
    (line,) = [line for line in wizard.text("#public-key").split() if line.startswith("MCow")]
    assert line in wizard.app.export_screenshot().replace("&#x27;", "'")


async def test_a_private_key_is_imported_and_its_public_half_shown(wizard: Wizard, tmp_path: Path) -> None:
    pair = generate_ed25519()
    file = tmp_path / "key.pem"
    file.write_text(pair.private_pem.reveal())
    file.chmod(0o644)
    await wizard.to_credentials("hmac")
    await wizard.press("f6", "down", "down", "enter")
    await wizard.until(".title", "Import a private key")
    wizard.app.screen.query_one("#path", Input).value = str(file)
    await wizard.press("enter")
    await wizard.until("#public-key", pair.public_pem.splitlines()[1])
    await wizard.until("Notice", "Other users of this machine may read")
    await wizard.press("f4", "n")
    await wizard.until("Notice", "The key was created")
    await wizard.press("t")
    await wizard.when(lambda: wizard.app.screen.query_one("#api-key", SecretField).length == 64)
    await wizard.press("enter")
    await wizard.until("#verdict", "The new key works from here")
    stored = wizard.app.flow.credentials.stored
    assert stored is not None
    assert f"still stands in plain text: {file}, line 1." in stored.advice
    assert [item for item in wizard.environments.store._items.values() if "imported public key" in item.reveal()] == []


async def test_a_key_pasted_where_a_path_belongs_is_not_shown(wizard: Wizard) -> None:
    pem = generate_ed25519().private_pem.reveal()
    await wizard.to_credentials("hmac")
    await wizard.press("f6", "down", "down", "enter")
    await wizard.until(".title", "Import a private key")
    for key in (pem, pem.splitlines()[1], "k" * 64, f"~/{'0123456789abcdef' * 4}"):
        wizard.app.post_message(events.Paste(key))
        await wizard.until("Notice", "looks like a key")
        assert wizard.app.screen.query_one("#path", Input).value == ""
        wizard.app.screen.query_one(Notice).clear()
    await wizard.press("tab")
    wizard.app.post_message(events.Paste(pem))
    await wizard.when(lambda: wizard.app.screen.query_one("#pem", SecretField).length == len(pem))
    await wizard.press("escape")
    assert wizard.app.flow.credentials.pending is None


async def test_a_wrong_passphrase_is_said_and_the_next_one_begins_in_an_empty_field(wizard: Wizard) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"right")).decode()
    await wizard.to_credentials("hmac")
    await wizard.press("f6", "down", "down", "enter")
    await wizard.until(".title", "Import a private key")
    await wizard.press("tab")
    wizard.app.screen.post_message(events.Paste(pem))
    await wizard.when(lambda: wizard.app.screen.query_one("#pem", SecretField).length > 0)
    await wizard.press("enter")
    await wizard.until("Notice", "The private key is encrypted")
    await wizard.press(*"wrong", "enter")
    await wizard.until("Notice", "The passphrase does not open this private key")
    assert wizard.app.screen.query_one("#pem", SecretField).length > 0
    await wizard.press(*"right", "enter")
    await wizard.until("#public-key", "END PUBLIC KEY")


async def test_the_field_stays_in_sight_beside_the_long_public_key_of_an_rsa_pair(wizard: Wizard) -> None:
    await wizard.to_credentials("hmac")
    await wizard.press("f6", "down", "enter")
    await wizard.until("#public-key", "END PUBLIC KEY")
    field = wizard.app.screen.query_one("#api-key", SecretField)
    assert wizard.app.screen.query_one("#body").region.contains_region(field.region)
    assert field.has_focus
    await wizard.press("f6", "up", "up", "enter")
    await wizard.when(lambda: len(wizard.text("#public-key").splitlines()) == 3)
