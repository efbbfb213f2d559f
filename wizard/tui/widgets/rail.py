"""The rail: which steps there are and where one is. Glyph, number and name, never colour alone."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from wizard.core.text import Glyphs
from wizard.rotation.model import TITLES, Mode, Step

ALL = tuple(TITLES)


class Rail(Static):
    """The steps of one rotation, the finished ones ticked, but for those that were left open.

    Args:
        steps: Those that apply; the others are shown as not applicable.
        step: Where the rotation stands.
        mode: Named above the steps.
        glyphs: The signs beside the words.
        left_open: Steps that one went on from without what they are for.
    """

    DEFAULT_CSS = """
    Rail {
        width: 17;
        height: 1fr;
        padding: 1 0 0 1;
        background: $surface;
        color: $text-muted;
    }
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
        for number, each in enumerate(ALL, 1):
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
