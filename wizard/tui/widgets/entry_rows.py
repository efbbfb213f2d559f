"""How the rows of a whitelist look: mark, number, entry, label, verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from ipaddress import IPv4Network

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from wizard.core.text import Glyphs, printable
from wizard.tui.widgets.edited_list import EditedList
from wizard.tui.widgets.line_editor import LineEditor
from wizard.whitelist import CheckedEntry, Severity

_DIGITS, _AROUND_NUMBER, _LABEL = 3, 3, 13
_COLOURS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "foreground-muted"}

Styling = Callable[[str], Style]
"""From a theme variable to a style over the widget's own."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one row says."""

    text: str
    label: str
    checked: CheckedEntry | None
    """None while what is typed is not exactly one entry."""


def rows_of(entries: Sequence[CheckedEntry], edited: EditedList) -> list[Row]:
    """Return the rows; the one under edit shows what is typed, however many entries that is."""
    editor = edited.editor
    if editor is None or editor.is_label:
        return [_row(each) for each in entries]
    start, end = edited.cursor, edited.cursor + edited.typed_count
    inside = entries[start:end]
    here = Row(editor.typed, inside[0].label if inside else "", inside[0] if len(inside) == 1 else None)
    return [*map(_row, entries[:start]), here, *map(_row, entries[end:])]


def _row(checked: CheckedEntry) -> Row:
    return Row(checked.entry.text, checked.label, checked)


@dataclass(frozen=True, slots=True)
class RowPainter:
    """Draws rows of one width."""

    glyphs: Glyphs
    styled: Styling
    width: int
    added: Set[IPv4Network]
    """What is new against the list in use: marked with +."""
    count: int = 0
    """Of all rows: the numbers of all of them take the same room."""

    def paint(self, row: Row, number: int, *, is_here: bool, editor: LineEditor | None) -> Strip:
        """Return one row; `editor` is given for the row under edit."""
        mark = self.glyphs.current if is_here else " "
        new = "+" if row.checked and row.checked.entry.network in self.added else " "
        base = self.styled("text") + Style(bold=is_here)
        # A prefix takes three cells, a mapped address 22 in all: what is longer is cut, and shown whole under edit.
        digits = max(_DIGITS, len(str(self.count)))
        room = min(24, max(18, self.width - digits - _AROUND_NUMBER - _LABEL - 18))
        entry_editor = editor if editor and not editor.is_label else None
        label_editor = editor if editor and editor.is_label else None
        return Strip(
            [
                Segment(f"{mark}{number:>{digits}} {new}", base),
                *_column(row.text or "(empty field)", room, base, entry_editor),
                *_column(row.label, _LABEL, base, label_editor),
                *self._verdict(row.checked),
            ]
        )

    def _verdict(self, checked: CheckedEntry | None) -> list[Segment]:
        if checked is None:
            return []
        worst = min(checked.findings, key=lambda finding: list(Severity).index(finding.severity), default=None)
        if worst is None:
            return [Segment(f"{self.glyphs.passed} fine", self.styled("success"))]
        glyph = {Severity.ERROR: self.glyphs.failed, Severity.WARNING: self.glyphs.caution}.get(
            worst.severity, self.glyphs.pending
        )
        return [Segment(f"{glyph} {worst.code}", self.styled(_COLOURS[worst.severity]))]


def _column(text: str, size: int, style: Style, editor: LineEditor | None) -> list[Segment]:
    if editor is None:
        return [Segment(set_cell_size(set_cell_size(printable(text, size - 1), size - 1), size), style)]
    shown, caret = printable(editor.typed, 1000) + " ", editor.caret
    start = max(0, caret - size + 2)
    window = f"{shown[start : start + size - 1]:<{size}}"
    at = caret - start
    return [
        Segment(window[:at], style),
        Segment(window[at], style + Style(reverse=True)),
        Segment(window[at + 1 :], style),
    ]
