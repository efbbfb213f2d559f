"""Rows of evidence, under titles."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import DataTable


class EvidenceTable(DataTable[Text], can_focus=False):
    """Rows of evidence. It takes no focus, so that Enter stays the key that goes on.

    Args:
        columns: The titles.
        id: The widget's id.
    """

    def __init__(self, *columns: str, id: str) -> None:
        super().__init__(id=id, cursor_type="none", cell_padding=1)
        self._titles = columns

    def add(self, *cells: str) -> None:
        """Append a row. The cells come from outside: a `str` would be read as markup by the table."""
        self.add_row(*map(Text, cells))
        self.scroll_end(animate=False)

    def on_mount(self) -> None:
        """Set the columns up."""
        self.add_columns(*self._titles)
