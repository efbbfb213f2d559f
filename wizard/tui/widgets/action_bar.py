"""The footer: every action with its key, in one order on all pages."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from wizard.steps.view import Action
from wizard.tui.content import marked

NAMES = {"escape": "esc", "question_mark": "?", "f1": "F1"}
GAP = "   "


def key_name(key: str) -> str:
    """Return a key as it is written on a keyboard."""
    return NAMES.get(key, key)


class ActionBar(Static):
    """Keys and what they do. What does not fit one line goes on in the next."""

    def __init__(self) -> None:
        super().__init__()
        self._pairs: list[tuple[str, str]] = []

    def show(self, actions: Sequence[Action], *others: tuple[str, str]) -> None:
        """Show these actions, and then keys that every page has, each with its label."""
        pairs = [(action.key, action.label) for action in actions if action.is_in_footer]
        self._pairs = [*pairs, *others]
        self.update(self._drawn(self.size.width or self.app.size.width))

    def on_resize(self) -> None:
        """Break the lines anew."""
        self.update(self._drawn(self.size.width))

    def _drawn(self, width: int) -> Content:
        parts = [marked("[b $text-accent]$key[/] $label", key=key_name(key), label=label) for key, label in self._pairs]
        wide, narrow = (_lines(parts, gap, width) for gap in (GAP, "  "))
        return Content("\n").join(narrow if len(narrow) < len(wide) else wide)


def _lines(parts: Sequence[Content], gap: str, width: int) -> list[Content]:
    lines: list[Content] = []
    for part in parts:
        if lines and lines[-1].cell_length + len(gap) + part.cell_length <= width:
            lines[-1] = lines[-1] + gap + part
        else:
            lines.append(part)
    return lines
