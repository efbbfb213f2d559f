"""How the rows of a whitelist look: mark, number, entry, label, verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from wizard.glyphs import Glyphs
from wizard.key_shape import looks_secret
from wizard.text import printable
from wizard.tui.widgets.line_editor import LineEditor
from wizard.whitelist import JudgedEntry, Severity

_DIGITS, _AROUND_NUMBER, _LABEL = 3, 3, 13
_COLOURS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "foreground-muted"}

Styling = Callable[[str], Style]
"""From a theme variable to a style over the widget's own."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one row says."""

    text: str
    label: str
    judged: JudgedEntry | None
    """None while what is typed is not exactly one entry."""


def rows_of(entries: Sequence[JudgedEntry], editor: LineEditor | None) -> tuple[list[Row], int | None]:
    """Return the rows, and the place of the one under edit: it shows what is typed, however many entries that is."""
    if editor is None or editor.is_label:
        return [_row(each) for each in entries], None
    start, end = len(editor.before), len(editor.before + editor.typed)
    ahead = [_row(each) for each in entries if each.entry.position < start]
    inside = [each for each in entries if start <= each.entry.position < end]
    behind = [_row(each) for each in entries if each.entry.position >= end and each not in inside]
    label = inside[0].label if inside else ""
    here = Row(editor.typed, label, inside[0] if len(inside) == 1 else None)
    return [*ahead, here, *behind], len(ahead)


def _row(judged: JudgedEntry) -> Row:
    return Row(judged.entry.text, judged.label, judged)


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
        new = "+" if row.judged and row.judged.entry.network in self.added else " "
        base = self.styled("text") + Style(bold=is_here)
        # A prefix takes three cells, a mapped address 22 in all: what is longer is cut, and shown whole under edit.
        digits = max(_DIGITS, len(str(self.count)))
        room = min(24, max(18, self.width - digits - _AROUND_NUMBER - _LABEL - 18))
        if editor is not None:
            editor = replace(editor, typed=self._covered(editor.typed))
        entry_editor = editor if editor and not editor.is_label else None
        label_editor = editor if editor and editor.is_label else None
        return Strip(
            [
                Segment(f"{mark}{number:>{digits}} {new}", base),
                *_column(self._covered(row.text) or "(empty field)", room, base, entry_editor),
                *_column(self._covered(row.label), _LABEL, base, label_editor),
                *self._verdict(row.judged),
            ]
        )

    def _covered(self, text: str) -> str:
        """Return `text`, or a mask of its length: a terminal without paste marks types a key that is pasted."""
        return self.glyphs.mask * len(text) if looks_secret(text) else text

    def _verdict(self, judged: JudgedEntry | None) -> list[Segment]:
        if judged is None:
            return []
        worst = min(judged.findings, key=lambda finding: list(Severity).index(finding.severity), default=None)
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
