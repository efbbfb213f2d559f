"""A path in sight. A key that is pasted or typed here by mistake is covered before it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static

from wizard.core.glyphs import Glyphs
from wizard.core.key_shape import FRAME
from wizard.core.secret import Secret
from wizard.intake.misplaced import is_unfinished_pem, looks_like_key, may_become_key
from wizard.tui.key_order import KeyOrder
from wizard.tui.widgets.secret_field import SecretField

HOLD = 0.1
"""Seconds of silence after which typed characters are drawn: a terminal without bracketed paste types what is
pasted faster than that, and it is judged as a whole."""
COVERED = (
    "This looks like a key, not a path: it stays hidden. Enter takes it to its own field; Ctrl+U empties this one."
)
DOUBTED = "Hidden as long as it may become a key; Enter reads it as a path."
GATHERED = (
    "A private key is typed here, unseen: {} characters. With its END line it goes to its own field; Ctrl+U empties"
    " this one."
)


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
        &.-covered SecretField, &.-covered .covered, &.-doubted .doubted, &.-gathering .gathered { display: block; }
        &.-covered Input, &.-covered .doubted, &.-gathering .doubted { display: none; }
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
        yield _PathInput(self._hide_key, self._follow, self._tell_gathered, self._placeholder)
        yield SecretField(takes_pair=True, glyphs=self._glyphs, id="covered")
        yield Static(COVERED, classes="covered", markup=False)
        yield Static(DOUBTED, classes="doubted", markup=False)
        yield Static(classes="gathered", markup=False)

    @property
    def path(self) -> str:
        """What was typed as a path."""
        field = self.query_one(_PathInput)
        field.draw_held()
        return field.value

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed or pasted here, in sight or not."""
        return not (self.has_class("-covered") or self.has_class("-gathering") or self.path)

    def focus_line(self) -> None:
        """Give the focus to what can be typed into."""
        self.query_one("#covered" if self.has_class("-covered") else "#path").focus()

    def _hide_key(self, text: str, is_entered: bool) -> None:
        self._tell_gathered(0)
        if FRAME in text:
            self.post_message(self.KeyEntered(Secret(text)))
            return
        self.add_class("-covered")
        field = self.query_one("#covered", SecretField)
        field.focus()
        if isinstance(self.app, KeyOrder):
            self.app.hold_until_done(self.query_one("#path"))
        field.on_paste(events.Paste(text))
        if is_entered:
            self._hand_over()
        elif not field.length:
            self._show_path()

    def _follow(self, event: events.Key) -> bool:
        """Hand a key, which was on its way when the line was covered, on to what covers it; return whether it was."""
        is_covered = self.has_class("-covered")
        if is_covered:
            self.query_one("#covered", SecretField).on_key(event)
        return is_covered

    def _tell_gathered(self, length: int) -> None:
        self.set_class(length > 0, "-gathering")
        if length:
            self.query_one(".gathered", Static).update(GATHERED.format(length))

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


_SHORTER: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(("backspace", "ctrl+h"), lambda text: text[:-1]),
    **dict.fromkeys(("ctrl+u", "ctrl+w"), lambda _: ""),
}
"""What the keys that erase leave of a private key that is not whole yet."""


class _PathInput(Input):
    """Holds what is typed for a moment, and judges it before it is drawn.

    A private key is held until it is whole: handed on before, what is still on its way would reach two fields.
    """

    TAKES_KEYS: ClassVar[bool] = True
    """Whether a key may be pasted here: it is covered."""

    def __init__(
        self,
        hide_key: Callable[[str, bool], None],
        follow: Callable[[events.Key], bool],
        tell_gathered: Callable[[int], None],
        placeholder: str,
    ) -> None:
        super().__init__(compact=True, select_on_focus=False, placeholder=placeholder, id="path")
        self.cursor_blink = False
        self._hide_key = hide_key
        self._follow = follow
        self._tell_gathered = tell_gathered
        self._held = ""
        self._holding: Timer | None = None

    def on_key(self, event: events.Key) -> None:
        """Hold printable keys, and line ends within a key; before any other key acts, what is held is judged."""
        if self._follow(event):
            return
        if event.is_printable and event.character:
            self._hold(event.character)
        elif event.key in ("enter", "ctrl+j") and self._is_within_key():
            self._hold("\n")
        elif is_unfinished_pem(self._held) and event.key in _SHORTER:
            self._gather(_SHORTER[event.key](self._held))
        elif not self.draw_held():
            return
        event.prevent_default()
        event.stop()

    def on_paste(self, event: events.Paste) -> None:
        """Judge a paste before it is drawn."""
        event.prevent_default()
        event.stop()
        self.draw_held()
        self._take(self._gathered() + event.text)
        event.text = ""

    def watch_value(self, value: str) -> None:
        """Show what can be no key any more."""
        self.password = self.password and may_become_key(value)

    def on_blur(self) -> None:
        """Draw what is held, or hand on what is there of a private key."""
        self.draw_held()
        if begun := self._gathered():
            self._take(begun)

    def draw_held(self) -> bool:
        """Draw what was typed, or cover it; return whether it was covered."""
        held, self._held = self._held, ""
        self._stop_holding()
        return bool(held) and self._take(held, is_typed=True)

    def _is_within_key(self) -> bool:
        whole = self.value + self._held
        return bool(self._held) and looks_like_key(whole if _continues(self.value, whole) else self._held)

    def _hold(self, character: str) -> None:
        self._held += character
        self._stop_holding()
        self._holding = self.set_timer(HOLD, self.draw_held)

    def _take(self, text: str, *, is_typed: bool = False) -> bool:
        start, end = sorted(self.selection)
        line = text.strip("\r\n")
        whole = self.value[:start] + line + self.value[end:]
        is_continued = is_typed and _continues(self.value, whole)
        if looks_like_key(text) and not is_continued:
            return self._take_key(text, is_typed)
        if looks_like_key(whole):
            self.value = ""
            return self._take_key(whole + text[len(text.rstrip("\r\n")) :], is_typed)
        # A paste came as a whole; of what is typed there may be more to come.
        self.password = is_typed and may_become_key(whole)
        self.replace(line, start, end)
        return False

    def _take_key(self, key: str, is_typed: bool) -> bool:
        if is_typed and is_unfinished_pem(key):
            self._gather(key)
            return False
        self._hide_key(key, is_typed and key.endswith("\n"))
        return True

    def _gather(self, begun: str) -> None:
        self._held = begun
        self._tell_gathered(len(begun))

    def _gathered(self) -> str:
        """Return what is there of a private key that is still being typed, and hold it no longer."""
        begun = self._held
        self._gather("")
        return begun

    def _stop_holding(self) -> None:
        if self._holding is not None:
            self._holding.stop()
            self._holding = None


def _continues(before: str, whole: str) -> bool:
    """Return whether what was typed goes on with a key of which the beginning stands there."""
    return before.isalnum() or whole.startswith(FRAME)
