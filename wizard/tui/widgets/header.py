"""What stands around every step: the header, and the list of the steps."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from wizard.core.text import Glyphs
from wizard.rotation.model import TITLES, Mode, Step


class StepList(Static):
    """The steps of one rotation, the finished ones ticked, but for those that were left open.

    Args:
        steps: Those that apply; the others are shown as not applicable.
        step: Where the rotation stands.
        mode: Named above the steps.
        glyphs: The signs beside the words.
        left_open: Steps that one went on from without what they are for.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        step: Step,
        mode: Mode,
        glyphs: Glyphs,
        left_open: frozenset[Step] = frozenset(),
    ) -> None:
        lines = [Content.from_markup("[b]$mode[/]\n", mode=mode.value.replace("-", " ").capitalize())]
        position = steps.index(step)
        for number, each in enumerate(TITLES, 1):
            lines.append(_line(number, each, steps, position, glyphs, is_open=each in left_open))
        super().__init__(Content("\n").join(lines))


def _line(number: int, step: Step, steps: Sequence[Step], position: int, glyphs: Glyphs, *, is_open: bool) -> Content:
    label = f"{number} {TITLES[step]}"
    if step not in steps:
        return Content.from_markup("[$text-disabled]  $label[/]\n[$text-disabled]    not needed[/]", label=label)
    if steps.index(step) < position and is_open:
        return Content.from_markup("[$text-warning]$glyph[/] $label", glyph=glyphs.caution, label=label)
    if steps.index(step) < position:
        return Content.from_markup("[$text-success]$glyph[/] $label", glyph=glyphs.passed, label=label)
    if steps.index(step) == position:
        return Content.from_markup("[b $text-primary]$glyph $label[/]", glyph=glyphs.current, label=label)
    return Content.from_markup("$glyph $label", glyph=glyphs.pending, label=label)


class StatusHeader(Vertical):
    """Two lines that every screen has.

    Args:
        place: Where one is: `production · binance.com`.
        step: The step in short for narrow terminals, where the list is hidden: `2/6 Whitelist`.
        closing: What closing now means.
    """

    def __init__(self, place: str, step: str = "", closing: str = "") -> None:
        super().__init__()
        self._place = place
        self._step = step
        self._meaning = closing

    def compose(self) -> ComposeResult:
        """Lay the two lines out."""
        with Horizontal():
            yield Static("Key Wizard", classes="brand")
            yield Static(self._place, classes="place", markup=False)
            yield Static(self._step, classes="step", markup=False)
            yield Static("", classes="overlap", markup=False)
        yield Static(f"Safe to close: {self._meaning}.", classes="closing", markup=False)

    def show_overlap(self, overlap: str) -> None:
        """Show for how long two keys have been alive, `overlap 3 min 5 s`; nothing while only one is."""
        self.query_one(".overlap", Static).update(overlap)

    def show_closing(self, closing: str) -> None:
        """Show what closing means now."""
        self.query_one(".closing", Static).update(f"Safe to close: {closing}.")
