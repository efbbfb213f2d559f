"""SecretField: where a key, a secret or a password is typed or pasted and never shown.

The value is in a private buffer alone: in no message, reactive attribute, repr, selection, undo
history or clipboard. All editing happens in the key handler, in the order of the keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from wizard.core.secret import Secret
from wizard.core.text import Glyphs
from wizard.intake.candidates import HeldKey, read_pair
from wizard.intake.paste import MAX_LENGTH, IntakeError, Pasted, Shape, read_paste
from wizard.steps.form import Field, FieldKind

_SHAPES = {FieldKind.KEY: Shape.VALUE, FieldKind.PASSWORD: Shape.PASSWORD, FieldKind.PEM: Shape.PEM}
_MASK_WIDTH = 8
_LAST_FOUR_FROM = 8
_ERASE = frozenset({"backspace", "ctrl+h"})
_CLEAR = frozenset({"ctrl+u", "ctrl+w"})


class SecretField(Widget, can_focus=True):
    """One hidden value. Text is added at the end; a paste replaces everything.

    Of an API key the last four characters are shown, as the exchange's page does, once typing has come to an end: shown
    after every key, they would spell the whole. Enter inside a PEM block is a line end.
    """

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS = """
    SecretField {
        height: 1;
        width: 1fr;
        color: $text;
        background: $surface;
        &:focus { background: $panel; text-style: bold; }
    }
    """

    length: reactive[int] = reactive(0)
    """Characters in the field."""

    @dataclass(repr=False)
    class Submitted(Message):
        """Enter was pressed. The field keeps its value until `take` or `clear`."""

        field: SecretField

        @property
        def control(self) -> SecretField:
            """The field, for `@on(SecretField.Submitted, "#api-key")`."""
            return self.field

    @dataclass(repr=False)
    class PairPasted(Message):
        """An API key, its secret, or both were pasted, told apart. The field keeps what was there."""

        pair: HeldKey

    @dataclass(repr=False)
    class Noted(Message):
        """Something was not taken: what stood around a value, or all of a key press or paste."""

        note: str

    def __init__(self, field: Field, glyphs: Glyphs) -> None:
        super().__init__(id=field.name)
        self._field = field
        self._shape = _SHAPES[field.kind]
        self._glyphs = glyphs
        self._typed = bytearray()
        self._is_being_typed = False

    def take(self) -> Secret:
        """Hand the value over and empty the field. The caller wipes it."""
        secret = self.peek()
        self.clear()
        return secret

    def peek(self) -> Secret:
        """Return a copy, to check it while the field keeps the value. The caller wipes it."""
        return Secret(self._typed.decode())

    def fill(self, secret: Secret) -> None:
        """Put a value that was handed over by the program, not typed, in place of what is there."""
        self._wipe()
        self._typed.extend(secret.reveal().encode())
        self._changed()

    def clear(self) -> None:
        """Overwrite and empty the field."""
        if self._typed:
            self._wipe()
            self._changed()

    def render(self) -> Text:
        """Show a mask of fixed width, the length, and the last four where asked."""
        focus = self._glyphs.focus if self.has_focus else " "
        if not self._typed:
            return Text(f"{focus} {self._field.placeholder}", no_wrap=True, overflow="ellipsis")
        mask = self._glyphs.mask * _MASK_WIDTH
        unit = "character" if self.length == 1 else "characters"
        return Text(f"{focus} {mask} {self.length} {unit}{self._last_four()}", no_wrap=True, overflow="ellipsis")

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002 - Textual's signature
        """Tell the footer that printable keys are text here, not bindings."""
        return character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """Edit, in the order of the keys; leave other keys to bindings."""
        if self._edit(event):
            event.stop()
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Take the paste whole or not at all."""
        event.stop()
        event.prevent_default()
        text, event.text = event.text, ""
        try:
            pair = read_pair(text, self._field.site) if self._field.site else None
            answer = pair or read_paste(text, self._shape)
        except IntakeError as error:
            kept = " What was here is kept." if self._typed else ""
            self.post_message(self.Noted(f"{error.what} Nothing was taken.{kept}"))
            return
        if isinstance(answer, HeldKey):
            self.post_message(self.PairPasted(answer))
        else:
            self._replace(answer)

    def on_focus(self) -> None:
        """Draw the mark of the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """Typing has come to an end."""
        self._show()

    def on_unmount(self) -> None:
        """Keep nothing when the screen is left."""
        self._wipe()

    def _last_four(self) -> str:
        if self._field.name != "api_key" or self._is_being_typed or self.length < _LAST_FOUR_FROM:
            return ""
        return f" {self._glyphs.working}{self._typed[-4:].decode(errors='replace')}"

    def _edit(self, event: events.Key) -> bool:
        """Act on a key of this field; return whether it was one."""
        if event.key == "enter" or (event.key == "ctrl+j" and self._typed):
            self._enter()
        elif event.key in _ERASE:
            self._erase()
        elif event.key in _CLEAR:
            self.clear()
        elif event.key == "ctrl+v":
            note = "Paste with the terminal's own key, often Ctrl+Shift+V or Shift+Insert."
            self.post_message(self.Noted(note))
        elif event.key == "ctrl+j":
            pass  # the second half of CR LF, in a paste that came as keys
        elif event.is_printable and event.character:
            self._type(event.character)
        else:
            return False
        return True

    def _enter(self) -> None:
        if self._shape is Shape.PEM and b"-----BEGIN" in self._typed and b"-----END" not in self._typed:
            self._append("\n")
            return
        self._show()
        self.post_message(self.Submitted(self))

    def _type(self, character: str) -> None:
        if not self._shape.takes(character):
            what = "A space" if character == " " else "A character that no key has"
            self.post_message(self.Noted(f"{what} was left out."))
        elif self.length >= MAX_LENGTH:
            self.post_message(self.Noted(f"The field holds {MAX_LENGTH} characters at most."))
        else:
            self._append(character)

    def _append(self, character: str) -> None:
        self._is_being_typed = True
        self._typed.extend(character.encode())
        self._changed()

    def _erase(self) -> None:
        if self._typed:
            self._is_being_typed = True
            kept = self._typed.decode()[:-1].encode()
            self._typed[len(kept) :] = b""
            self._changed()

    def _replace(self, pasted: Pasted) -> None:
        notes = [*pasted.notes()]
        if self._typed:
            notes.append(f"The paste replaced the {self.length} characters that were here.")
        self._wipe()
        self._typed.extend(pasted.text.encode())
        self._changed()
        if notes:
            self.post_message(self.Noted(" ".join(notes)))

    def _changed(self) -> None:
        self.length = len(self._typed.decode())
        self.refresh()

    def _show(self) -> None:
        self._is_being_typed = False
        self.refresh()

    def _wipe(self) -> None:
        self._typed[:] = bytes(len(self._typed))
        self._typed.clear()
        self._is_being_typed = False
