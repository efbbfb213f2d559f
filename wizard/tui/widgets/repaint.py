"""Which cells of a line have to be sent again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip


def changed_part(old: Strip, new: Strip, y: int) -> Region | None:
    """Return the part of line `y` that differs; None where nothing does."""
    before, after = list(_cells(old)), list(_cells(new))
    if before == after:
        return None
    if len(before) != len(after) or len(after) != new.cell_length:  # wide characters: their cells cannot be told
        return Region(0, y, new.cell_length, 1)
    differs = [place for place, cell in enumerate(after) if cell != before[place]]
    return Region(differs[0], y, differs[-1] + 1 - differs[0], 1)


def lines_of(strips: Sequence[Strip], count: int, width: int, style: Style) -> list[Strip]:
    """Return exactly `count` lines of `width` cells, in as few segments as can be: each costs its colours again."""
    filled = [*strips[:count], *[Strip([])] * (count - len(strips))]
    return [strip.adjust_cell_length(width, style).simplify() for strip in filled]


def _cells(strip: Strip) -> Iterator[tuple[str, Style | None]]:
    for segment in strip:
        yield from ((character, segment.style) for character in segment.text)
