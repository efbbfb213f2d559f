"""The whitelist as a list that one edits in place: a row per entry with its label and its verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Network

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from wizard.core.text import Glyphs, printable
from wizard.tui.widgets.edited_list import EditedList, LineEditor
from wizard.whitelist.entries import COMMENT_MARKS, Entries
from wizard.whitelist.findings import Severity
from wizard.whitelist.validation import CheckedEntry, Validation

_MARKS = frozenset(COMMENT_MARKS)
_ENDS = {"enter": 0, "escape": 0, "up": -1, "down": 1}
"""Keys that end the edit of a row, and how many rows further they go."""
_DIGITS, _AROUND_NUMBER, _LABEL = 3, 3, 13
_COLOURS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "foreground-muted"}


class EntryList(Widget, can_focus=True):
    """Rows over one list.

    Args:
        entries: The list to begin with.
        past: What it was before, for `undo`; it is added to.
        glyphs: The signs beside the words.
        id: The widget's id.
    """

    class Changed(Message):
        """The list is another one now."""

    def __init__(self, entries: Entries, past: list[Entries], glyphs: Glyphs, *, id: str) -> None:
        super().__init__(id=id)
        self._list = EditedList(entries, past)
        self._glyphs = glyphs
        self._checked: tuple[CheckedEntry, ...] = ()
        self._added: Set[IPv4Network] = frozenset()
        self._top = 0

    @property
    def entries(self) -> Entries:
        """The list as it is now."""
        return self._list.entries

    @property
    def is_editing(self) -> bool:
        """Whether keys are typed into a row."""
        return self._list.editor is not None

    def show(self, validation: Validation, added: Set[IPv4Network] = frozenset()) -> None:
        """Show the checked entries of the list; `added` are marked as new against the list in use."""
        self._checked = validation.entries
        self._added = added
        self.refresh()

    def change(self, entries: Entries) -> None:
        """Put another list in the place of this one; `undo` brings this one back."""
        self._do(partial(self._list.change, entries))

    def finish(self) -> None:
        """End the edit of a row and keep what was typed; a row left empty is removed."""
        self._do(self._list.finish)

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002 - Textual's signature
        """Tell the footer that printable keys are text here, not bindings."""
        return self.is_editing and character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """Move, change or type, in the order of the keys; leave other keys to bindings."""
        editor = self._list.editor
        action = self._command(event) if editor is None else self._typing(event, editor)
        if action is not None:
            self._do(action)
            event.stop()
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Take a paste into the row that is edited, else as further entries."""
        event.stop()
        self._do(partial(self._list.paste, event.text))

    def on_blur(self) -> None:
        """Typing has come to an end."""
        self.finish()

    def render_line(self, y: int) -> Strip:
        """Return one row."""
        rows = _rows_of(self._checked, self._list)
        if not rows and y == 0:
            return Strip([Segment("  empty: a adds an entry, or paste a list", self._style("foreground-muted"))])
        here = max(0, min(self._list.cursor, len(rows) - 1))
        height = self.size.height
        self._top = max(0, min(self._top, here, max(0, len(rows) - height)), here - height + 1)
        number = self._top + y
        if number >= len(rows):
            return Strip.blank(self.size.width, self.rich_style)
        is_here = number == here and self.has_focus
        # The numbers of all rows take the same room.
        digits = max(_DIGITS, len(str(len(rows))))
        row = self._paint(rows[number], f"{number + 1:>{digits}}", is_here=is_here)
        return row.adjust_cell_length(self.size.width, self.rich_style)

    def _paint(self, row: _Row, number: str, *, is_here: bool) -> Strip:
        mark = self._glyphs.focus if is_here else " "
        new = "+" if row.checked and row.checked.entry.network in self._added else " "
        base = self._style("text") + Style(bold=is_here)
        # A prefix takes three cells, a mapped address 22 in all: what is longer is cut, and shown whole under edit.
        room = min(24, max(18, self.size.width - len(number) - _AROUND_NUMBER - _LABEL - 18))
        editor = self._list.editor if is_here else None
        return Strip(
            [
                Segment(f"{mark}{number} {new}", base),
                *_column(row.text or "(empty field)", room, base, editor if editor and not editor.is_label else None),
                *_column(row.label, _LABEL, base, editor if editor and editor.is_label else None),
                *self._verdict(row.checked),
            ]
        )

    def _verdict(self, checked: CheckedEntry | None) -> list[Segment]:
        if checked is None:
            return []
        worst = min(checked.findings, key=lambda finding: list(Severity).index(finding.severity), default=None)
        if worst is None:
            return [Segment(f"{self._glyphs.passed} fine", self._style("success"))]
        glyph = {Severity.ERROR: self._glyphs.failed, Severity.WARNING: self._glyphs.caution}.get(
            worst.severity, self._glyphs.pending
        )
        return [Segment(f"{glyph} {worst.code}", self._style(_COLOURS[worst.severity]))]

    # --- keys ----------------------------------------------------------------------------------

    def _command(self, event: events.Key) -> Callable[[], None] | None:
        edited, page = self._list, max(1, self.size.height - 1)
        moves = {
            "up": edited.cursor - 1,
            "down": edited.cursor + 1,
            "pageup": edited.cursor - page,
            "pagedown": edited.cursor + page,
            "home": 0,
            "end": len(edited.entries),
        }
        commands: dict[str, Callable[[], None]] = {
            **dict.fromkeys(("a", "insert"), partial(edited.add, "")),
            **dict.fromkeys(("e", "enter"), edited.edit),
            **dict.fromkeys(("d", "delete", "backspace"), edited.delete),
            **dict.fromkeys(("u", "ctrl+z"), edited.undo),
            "l": self._label,
        }
        if event.key in moves:
            return partial(edited.move, moves[event.key])
        if event.character in _MARKS:
            return self._label
        if event.character and event.character in "0123456789":
            return partial(edited.add, event.character)
        return commands.get(event.key)

    def _typing(self, event: events.Key, editor: LineEditor) -> Callable[[], None] | None:
        if event.key in _ENDS:
            return partial(self._end, _ENDS[event.key])
        if event.character in _MARKS and not editor.is_label:
            # A comment would swallow what stands behind it on its line.
            return self._label_typed
        if event.is_printable and event.character:
            return partial(self._list.type, editor.insert(event.character))
        changed = editor.press(event.key)
        return partial(self._list.type, changed) if changed else None

    def _end(self, step: int) -> None:
        self._list.finish()
        self._list.move(self._list.cursor + step)

    def _label(self) -> None:
        self._list.label({each.entry.network: each.label for each in self._checked})

    def _label_typed(self) -> None:
        if self._list.editor and self._list.end_entry(self._list.editor):
            self._label()

    def _do(self, action: Callable[[], None]) -> None:
        before = self.entries
        action()
        if self.entries != before:
            self.post_message(self.Changed())
        self.refresh()

    def _style(self, variable: str) -> Style:
        colour = self.app.theme_variables.get(variable, "")
        return self.rich_style + (Style(color=colour) if colour.startswith("#") else Style())


@dataclass(frozen=True, slots=True)
class _Row:
    """What one row says."""

    text: str
    label: str
    checked: CheckedEntry | None
    """None while what is typed is not exactly one entry."""


def _rows_of(entries: Sequence[CheckedEntry], edited: EditedList) -> list[_Row]:
    """Return the rows; the one under edit shows what is typed, however many entries that is."""
    editor = edited.editor
    if editor is None or editor.is_label:
        return [_row(each) for each in entries]
    start, end = edited.cursor, edited.cursor + edited.typed_count
    inside = entries[start:end]
    here = _Row(editor.typed, inside[0].label if inside else "", inside[0] if len(inside) == 1 else None)
    return [*map(_row, entries[:start]), here, *map(_row, entries[end:])]


def _row(checked: CheckedEntry) -> _Row:
    return _Row(checked.entry.text, checked.label, checked)


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
