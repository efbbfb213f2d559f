"""What a frame changes on the terminal, and nothing else: a slow line carries each cell and each colour once.

Textual sends a changed line from the left edge of its widget on, and names all colours again for
each piece of text. Here the cells that the terminal shows already are left out. Invariant:
afterwards the terminal shows what it would show after the frame itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from textual._ansi_sequences import SYNC_END, SYNC_START

from wizard.tui.pen import PLAIN, Pen, dipped
from wizard.tui.runs import NOWHERE, Cell, Place, Row, Run, move, runs_of, shortest

_NARROW = r"[ -~\xa1-\xac\xae-\u02af\u2010-\u2027\u2030-\u205e\u2190-\u2193\u2500-\u25fc\u2713\u2717]+"
"""Characters that fill one cell. Of emoji, marks and much else each terminal has its own opinion."""
_TOKEN = re.compile(rf"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|(\n)|({_NARROW})")
_CLIPBOARD = re.compile(r"\x1b\]52;[^\x07\x1b]*\x07")
"""It changes no cell."""
_LONGEST_UNMARKED = 1024
"""Characters of a frame that comes in one piece, so that no terminal has to be told to wait for its end."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text of one look; its place counts from 1, as the terminal does."""

    row: int
    column: int
    text: str
    pen: Pen

    def cells(self) -> Iterator[tuple[int, Cell]]:
        """Yield the cells with their columns."""
        on_blanks = self.pen.on_blanks
        for column, character in enumerate(self.text, self.column):
            yield column, Cell(character, on_blanks if character == " " else self.pen)


class FrameDiff:
    """Knows what the terminal shows.

    Args:
        size: Gives the columns and lines of the screen that is drawn.
    """

    def __init__(self, size: Callable[[], tuple[int, int]]) -> None:
        self._size = size
        self._drawn_size = (0, 0)
        self._shown: dict[int, Row] = {}
        self._cursor = NOWHERE
        self._is_synchronised = False

    def changes(self, data: str) -> str:
        """Return what to send in the place of `data`, a frame or another sequence.

        A frame that draws the whole screen is sent whole, so that it mends what others wrote on the
        terminal. What is no frame is sent as it is; from then on nothing is taken for known.
        """
        if data in {SYNC_START, SYNC_END}:
            self._is_synchronised = data == SYNC_START
            return ""
        if _CLIPBOARD.fullmatch(data):
            return data
        frame = _read(data)
        if frame is None:
            self._shown.clear()
            self._cursor = NOWHERE
            return data
        changes = self._drawn(*frame)
        is_marked = self._is_synchronised and len(changes) > _LONGEST_UNMARKED
        return SYNC_START + changes + SYNC_END if is_marked else changes

    def _drawn(self, pieces: Sequence[_Piece], cursor: Place | None) -> str:
        size = self._size()
        if size != self._drawn_size or _is_whole(pieces, size[1]):
            self._shown.clear()
        self._drawn_size = size
        by_row: dict[int, list[_Piece]] = {}
        for piece in pieces:
            by_row.setdefault(piece.row, []).append(piece)
        runs = [run for row, of_row in by_row.items() for run in self._changed(row, of_row)]
        sequences, place = shortest(runs)
        place = place if runs else self._cursor
        self._cursor = cursor or place
        return sequences + move(place, self._cursor)

    def _changed(self, row: int, pieces: Sequence[_Piece]) -> list[Run]:
        """Take the pieces for shown; return what of them is new."""
        shown = self._shown.setdefault(row, {})
        known = dict(shown)
        shown.update(cell for piece in pieces for cell in piece.cells())
        if not known:
            return [Run(row, piece.column, piece.text, piece.pen) for piece in pieces]
        return runs_of(row, sorted(column for column, cell in shown.items() if known.get(column) != cell), shown)


def _read(frame: str) -> tuple[list[_Piece], Place | None] | None:
    """Return the pieces of a frame and where it leaves the cursor; None for what is no frame of Textual's."""
    pieces: list[_Piece] = []
    place: Place | None = None
    pen, end = PLAIN, 0
    while match := _TOKEN.match(frame, end):
        end = match.end()
        row, column, parameters, line_end, text = match.groups()
        if row:
            place = (int(row), int(column))
        elif line_end:
            place = None
        elif parameters is not None:
            try:
                pen = dipped(pen, parameters)
            except ValueError:
                return None
        elif place is None:
            return None
        else:
            pieces.append(_Piece(*place, text, pen))
            place = (place[0], place[1] + len(text))
    return (pieces, place) if end == len(frame) and pen == PLAIN else None


def _is_whole(pieces: Sequence[_Piece], lines: int) -> bool:
    return {piece.row for piece in pieces if piece.column == 1} == set(range(1, lines + 1))
