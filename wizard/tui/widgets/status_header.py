"""The header: which environment, how long two keys have been alive, and whether closing is safe."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.reactive import reactive
from textual.widgets import Static


class StatusHeader(Vertical):
    """Two lines that every screen has.

    Args:
        place: Where one is: `production · binance.com`.
        step: The step in short for narrow terminals, where the rail is hidden: `2/6 Whitelist`.
        closing: What closing now means.
    """

    DEFAULT_CSS = """
    StatusHeader {
        height: 2;
        background: $panel;
        & > Horizontal { height: 1; padding: 0 1; }
        & .brand { width: auto; text-style: bold; color: $text-primary; }
        & .place { width: 1fr; padding: 0 0 0 2; color: $text; }
        & .step { width: auto; color: $text; padding: 0 0 0 2; }
        & .overlap { width: auto; padding: 0 0 0 2; color: $text-warning; text-style: bold; }
        & .closing { height: 1; padding: 0 1; background: $surface; color: $text-muted; }
    }
    """

    overlap: reactive[str] = reactive("")
    """`overlap 3 min 5 s`, or nothing while only one key is alive."""
    closing: reactive[str] = reactive("")

    def __init__(self, place: str, step: str = "", closing: str = "") -> None:
        super().__init__()
        self._place = place
        self._step = step
        self.set_reactive(StatusHeader.closing, closing)

    def compose(self) -> ComposeResult:
        """Lay the two lines out."""
        with Horizontal():
            yield Static("Key Wizard", classes="brand")
            yield Static(self._place, classes="place", markup=False)
            yield Static(self._step, classes="step", markup=False)
            yield Static(self.overlap, classes="overlap", markup=False)
        yield Static(self._sentence(), classes="closing", markup=False)

    def watch_overlap(self, overlap: str) -> None:
        """Show the clock's new reading."""
        if self.is_mounted:
            self.query_one(".overlap", Static).update(overlap)

    def watch_closing(self) -> None:
        """Show what closing means now."""
        if self.is_mounted:
            self.query_one(".closing", Static).update(self._sentence())

    def _sentence(self) -> str:
        return f"Safe to close: {self.closing}." if self.closing else ""
