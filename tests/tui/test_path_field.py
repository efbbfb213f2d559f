"""A key that is given where a path belongs: never drawn, told in words, taken to its own field."""

from __future__ import annotations

import asyncio
import random
import string
from collections.abc import Iterator

import pytest
from textual import events
from textual.widgets import Input

from tests.terminal.harness import leaked
from tests.tui.conftest import Wizard
from tests.tui.test_find_key import adopting  # noqa: F401 - a fixture
from wizard.exchange.signing import generate_ed25519
from wizard.tui.screens.credentials import CredentialsScreen
from wizard.tui.screens.import_key import ImportKeyScreen
from wizard.tui.widgets import path_field
from wizard.tui.widgets.secret_field import SecretField

KEY, SECRET = ("".join(random.Random(seed).choices(string.ascii_letters + string.digits, k=64)) for seed in (1, 2))


class Drawn:
    """Everything that the screen's compositor sent to the terminal."""

    def __init__(self) -> None:
        self.text = ""


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[Drawn]:
    """Every repaint of a path's line, as text."""
    everything = Drawn()
    real = Input.render_line

    def render_line(self: Input, y: int):  # type: ignore[no-untyped-def]
        strip = real(self, y)
        everything.text += strip.text
        return strip

    monkeypatch.setattr(Input, "render_line", render_line)
    yield everything


def lengths(wizard: Wizard) -> tuple[int, ...]:
    return tuple(wizard.app.screen.query_one(name, SecretField).length for name in ("#api-key", "#secret"))


def lengths_behind(wizard: Wizard) -> tuple[int, ...]:
    """What the form under a dialog holds."""
    form = next(screen for screen in wizard.app.screen_stack if isinstance(screen, CredentialsScreen))
    return tuple(form.query_one(name, SecretField).length for name in ("#api-key", "#secret"))


def one_packet(wizard: Wizard, *keys: str) -> None:
    """Type all at once, as a driver hands on what came in one read."""
    for key in keys:
        wizard.app.post_message(events.Key(key, key if len(key) == 1 else None))


async def at_fields(wizard: Wizard) -> None:
    await wizard.when(lambda: isinstance(wizard.app.screen, CredentialsScreen))


async def test_a_key_pasted_as_the_path_of_a_source_is_covered_and_taken_to_its_field(
    adopting: Wizard,  # noqa: F811
    drawn: Drawn,
) -> None:
    await adopting.press("f9")
    await adopting.until(".title", "from where it is now")
    adopting.app.screen.post_message(events.Paste(f'"{KEY}"'))
    await adopting.when(lambda: adopting.app.screen.query_one("#covered", SecretField).length == 64)
    assert "looks like a key, not a path" in adopting.text(".covered")
    assert leaked(KEY, adopting.app.export_screenshot().encode()) == []
    await adopting.press("enter")
    await at_fields(adopting)
    await adopting.until("Notice", "taken as the API key, unseen")
    assert lengths(adopting) == (64, 0)
    assert adopting.app.focused is adopting.app.screen.query_one("#secret")
    await adopting.press("f5")
    await adopting.when(lambda: lengths(adopting) == (0, 64))
    assert leaked(KEY, drawn.text.encode()) == []


async def test_a_key_and_its_secret_typed_by_a_terminal_without_paste_marks_fill_both_fields(
    adopting: Wizard,  # noqa: F811
    drawn: Drawn,
) -> None:
    await adopting.press("f9")
    await adopting.until(".title", "from where it is now")
    one_packet(adopting, *KEY, "enter", *SECRET)
    await at_fields(adopting)
    await adopting.when(lambda: lengths(adopting) == (64, 64))
    assert adopting.app.screen.query_one("#secret", SecretField).peek().reveal() == SECRET
    assert leaked(KEY, drawn.text.encode()) + leaked(SECRET, drawn.text.encode()) == []


@pytest.mark.parametrize("text", [f"{KEY}\n{SECRET}\n", f"API_SECRET={SECRET}\nAPI_KEY={KEY}"])
async def test_both_in_one_paste_fill_both_fields(adopting: Wizard, text: str) -> None:  # noqa: F811
    await adopting.press("f9")
    await adopting.until(".title", "from where it is now")
    adopting.app.screen.post_message(events.Paste(text))
    await at_fields(adopting)
    await adopting.until("Notice", "Understood: an API key of 64 characters")
    assert adopting.app.screen.query_one("#api-key", SecretField).peek().reveal() == KEY
    assert adopting.app.screen.query_one("#secret", SecretField).peek().reveal() == SECRET


async def test_a_private_key_given_as_the_path_of_a_source_is_imported(adopting: Wizard) -> None:  # noqa: F811
    pair = generate_ed25519()
    await adopting.press("f9")
    await adopting.until(".title", "from where it is now")
    adopting.app.screen.post_message(events.Paste(pair.private_pem.reveal()))
    await adopting.when(lambda: isinstance(adopting.app.screen, ImportKeyScreen))
    await adopting.when(lambda: adopting.app.screen.query_one("#pem", SecretField).length > 100)
    await adopting.press("enter")
    await adopting.until("#public-key", pair.public_pem.splitlines()[1])


async def test_a_private_key_typed_by_a_terminal_without_paste_marks_is_imported(
    adopting: Wizard,  # noqa: F811
    drawn: Drawn,
) -> None:
    pair = generate_ed25519()
    pem = pair.private_pem.reveal()
    await adopting.press("f9")
    await adopting.until(".title", "from where it is now")
    one_packet(adopting, *("enter" if character == "\n" else character for character in pem))
    await adopting.when(lambda: isinstance(adopting.app.screen, ImportKeyScreen))
    await adopting.when(lambda: adopting.app.screen.query_one("#pem", SecretField).length == len(pem))
    assert leaked(pem.splitlines()[1], drawn.text.encode()) == []


@pytest.mark.parametrize("ends", ["line", "anywhere"])
async def test_a_private_key_that_comes_slowly_stays_whole_and_unseen(
    adopting: Wizard,  # noqa: F811
    drawn: Drawn,
    monkeypatch: pytest.MonkeyPatch,
    ends: str,
) -> None:
    # Each silence ends within the key, and the focus moves later than the keys come.
    monkeypatch.setattr(path_field, "HOLD", 0.001)
    pem = generate_ed25519().private_pem.reveal()
    await adopting.press("f9")
    await adopting.until(".title", "from where it is now")
    parts = pem.splitlines(keepends=True) if ends == "line" else [pem[at : at + 7] for at in range(0, len(pem), 7)]
    for part in parts:
        one_packet(adopting, *("enter" if character == "\n" else character for character in part))
        await asyncio.sleep(0.02)
    await adopting.when(lambda: isinstance(adopting.app.screen, ImportKeyScreen))
    await adopting.when(lambda: adopting.app.screen.query_one("#pem", SecretField).length >= len(pem.strip()))
    assert lengths_behind(adopting) == (0, 0)
    assert leaked(pem.splitlines()[1], drawn.text.encode()) == []


async def test_a_key_typed_by_hand_is_hidden_before_it_is_half_typed_and_can_be_erased(
    adopting: Wizard,  # noqa: F811
    drawn: Drawn,
) -> None:
    await adopting.press("f9")
    await adopting.until(".title", "from where it is now")
    field = adopting.app.screen.query_one("#path", Input)
    for start in range(0, 64, 8):
        await adopting.press(*KEY[start : start + 8])
        if adopting.app.screen.query_one("#covered").display:
            break
        await adopting.when(lambda typed=start + 8: len(field.value) == typed or not field.display)  # type: ignore[misc]
    assert KEY[20:] not in drawn.text
    assert KEY[:24] not in drawn.text
    await adopting.press("ctrl+u")
    assert field.has_focus
    assert field.value == ""
    await adopting.press(*"~/bot/.env")
    await adopting.when(lambda: field.value == "~/bot/.env")
    assert not field.password
    assert "~/bot/.env" in drawn.text


async def test_an_api_key_pasted_as_the_path_of_a_private_key_waits_in_its_field(wizard: Wizard) -> None:
    await wizard.to_whitelist()
    await wizard.press("ctrl+n", "down", "down", "down", "enter")
    await wizard.until(".title", "Import a private key")
    wizard.app.screen.post_message(events.Paste(KEY))
    await wizard.when(lambda: wizard.app.screen.query_one("#covered", SecretField).length == 64)
    await wizard.press("enter")
    await at_fields(wizard)
    await wizard.until("Notice", "It waits in its field")
    await wizard.press("up", "up", "up", "enter")
    await wizard.until("#public-key", "END PUBLIC KEY")
    assert wizard.app.screen.query_one("#api-key", SecretField).length == 64


@pytest.mark.parametrize(
    "pieces",
    [
        ("--", "---BEGIN PRI", "VATE KEY-----", "\n"),
        ("-----BEGIN PRIVATE KEY-----\n", 30, 34, "\n-----END PRI"),
    ],
)
async def test_a_private_key_typed_in_pieces_is_gathered_unseen_until_it_is_whole(
    adopting: Wizard,  # noqa: F811
    drawn: Drawn,
    pieces: tuple[str | int, ...],
) -> None:
    pem = generate_ed25519().private_pem.reveal()
    await adopting.press("f9")
    await adopting.until(".title", "from where it is now")
    field, typed = adopting.app.screen.query_one("#path", Input), 0
    for piece in pieces:
        typed += piece if isinstance(piece, int) else len(piece)
        begin = typed - (piece if isinstance(piece, int) else len(piece))
        one_packet(adopting, *("enter" if character == "\n" else character for character in pem[begin:typed]))
        if typed < 5:
            await adopting.when(lambda there=typed: len(field.value) == there)  # type: ignore[misc]
        else:
            await adopting.until(".gathered", f"unseen: {typed} characters")
    one_packet(adopting, *("enter" if character == "\n" else character for character in pem[typed:]))
    await adopting.when(lambda: isinstance(adopting.app.screen, ImportKeyScreen))
    await adopting.when(lambda: adopting.app.screen.query_one("#pem", SecretField).length == len(pem))
    assert adopting.app.screen.query_one("#pem", SecretField).peek().reveal() == pem
    assert field.value == ""
    assert leaked(pem.splitlines()[1][22:], drawn.text.encode(), 6) == []


async def test_a_private_key_that_is_not_whole_can_be_erased_and_left(adopting: Wizard) -> None:  # noqa: F811
    await adopting.press("f9")
    await adopting.until(".title", "from where it is now")
    field = adopting.app.screen.query_one("#path", Input)
    one_packet(adopting, *"-----BEGIN PRIVATE KEY-----", "enter", *"MC4C")
    await adopting.until(".gathered", "unseen: 32 characters")
    await adopting.press("backspace")
    await adopting.until(".gathered", "unseen: 31 characters")
    await adopting.press("ctrl+u")
    await adopting.when(lambda: not adopting.app.screen.query_one(".gathered").display)
    await adopting.press(*"key.pem")
    await adopting.when(lambda: field.value == "key.pem")
    await adopting.press("ctrl+u", *"-----BEGIN")
    await adopting.until(".gathered", "unseen: 10 characters")
    await adopting.press("escape")
    await at_fields(adopting)


@pytest.mark.parametrize("cut", [3, 39])
async def test_a_key_typed_in_two_pieces_is_taken_as_one(adopting: Wizard, cut: int) -> None:  # noqa: F811
    await adopting.press("f9")
    await adopting.until(".title", "from where it is now")
    field = adopting.app.screen.query_one("#path", Input)
    one_packet(adopting, *KEY[:cut])
    await adopting.when(lambda: len(field.value) == cut)
    one_packet(adopting, *KEY[cut:], "enter")
    await at_fields(adopting)
    await adopting.when(lambda: lengths(adopting) == (64, 0))
    assert adopting.app.screen.query_one("#api-key", SecretField).peek().reveal() == KEY


async def test_what_is_on_its_way_while_the_line_is_covered_follows_in_order(adopting: Wizard) -> None:  # noqa: F811
    await adopting.press("f9")
    await adopting.until(".title", "from where it is now")
    field = adopting.app.screen.query_one("#path", Input)
    one_packet(adopting, *KEY[:41])
    await adopting.when(lambda: len(field._held) == 41)  # type: ignore[attr-defined]
    one_packet(adopting, *KEY[41:50])
    field.draw_held()  # type: ignore[attr-defined]
    one_packet(adopting, *KEY[50:], "enter")
    await at_fields(adopting)
    await adopting.when(lambda: lengths(adopting) == (64, 0))
    assert adopting.app.screen.query_one("#api-key", SecretField).peek().reveal() == KEY
