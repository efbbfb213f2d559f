"""Textual's own widgets as this program needs them."""

from __future__ import annotations

from textual.widgets import Input


class LineInput(Input):
    """An `Input` without frame and blinking cursor: one row, and no byte to the terminal while it is idle."""

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(value, placeholder=placeholder, id=id, compact=True, select_on_focus=False)
        self.cursor_blink = False
