"""Cells written to the terminal in as few bytes as can be: which are written together, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wizard.tui.pen import PLAIN, Pen, turn

_MOST_SORTED = 16
"""Runs up to which the best order is looked for. A key changes a dozen, a whole screen hundreds."""

Place = tuple[int, int]
"""Row and column, from 1 on."""
NOWHERE: Place = (0, 0)
"""Where the cursor is not known."""


class Cell(NamedTuple):
    """A character of one cell; the pen of a blank is what one sees of it."""

    character: str
    pen: Pen


Row = dict[int, Cell]
"""Cells by their columns, from 1 on."""


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one look."""

    row: int
    column: int
    text: str
    pen: Pen

    @property
    def end(self) -> int:
        """The column behind it."""
        return self.column + len(self.text)

    @property
    def is_blank(self) -> bool:
        """Whether it has no letter, so that the colour of letters does not matter."""
        return not self.text.strip(" ")

    def pen_after(self, pen: Pen) -> Pen:
        """Return the pen that writes this where `pen` is in use."""
        return pen.for_blank(self.pen) if self.is_blank else self.pen


def runs_of(row: int, columns: Sequence[int], shown: Mapping[int, Cell]) -> list[Run]:
    """Return the cells in these `columns` of a row, in order, as runs."""
    runs: list[_Growing] = []
    for column in columns:
        if not runs or not runs[-1].grow_to(column, shown):
            runs.append(_Growing(column, shown[column]))
    return [Run(row, run.column, "".join(run.characters), run.pen) for run in runs]


class _Growing:
    """A run that takes the cells behind it as long as they look alike."""

    def __init__(self, column: int, first: Cell) -> None:
        self.column = column
        self.characters = [first.character]
        self.pen = first.pen
        self._is_blank = first.character == " "

    def grow_to(self, column: int, shown: Mapping[int, Cell]) -> bool:
        """Take everything up to and with `column`, where that is no longer than to step over what lies between."""
        end = self.column + len(self.characters)
        if column - end > len(_step(column - end)):
            return False
        cells = [shown.get(each) for each in range(end, column + 1)]
        pen, is_blank = self.pen, self._is_blank
        for cell in cells:
            if cell is None:
                return False
            if is_blank and cell.character != " " and cell.pen.on_blanks == pen:
                pen = cell.pen
            elif pen != cell.pen and (cell.character != " " or pen.on_blanks != cell.pen):
                return False
            is_blank = is_blank and cell.character == " "
        self.characters += [cell.character for cell in cells if cell]
        self.pen, self._is_blank = pen, is_blank
        return True


def shortest(runs: Sequence[Run]) -> tuple[str, Place]:
    """Return the sequences that write the runs in the order that takes fewest bytes; else as `in_order`."""
    if not runs or len(runs) > _MOST_SORTED:
        return in_order(runs)
    return min((in_order(_nearest_first(runs, first)) for first in runs), key=lambda way: len(way[0]))


def _nearest_first(runs: Sequence[Run], first: Run) -> list[Run]:
    order, left, pen = [first], [run for run in runs if run is not first], first.pen_after(PLAIN)
    while left:
        here = order[-1].row, order[-1].end
        costs = [len(_way(here, pen, run)) for run in left]
        run = left.pop(costs.index(min(costs)))
        pen = run.pen_after(pen)
        order.append(run)
    return order


def in_order(runs: Sequence[Run]) -> tuple[str, Place]:
    """Return the sequences that write the runs and reset the colours, and where they leave the cursor."""
    parts, pen, place = [], PLAIN, NOWHERE
    for run in runs:
        parts.append(_way(place, pen, run) + run.text)
        pen, place = run.pen_after(pen), (run.row, run.end)
    parts.append(turn(pen, PLAIN))
    return "".join(parts), place


def _way(place: Place, pen: Pen, run: Run) -> str:
    """From a cursor's place and a pen in use to where and how the run is written."""
    return move(place, (run.row, run.column)) + turn(pen, run.pen_after(pen))


def move(place: Place, to: Place) -> str:
    """Return what brings the cursor from one place to another."""
    if place == to:
        return ""
    is_ahead = place[0] == to[0] and place[1] < to[1]
    return _step(to[1] - place[1]) if is_ahead else _jump(*to)


def _step(cells: int) -> str:
    return f"\x1b[{cells}C" if cells > 1 else "\x1b[C"


def _jump(row: int, column: int) -> str:
    return "\x1b[H" if (row, column) == (1, 1) else f"\x1b[{row};{column}H"
