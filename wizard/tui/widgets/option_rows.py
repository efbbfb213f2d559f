"""A list of options that bears every key at every moment."""

from __future__ import annotations

from contextlib import suppress

from textual.widgets import OptionList


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
