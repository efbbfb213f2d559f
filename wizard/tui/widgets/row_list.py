"""A list of rows with a cursor, and how rows are laid out in columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from wizard.core.text import Glyphs, harmless, printable
from wizard.steps.view import Row, State
from wizard.tui.content import marked, plain

WIDEST = 40
"""Columns of the terminal that all cells but the last one take at most."""
ADDRESS = 18
"""Columns of the longest block, `255.255.255.255/32`: the first column keeps them, as no address is cut."""
LEAST = 7
"""To which a column shrinks where there is no room: `…0L94 …` still shows a whole name."""
GAP = "   "
MARGIN = 4
"""Columns before the cells: the cursor and the sign."""
NARROWEST = 16
"""Columns in which a text may be broken into lines."""
INDENT = 2
"""Columns before the rows of a section."""
_SIGNS = {
    State.GOOD: ("success", "passed"),
    State.LOOK: ("warning", "caution"),
    State.STOP: ("error", "failed"),
    State.UNSURE: ("warning", "unsure"),
    State.WORKING: ("primary", "here"),
    State.WAITING: ("muted", "waiting"),
    State.EMPTY: ("muted", "pending"),
}
"""The colour of each state, and its sign in `Glyphs`."""


def sign(state: State, glyphs: Glyphs) -> Content:
    """Return the sign of a state in its colour."""
    colour, name = _SIGNS[state]
    return marked(f"[$text-{colour}]$glyph[/]", glyph=getattr(glyphs, name))


def _harmless(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return rows whose cells can be measured and shown."""
    return tuple(replace(row, cells=tuple(printable(cell, 600) for cell in row.cells)) for row in rows)


def filled(row: Row) -> tuple[str, ...]:
    """Return the cells of a row up to the last one that shows anything."""
    signed = row.sign_before + 1 if row.state is not State.EMPTY else 0
    return row.cells[: max(signed, *(at for at, cell in enumerate(row.cells, 1) if cell or at == 1))]


def widths_of(rows: Sequence[Row], columns: Sequence[str] = (), room: int = 0) -> list[int]:
    """Return how wide each column but the last one is; where there is no room for all, the widest give way.

    A cell without another one after it needs no column.
    """
    tables = [columns, *map(filled, rows)]
    count = max(map(len, tables))
    widths = [
        min(WIDEST, max((cell_len(cells[at]) for cells in tables if at < len(cells) - 1), default=0))
        for at in range(count - 1)
    ]
    last = max((cell_len(cells[-1]) for cells in tables if cells and len(cells) == count), default=0)
    spare = [width - (LEAST if at else ADDRESS) for at, width in enumerate(widths)]
    while room and widths and sum(widths) + last + len(widths) * len(GAP) > room and max(spare) > 0:
        widest = spare.index(max(spare))
        widths[widest] -= 1
        spare[widest] -= 1
    return widths


def signs_of(rows: Sequence[Row]) -> frozenset[int]:
    """Return the numbers of the cells that signs stand before."""
    return frozenset(row.sign_before for row in rows if row.state is not State.EMPTY)


def laid_out(
    row: Row, widths: Sequence[int], glyphs: Glyphs, signs: frozenset[int], further: str = "$text-muted"
) -> Content:
    """Return the cells of a row in their columns, behind its sign and its tick; `further` colours all but the first."""
    parts = [Content("[x] " if row.is_ticked else "[ ] ")] if row.is_ticked is not None else []
    cells = filled(row)
    for at, cell in enumerate(cells):
        text = Content(cell)
        if at < len(cells) - 1:
            text = text.truncate(widths[at], ellipsis=True, pad=True) + GAP
        if at in signs:
            has_sign = at == row.sign_before and row.state is not State.EMPTY
            parts.append((sign(row.state, glyphs) if has_sign else Content(" ")) + " ")
        parts.append(text if at == 0 else text.stylize_before(further))
    return Content("").join(parts)


def hanging(lead: Content, text: Content, width: int) -> list[Content]:
    """Return the lines of a text behind its lead; those that follow begin below the text."""
    first, *others = text.wrap(max(NARROWEST, width - lead.cell_length)) or [text]
    return [lead + first, *(Content(" " * lead.cell_length) + other for other in others)]


class RowList(Widget, can_focus=True):
    """Rows with a cursor. The cursor stays on its item when the rows are shown anew."""

    class Moved(Message):
        """The cursor is on another row."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._rows: tuple[Row, ...] = ()
        self._shown: tuple[Row, ...] = ()
        self._columns: tuple[str, ...] = ()
        self._cursor = 0
        self._top = 0

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self._cursor] if self._rows else None

    def show(self, rows: tuple[Row, ...], columns: tuple[str, ...] = (), cursor: str = "") -> None:
        """Show these rows; `cursor` is the item to begin at, once rows have items."""
        before = (self.row.item if self.row else "") or cursor
        is_resized = len(rows) != len(self._rows)
        self._rows, self._columns, self._shown = rows, tuple(map(harmless, columns)), _harmless(rows)
        items = [row.item for row in rows]
        self._cursor = items.index(before) if before and before in items else max(0, min(self._cursor, len(rows) - 1))
        self.refresh(layout=is_resized)

    def move(self, cursor: int) -> None:
        """Move the cursor to the row of that number, or to the nearest one."""
        cursor = max(0, min(cursor, len(self._rows) - 1))
        if cursor != self._cursor:
            self._cursor = cursor
            self.refresh()
            self.post_message(self.Moved())

    def move_to(self, item: str) -> None:
        """Move the cursor to an item."""
        self.move([row.item for row in self._rows].index(item))

    async def on_key(self, event: events.Key) -> None:
        """Move the cursor."""
        page = max(1, self.size.height - 1)
        moves = {"up": self._cursor - 1, "down": self._cursor + 1, "home": 0, "end": len(self._rows)}
        if len(self._rows) > self._room:
            moves |= {"pageup": self._cursor - page, "pagedown": self._cursor + page}
        if event.key in moves:
            event.stop()
            self.move(moves[event.key])

    def on_focus(self) -> None:
        """Draw the mark of the focus."""
        self.refresh()

    async def on_blur(self) -> None:
        """Take the mark away."""
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - its signature
        """Return a line for each row, and one for the heads."""
        return len(self._rows) + bool(self._columns)

    @property
    def _room(self) -> int:
        return max(1, self.size.height - bool(self._columns))

    def render(self) -> Content:
        """Return the rows that there is room for, the one under the cursor among them."""
        room = self._room
        self._top = max(0, min(self._top, self._cursor, len(self._rows) - room), self._cursor - room + 1)
        signs = signs_of(self._shown)
        widths = widths_of(self._shown, self._columns, self.size.width - MARGIN)
        shown = range(self._top, min(self._top + room, len(self._rows)))
        drawn = [self._line(number, widths, signs) for number in shown]
        if self._columns and self._rows:
            head = laid_out(Row(self._columns), widths, self._glyphs, signs)
            drawn.insert(0, Content("  ") + head.stylize("$text-muted"))
        return Content("\n").join(line.truncate(self.size.width, ellipsis=True) for line in drawn)

    def _line(self, number: int, widths: Sequence[int], signs: frozenset[int]) -> Content:
        row = laid_out(self._shown[number], widths, self._glyphs, signs)
        if number != self._cursor:
            return Content("  ") + row
        mark = marked("[b $text-primary]$mark[/] ", mark=self._glyphs.focus if self.has_focus else " ")
        return mark + row.stylize("bold")


class TitledRows(Widget):
    """A titled rule, and rows below it that nobody chooses from: evidence, or what is said of one row."""

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._shown: tuple[str, tuple[Row, ...], tuple[tuple[str, str], ...]] = ("", (), ())
        self.display = False

    def show(self, title: str, rows: tuple[Row, ...], keys: tuple[tuple[str, str], ...] = ()) -> None:
        """Show these rows, and keys with what they do; nothing where there are none. Without a title no rule."""
        if (title, rows, keys) != self._shown:
            self._shown = title, rows, keys
            self.display = bool(rows or keys)
            self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - its signature
        """Return as many lines as the rows take in this width."""
        return len(self._lines(width))

    def render(self) -> Content:
        """Return the rule and the rows."""
        return Content("\n").join(self._lines(self.size.width))

    def _lines(self, width: int) -> list[Content]:
        title, rows, keys = self._shown
        rows = _harmless(rows)
        rule = marked("[$text-disabled]$rule[/]", rule=self._glyphs.rule * width)
        before = marked("[$text-disabled]$rule[/] [b]$title[/] ", rule=self._glyphs.rule * 2, title=title)
        lines = [before + rule.truncate(max(0, width - before.cell_length))] if title else []
        signs, widths = signs_of(rows), widths_of(rows)
        for row in rows:
            drawn = laid_out(row, widths, self._glyphs, signs, "")
            if row.cells[0].startswith("  "):
                drawn = drawn.stylize_before("$text-muted")  # it belongs to the line above
            # What goes on in further lines begins below the last cell, or what stands like one, where that leaves room.
            start = drawn.cell_length - cell_len(filled(row)[-1]) + _last_column(filled(row)[-1])
            start = start if start + INDENT + NARROWEST <= width else 2 * (0 in signs)
            lines += hanging(Content(" " * INDENT) + drawn[:start], drawn[start:], width)
        column = max((len(key) for key, _ in keys), default=0)
        for key, does in keys:
            name = marked("[b $text-accent]$key[/]  ", key=f"{key:<{column}}")
            lines += hanging(Content(" " * INDENT) + name, plain(does), width)
        return lines


def _last_column(text: str) -> int:
    """Return where the text after the last wide gap begins: `1  Open the page` has one."""
    gaps = [*re.finditer(r" {2,}(?=\S)|^ +(?=\S)", text)]
    return gaps[-1].end() if gaps else 0
