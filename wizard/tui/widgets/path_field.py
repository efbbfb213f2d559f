"""A path in sight. A key that is pasted or typed here by mistake is covered before it is drawn."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from wizard.glyphs import Glyphs
from wizard.intake.misplaced import looks_like_key, may_become_key
from wizard.key_shape import FRAME
from wizard.secret import Secret
from wizard.tui.widgets.secret_field import SecretField

HOLD = 0.1
"""Seconds of silence after which typed characters are drawn: a terminal without bracketed paste types what is
pasted faster than that, and it is judged as a whole."""
COVERED = (
    "This looks like a key, not a path: it stays hidden. Enter takes it to its own field; Ctrl+U empties this one."
)
DOUBTED = "Hidden as long as it may become a key; Enter reads it as a path."
BEING_TYPED = "a private key is being typed, hidden"
_END = re.compile(r"-----END [A-Z0-9 ]+-----")


class PathField(Vertical):
    """One line for a path; while it holds what looks like a key, a `SecretField` stands in its place.

    Args:
        placeholder: Shown while it is empty.
        glyphs: The signs of the covered field.
    """

    DEFAULT_CSS = """
    PathField {
        height: auto;
        & SecretField, & Static { display: none; height: auto; }
        &.-covered SecretField, &.-covered .covered, &.-doubted .doubted { display: block; }
        &.-covered Input, &.-covered .doubted { display: none; }
    }
    """

    class Entered(Message):
        """Enter was pressed on a path, or on nothing."""

        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    class KeyEntered(Message):
        """A key is to be taken to its own field: a value after Enter, a PEM block at once. The receiver wipes it."""

        def __init__(self, key: Secret) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, placeholder: str, glyphs: Glyphs) -> None:
        super().__init__()
        self._placeholder = placeholder
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """Lay out the line and what stands in its place."""
        yield _PathInput(self._hide_key, self._placeholder)
        yield SecretField(takes_pair=True, glyphs=self._glyphs, id="covered")
        yield Static(COVERED, classes="covered", markup=False)
        yield Static(DOUBTED, classes="doubted", markup=False)

    @property
    def path(self) -> str:
        """What was typed as a path."""
        field = self.query_one(_PathInput)
        field.draw_held()
        return field.value

    def focus_line(self) -> None:
        """Give the focus to what can be typed into."""
        self.query_one("#covered" if self.has_class("-covered") else "#path").focus()

    def _hide_key(self, text: str, is_entered: bool) -> None:
        if "-----" in text:
            self.post_message(self.KeyEntered(Secret(text)))
            return
        self.add_class("-covered")
        field = self.query_one("#covered", SecretField)
        field.focus()
        field.on_paste(events.Paste(text))
        if is_entered:
            self._hand_over()
        elif not field.length:
            self._show_path()

    def _show_path(self) -> None:
        self.remove_class("-covered")
        self.query_one("#path").focus()

    def _hand_over(self) -> None:
        field = self.query_one("#covered", SecretField)
        if field.length:
            self.post_message(self.KeyEntered(field.take()))

    @on(Input.Changed)
    def doubt(self, event: Input.Changed) -> None:
        """Say why a path is not shown."""
        self.set_class(event.input.password, "-doubted")

    @on(SecretField.Changed)
    def uncover_when_empty(self, event: SecretField.Changed) -> None:
        """Show the path again when the key was taken or erased."""
        event.stop()
        if not event.length and self.has_class("-covered"):
            self._show_path()

    @on(SecretField.Submitted)
    def hand_over(self, event: SecretField.Submitted) -> None:
        """Tell that the key is to be taken to its own field."""
        event.stop()
        self._hand_over()

    @on(Input.Submitted)
    def enter(self, event: Input.Submitted) -> None:
        """Tell the path."""
        event.stop()
        self.post_message(self.Entered(event.value))


class _PathInput(Input):
    """Holds what is typed for a moment, and judges it before it is drawn."""

    TAKES_KEYS: ClassVar[bool] = True
    """Whether a key may be pasted here: it is covered."""

    def __init__(self, hide_key: Callable[[str, bool], None], placeholder: str) -> None:
        super().__init__(compact=True, select_on_focus=False, placeholder=placeholder, id="path")
        self.cursor_blink = False
        self._hide_key = hide_key
        self._usual_placeholder = placeholder
        self._held = ""
        self._holding: Timer | None = None

    def on_key(self, event: events.Key) -> None:
        """Hold printable keys, and line ends within a key; before any other key acts, what is held is judged."""
        if event.is_printable and event.character:
            self._hold(event.character)
        elif event.key in ("enter", "ctrl+j") and looks_like_key(self._held):
            self._hold("\n")
        elif not self.draw_held():
            return
        event.prevent_default()
        event.stop()

    def on_paste(self, event: events.Paste) -> None:
        """Judge a paste before it is drawn."""
        event.prevent_default()
        event.stop()
        self.draw_held()
        self._take(event.text)
        event.text = ""

    def watch_value(self, value: str) -> None:
        """Show what can be no key any more."""
        self.password = self.password and may_become_key(value)

    def on_blur(self) -> None:
        """Draw what is held."""
        self.draw_held()

    def _hold(self, character: str) -> None:
        self._held += character
        self._stop_holding()
        self._holding = self.set_timer(HOLD, self._pause)

    def _pause(self) -> None:
        # The lines of a private key stay together, however slowly they come: handed over in the middle, the next
        # line would be taken for a value, as the focus moves later than the keys.
        whole = self._with(self._held)
        if FRAME in whole and not _END.search(whole):
            self._held, self.value, self.placeholder = whole, "", BEING_TYPED
        else:
            self.draw_held()

    def _with(self, text: str) -> str:
        start, end = sorted(self.selection)
        return self.value[:start] + text + self.value[end:]

    def draw_held(self) -> bool:
        """Draw what was typed, or cover it; return whether it was covered."""
        held, self._held = self._held, ""
        self.placeholder = self._usual_placeholder
        self._stop_holding()
        return bool(held) and self._take(held, is_typed=True)

    def _take(self, text: str, *, is_typed: bool = False) -> bool:
        is_entered = is_typed and text.endswith("\n")
        if looks_like_key(text):
            self._hide_key(text, is_entered)
            return True
        line = text.strip("\r\n")
        whole = self._with(line)
        if looks_like_key(whole):
            self.value = ""
            self._hide_key(whole, is_entered)
            return True
        # A paste came as a whole; of what is typed there may be more to come.
        self.password = is_typed and may_become_key(whole)
        self.replace(line, *sorted(self.selection))
        return False

    def _stop_holding(self) -> None:
        if self._holding is not None:
            self._holding.stop()
            self._holding = None
