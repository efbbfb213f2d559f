"""Textual's own widgets as this program needs them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from textual.content import Content
from textual.widgets import Input, OptionList


class LineInput(Input):
    """An `Input` without frame and blinking cursor: one row, and no byte to the terminal while it is idle."""

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None) -> None:
        super().__init__(value, placeholder=placeholder, id=id, compact=True, select_on_focus=False)
        self.cursor_blink = False


class OptionRows(OptionList):
    """An `OptionList` whose page keys do nothing where a window has no room for a row.

    Textual 8.2 looks the highlighted row up among those that are laid out, finds none, and ends the program.
    """

    def action_page_up(self) -> None:
        """Move the highlight up one page."""
        with suppress(KeyError, IndexError):
            super().action_page_up()  # type: ignore[no-untyped-call]

    def action_page_down(self) -> None:
        """Move the highlight down one page."""
        with suppress(KeyError, IndexError):
            super().action_page_down()  # type: ignore[no-untyped-call]


class ItemRows(OptionRows):
    """Rows, each for one item. The cursor stays on its item when they are shown anew."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.items: tuple[Any, ...] = ()
        self._numbers: dict[Any, int] = {}

    @property
    def item(self) -> Any:
        """The item under the cursor; None where there are no rows."""
        index = self.highlighted
        return self.items[index] if index is not None and index < len(self.items) else None

    def show(self, rows: Mapping[Any, Content]) -> None:
        """Show the rows of these items in the place of those before."""
        before = self.item
        self.items = tuple(rows)
        self._numbers = {item: number for number, item in enumerate(rows)}
        self.clear_options()
        self.add_options(rows.values())
        if rows:
            self.move_to(before if before in rows else self.items[0])

    def move_to(self, item: Any) -> None:
        """Move the cursor to an item."""
        self.highlighted = self._numbers[item]

    def change(self, item: Any, row: Content) -> None:
        """Show another row for an item."""
        self.replace_option_prompt_at_index(self._numbers[item], row)
