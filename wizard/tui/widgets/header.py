"""What stands around every step: the header, and the list of the steps."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from wizard.core.text import Glyphs
from wizard.rotation.model import TITLES, Mode, Step
from wizard.tui.safe_app import NORMAL_COLUMNS


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
        return Content.from_markup("[b $text-primary]$glyph $label[/]", glyph=glyphs.focus, label=label)
    return Content.from_markup("$glyph $label", glyph=glyphs.pending, label=label)


class StatusHeader(Widget):
    """Two lines that every screen has, in one widget: one for each of their pieces would hold up the first paint.

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
        self._overlap = ""

    def show_overlap(self, overlap: str) -> None:
        """Show for how long two keys have been alive, `overlap 3 min 5 s`; nothing while only one is."""
        if overlap != self._overlap:
            self._overlap = overlap
            self.refresh()

    def show_closing(self, closing: str) -> None:
        """Show what closing means now."""
        self._meaning = closing
        self.refresh()

    def render(self) -> Content:
        """Return both lines in the width of the terminal."""
        width = self.size.width
        is_narrow = width < NORMAL_COLUMNS
        before = "" if is_narrow else "Key Wizard  "
        step = f"  {self._step}" if is_narrow else ""
        overlap = f"  {self._overlap}"
        place = _first_line(self._place, width - len(before) - len(step) - len(overlap) - 2)
        return Content.from_markup(
            " [b $text-primary]$before[/]$place$step[b $text-warning]$overlap[/] \n"
            "[$text-muted on $surface] $sentence [/]",
            before=before,
            place=place,
            step=step,
            overlap=overlap,
            sentence=_first_line(f"Safe to close: {self._meaning}.", width - 2),
        )


def _first_line(text: str, width: int) -> str:
    """Return as many whole words of `text` as the width has room for, filled up with blanks."""
    line = Content(text).wrap(max(width, 1))[0].plain.rstrip() if text else ""
    return line.ljust(width)
