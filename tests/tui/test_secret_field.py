from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest
from textual import events
from textual.app import ComposeResult
from textual.message import Message
from textual.pilot import Pilot

from wizard.core.text import ASCII, UNICODE, Glyphs
from wizard.intake.paste import MAX_LENGTH
from wizard.steps.form import Field, FieldKind
from wizard.tui.safe_app import SafeApp
from wizard.tui.widgets.secret_field import SecretField

API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n"


Kind = TypeVar("Kind", bound=Message)


class OneField(SafeApp):
    def __init__(self, field: SecretField) -> None:
        super().__init__()
        self.field = field

    def compose(self) -> ComposeResult:
        yield self.field


class Driven:
    """A field in an app, and what it said."""

    def __init__(self, pilot: Pilot[int], field: SecretField, said: list[Message]) -> None:
        self.pilot, self.field, self.said = pilot, field, said

    async def paste(self, text: str) -> None:
        self.pilot.app.post_message(events.Paste(text))
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        await self.pilot.press(*text)

    def of(self, kind: type[Kind]) -> list[Kind]:
        """The messages of one kind, each once, although every ancestor sees it."""
        return list({id(message): message for message in self.said if isinstance(message, kind)}.values())

    def notes(self) -> list[str]:
        return [message.note for message in self.of(SecretField.Noted)]


@asynccontextmanager
async def driven(
    name: str = "secret", kind: FieldKind = FieldKind.KEY, glyphs: Glyphs = UNICODE
) -> AsyncIterator[Driven]:
    field = SecretField(Field(name, "", kind), glyphs)
    said: list[Message] = []
    async with OneField(field).run_test(message_hook=said.append) as pilot:
        yield Driven(pilot, field, said)


async def test_typed_characters_come_back_by_peek_and_by_take() -> None:
    async with driven() as it:
        await it.type("aB3")
        assert it.field.peek().reveal() == "aB3"
        assert it.field.take().reveal() == "aB3"
        assert it.field.peek().reveal() == ""
        assert it.field.length == 0


async def test_enter_keeps_what_was_typed() -> None:
    async with driven() as it:
        await it.type("abc")
        await it.pilot.press("enter")
        assert len(it.of(SecretField.Submitted)) == 1
        assert it.field.peek().reveal() == "abc"


async def test_backspace_erases_one_and_ctrl_u_all() -> None:
    async with driven() as it:
        await it.type("abc")
        await it.pilot.press("backspace")
        assert it.field.peek().reveal() == "ab"
        await it.pilot.press("ctrl+u", "backspace")
        assert it.field.peek().reveal() == ""


async def test_no_message_and_no_repr_carries_the_value() -> None:
    async with driven("api_key") as it:
        await it.paste(API_KEY)
        await it.type("xyzzy")
        await it.pilot.press("enter")
        own = [message for message in it.said if type(message).__module__ == SecretField.__module__]
        assert own
        assert [
            message for message in own if API_KEY[:8] in repr(vars(message)) or "xyzzy" in repr(vars(message))
        ] == []
        assert API_KEY[:8] not in repr(it.field)
        assert all(not message.text for message in it.said if isinstance(message, events.Paste))


async def test_the_screen_shows_a_mask_of_one_width_and_the_length() -> None:
    async with driven(glyphs=ASCII) as it:
        await it.type("a")
        assert it.field.render().plain == "> ******** 1 character"
        await it.paste(API_KEY)
        assert it.field.render().plain == "> ******** 64 characters"


@pytest.mark.parametrize(("length", "shown"), [(7, ""), (8, " …uEh8A"[-7:])])
async def test_the_last_four_are_shown_from_eight_characters_on(length: int, shown: str) -> None:
    async with driven("api_key") as it:
        await it.paste(API_KEY[-length:])
        assert it.field.render().plain.endswith(f"{length} characters{' …Eh8A' if shown else ''}")


async def test_the_last_four_are_not_shown_while_typing() -> None:
    async with driven("api_key") as it:
        await it.paste(API_KEY[:10])
        await it.type("q")
        assert it.field.render().plain.endswith("11 characters")
        await it.pilot.press("enter")
        assert it.field.render().plain.endswith("11 characters …" + API_KEY[7:10] + "q")


@pytest.mark.parametrize(
    ("pasted", "note"),
    [
        (f"  {API_KEY}\r\n", "Left out: spaces around it."),
        (f'"{API_KEY}"', "Left out: quotes around it."),
        (f"\ufeff{API_KEY[:9]}\u200b{API_KEY[9:]}", "Left out: invisible characters."),
        (f"\x1b[200~{API_KEY}[201~", "Left out: paste markers."),
    ],
)
async def test_what_is_around_the_value_is_left_out_with_a_note(pasted: str, note: str) -> None:
    async with driven() as it:
        await it.paste(pasted)
        assert it.field.peek().reveal() == API_KEY
        assert it.notes() == [note]


async def test_a_clean_paste_needs_no_note() -> None:
    async with driven() as it:
        await it.paste(API_KEY)
        assert it.of(SecretField.Noted) == []


async def test_a_second_paste_replaces_the_first_and_says_so() -> None:
    async with driven() as it:
        await it.paste("first")
        await it.paste("second")
        assert it.field.peek().reveal() == "second"
        assert it.notes() == ["The paste replaced the 5 characters that were here."]


@pytest.mark.parametrize(
    ("pasted", "reason"),
    [
        ("one\ntwo\nthree", "The paste holds 3 lines. This field takes one value."),
        ("", "The paste is empty, or its end is missing."),
        ("two words", "The paste holds spaces or signs that no key has."),
        ("x" * (MAX_LENGTH + 1), f"The paste is longer than {MAX_LENGTH} characters."),
    ],
)
async def test_a_paste_that_is_not_one_value_is_rejected_and_changes_nothing(pasted: str, reason: str) -> None:
    async with driven() as it:
        await it.type("kept")
        await it.paste(pasted)
        assert it.field.peek().reveal() == "kept"
        assert it.notes() == [f"{reason} Nothing was taken. What was here is kept."]


async def test_a_pem_field_takes_a_whole_block_and_no_part_of_one() -> None:
    async with driven(kind=FieldKind.PEM) as it:
        await it.paste(PEM.replace("\n", "\r\n"))
        assert it.field.peek().reveal() == PEM
        await it.paste(PEM.splitlines()[0])
        assert it.field.peek().reveal() == PEM
        assert len(it.notes()) == 1


async def test_a_password_keeps_its_spaces_and_accents() -> None:
    async with driven(kind=FieldKind.PASSWORD) as it:
        await it.paste(" pâss wörd ")
        await it.pilot.press("space", "é")
        assert it.field.peek().reveal() == " pâss wörd  é"
        await it.pilot.press("backspace")
        assert it.field.peek().reveal() == " pâss wörd  "


async def test_a_typed_space_in_a_key_is_left_out_and_said() -> None:
    async with driven() as it:
        await it.pilot.press("a", "space", "b")
        assert it.field.peek().reveal() == "ab"
        assert it.notes() == ["A space was left out."]


async def test_typing_stops_at_the_limit_and_says_so() -> None:
    async with driven() as it:
        await it.paste("x" * MAX_LENGTH)
        await it.type("y")
        assert it.field.length == MAX_LENGTH
        assert it.notes() == [f"The field holds {MAX_LENGTH} characters at most."]


async def test_a_removed_field_keeps_nothing() -> None:
    async with driven() as it:
        await it.paste(API_KEY)
        await it.field.remove()
        assert it.field.peek().reveal() == ""


async def test_copying_leaves_the_app_s_clipboard_empty() -> None:
    async with driven() as it:
        await it.paste(API_KEY)
        await it.pilot.press("ctrl+a", "ctrl+c", "ctrl+x")
        assert it.pilot.app.clipboard == ""
        assert it.field.peek().reveal() == API_KEY


async def test_no_key_shows_the_value() -> None:
    async with driven() as it:
        await it.paste(API_KEY)
        for letter in "abcdefghijklmnopqrstuvwxyz":
            if letter not in "uw":  # these two empty the field
                await it.pilot.press(f"ctrl+{letter}")
            assert API_KEY[:8] not in it.field.render().plain
