"""Help for the screen below: what it is for, and all its keys."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static


class HelpScreen(ModalScreen[None]):
    """Explains one screen.

    Args:
        about: The screen that is explained.
        place: The place of the credentials, as a phrase that stands for `{place}` in its text.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,question_mark,enter", "dismiss", "Close")]

    def __init__(self, about: Screen[object], place: str) -> None:
        super().__init__()
        self._text = str(getattr(about, "HELP", "")).format(place=place)
        self._keys = tuple(_keys(about))

    def compose(self) -> ComposeResult:
        """Lay text and keys out."""
        with VerticalScroll(classes="dialog") as dialog:
            # In the frame: below the lines it would be out of sight at 60x20.
            dialog.border_subtitle = "Arrows scroll, Esc closes this."
            yield Static("Help", classes="title")
            yield Static(self._text, markup=False)
            lines = [
                Content.from_markup("[b $text-accent]$key[/]  $does", key=f"{key:<7}", does=does)
                for key, does in self._keys
            ]
            yield Static(Content("\n").join([Content(""), *lines]))


def _keys(screen: Screen[object]) -> list[tuple[str, str]]:
    seen: dict[str, tuple[str, str]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if active.enabled and binding.show and binding.action not in seen:
            key = binding.key_display or binding.key.split(",")[0]
            seen[binding.action] = (key.upper() if len(key) == 1 else key, binding.tooltip or binding.description)
    return list(seen.values())
