"""The whitelist as a list that one edits in place: a row per entry with its label and its verdict."""

from __future__ import annotations

from collections.abc import Set
from ipaddress import IPv4Network

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from wizard.glyphs import Glyphs
from wizard.text import printable
from wizard.tui.widgets.line_editor import LineEditor
from wizard.tui.widgets.repaint import changed_part, lines_of
from wizard.whitelist import JudgedEntry, Judgement, Severity, append_entry, label_entry, parse, replace_entry

_NUMBER, _LABEL = 6, 13
_COLOURS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "foreground-muted"}


class EntryList(Widget, can_focus=True):
    """Rows over one text, which stays the only truth: each change of a row is a change of the text.

    Args:
        text: The list to begin with.
        glyphs: The signs beside the words.
        id: The widget's id.
    """

    DEFAULT_CSS = """
    EntryList { background: $surface; color: $text; }
    """

    class Changed(Message):
        """The text is another one now."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, text: str, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(id=id)
        self.text = text
        self._glyphs = glyphs
        self._rows: tuple[JudgedEntry, ...] = ()
        self._added: Set[IPv4Network] = frozenset()
        self._cursor = 0
        self._top = 0
        self._editor: LineEditor | None = None
        self._unedited = text
        self._past: list[str] = []
        self._painted: list[Strip] = []

    @property
    def is_editing(self) -> bool:
        """Whether keys are typed into a row."""
        return self._editor is not None

    def show(self, judgement: Judgement, added: Set[IPv4Network] = frozenset()) -> None:
        """Show the judged entries of the text; `added` are marked as new against the list in use."""
        self._rows = judgement.entries
        self._added = added
        self._paint()

    def adopt(self, text: str, *, undo_to: str | None = None) -> None:
        """Take a text that was edited elsewhere; `undo_to` is what `undo` goes back to."""
        self._editor = None
        if undo_to is not None and undo_to != text:
            self._past.append(undo_to)
        self.text = text

    def change(self, text: str) -> None:
        """Put another text in the place of this one; `undo` brings this one back."""
        self._editor = None
        if text != self.text:
            self._past.append(self.text)
            self._set(text)

    def undo(self) -> bool:
        """Bring back the text before the last change; return whether there was one."""
        self.finish()
        if not self._past:
            return False
        self._set(self._past.pop())
        return True

    def finish(self) -> None:
        """End the edit of a row and keep what was typed; a row left empty is removed."""
        editor, self._editor = self._editor, None
        if editor is None:
            return
        text = editor.whole
        if not editor.typed.strip():
            text = self._without(editor)
        if text != self._unedited:
            self._past.append(self._unedited)
        self._set(text)

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002 - Textual's signature
        """Tell the footer that printable keys are text here, not bindings."""
        return self.is_editing and character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        """Move, change or type, in the order of the keys; leave other keys to bindings."""
        taken = self._type(event) if self._editor else self._command(event)
        if taken:
            event.stop()
            event.prevent_default()

    def on_paste(self, event: events.Paste) -> None:
        """Take a paste into the row that is edited, else as further entries."""
        event.stop()
        if self._editor:
            self._edit(self._editor.insert(event.text))
        elif event.text.strip():
            self.change(append_entry(self.text, event.text.strip()) if self.text.strip() else event.text)
            self._cursor = len(parse(self.text).entries) - 1

    def on_resize(self) -> None:
        """Paint all rows anew."""
        self._painted = []
        self._paint()

    def on_focus(self) -> None:
        """Mark the row."""
        self._paint()

    def on_blur(self) -> None:
        """Typing has come to an end."""
        self.finish()
        self._paint()

    def render_line(self, y: int) -> Strip:
        """Return one row."""
        if y < len(self._painted):
            return self._painted[y]
        return Strip.blank(self.size.width, self.rich_style)

    # --- keys ----------------------------------------------------------------------------------

    def _command(self, event: events.Key) -> bool:
        last, page = len(self._rows) - 1, max(1, self.size.height - 1)
        moves = {
            "up": self._cursor - 1,
            "down": self._cursor + 1,
            "pageup": self._cursor - page,
            "pagedown": self._cursor + page,
            "home": 0,
            "end": last,
        }
        if event.key in moves:
            self._move(moves[event.key])
        elif event.key in {"a", "insert"}:
            self._add("")
        elif event.key in {"e", "enter"}:
            self._edit_entry()
        elif event.key in {"d", "delete", "backspace"} and self._rows:
            self.change(replace_entry(self.text, self._rows[self._cursor].entry, ""))
        elif event.key == "l" and self._rows:
            self._edit_label()
        elif event.key in {"u", "ctrl+z"}:
            self.undo()
        elif event.character and event.character in "0123456789":
            self._add(event.character)
        else:
            return False
        return True

    def _type(self, event: events.Key) -> bool:
        assert self._editor is not None  # noqa: S101 - asked by the caller
        if event.key in {"enter", "escape", "up", "down"}:
            self.finish()
            if event.key in {"up", "down"}:
                self._move(self._cursor + (1 if event.key == "down" else -1))
            return True
        if event.is_printable and event.character:
            self._edit(self._editor.insert(event.character))
            return True
        if changed := self._editor.press(event.key):
            self._edit(changed)
            return True
        return False

    def _add(self, typed: str) -> None:
        self._unedited = self.text
        before = self.text.rstrip() + "\n" if self.text.strip() else ""
        self._cursor = len(parse(before).entries)
        self._edit(LineEditor(before, typed, "", len(typed)))

    def _edit_entry(self) -> None:
        if not self._rows:
            self._add("")
            return
        entry, self._unedited = self._rows[self._cursor].entry, self.text
        self._edit(LineEditor(self.text[: entry.position], entry.text, self.text[entry.end :], len(entry.text)))

    def _edit_label(self) -> None:
        judged, self._unedited = self._rows[self._cursor], self.text
        text = label_entry(self.text, judged.entry, "\0")
        before, _, after = text.partition("\0")
        label = judged.label
        self._edit(LineEditor(before, label, after, len(label), is_label=True))

    def _edit(self, editor: LineEditor) -> None:
        self._editor = editor
        self._set(editor.whole)

    def _without(self, editor: LineEditor) -> str:
        """The text where nothing was left of a row, or of its label."""
        if editor.is_label:
            return editor.before.rstrip(" ") + editor.after
        gone = next((each for each in parse(self._unedited).entries if each.position == len(editor.before)), None)
        return replace_entry(self._unedited, gone, "") if gone else self._unedited

    def _set(self, text: str) -> None:
        is_changed, self.text = text != self.text, text
        if is_changed:
            self.post_message(self.Changed(text))
        else:
            self._paint()

    def _move(self, row: int) -> None:
        self._cursor = max(0, min(row, len(self._rows) - 1))
        self._paint()

    # --- painting ------------------------------------------------------------------------------

    def _paint(self) -> None:
        """Draw the rows in sight, and send only those that changed."""
        height, width = self.size.height, self.size.width
        if not height:
            return
        rows = self._lines()
        self._cursor = max(0, min(self._cursor, len(rows) - 1))
        self._top = max(0, min(self._top, self._cursor, max(0, len(rows) - height)), self._cursor - height + 1)
        lines = [self._row(number, *rows[number], width) for number in self._in_sight(len(rows))]
        if not rows:
            lines = [Strip([Segment("  empty: a adds an entry, or paste a list", self._style("foreground-muted"))])]
        painted = lines_of(lines, height, width, self.rich_style)
        for y, line in enumerate(painted):
            if region := changed_part(self._painted[y] if y < len(self._painted) else Strip([]), line, y):
                self.refresh(region)
        self._painted = painted

    def _in_sight(self, count: int) -> range:
        return range(self._top, min(count, self._top + self.size.height))

    def _lines(self) -> list[tuple[str, str, JudgedEntry | None]]:
        """Text, label and judgement of each row; the one under edit shows what is typed."""
        rows: list[tuple[str, str, JudgedEntry | None]] = []
        editor = self._editor
        if editor is None or editor.is_label:
            return [(each.entry.text, each.label, each) for each in self._rows]
        start, end = len(editor.before), len(editor.before + editor.typed)
        inside = [each for each in self._rows if start <= each.entry.position < end]
        rows += [(each.entry.text, each.label, each) for each in self._rows if each.entry.position < start]
        self._cursor = len(rows)
        rows.append((editor.typed, inside[0].label if inside else "", inside[0] if len(inside) == 1 else None))
        behind = (each for each in self._rows if each.entry.position >= end and each not in inside)
        return [*rows, *((each.entry.text, each.label, each) for each in behind)]

    def _row(self, number: int, text: str, label: str, judged: JudgedEntry | None, width: int) -> Strip:
        is_here = number == self._cursor and self.has_focus
        editor = self._editor if is_here else None
        mark = self._glyphs.current if is_here else " "
        new = "+" if judged and judged.entry.network in self._added else " "
        base = self._style("text", bold=is_here)
        # A prefix takes three cells, a mapped address 22 in all: what is longer is cut, and shown whole under edit.
        room = min(24, max(18, width - _NUMBER - _LABEL - 18))
        entry_editor = editor if editor and not editor.is_label else None
        label_editor = editor if editor and editor.is_label else None
        return Strip(
            [
                Segment(f"{mark}{number + 1:>3} {new}", base),
                *self._column(text or "(empty field)", room, base, entry_editor),
                *self._column(label, _LABEL, base, label_editor),
                *self._verdict(judged),
            ]
        )

    def _column(self, text: str, size: int, style: Style, editor: LineEditor | None) -> list[Segment]:
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

    def _verdict(self, judged: JudgedEntry | None) -> list[Segment]:
        if judged is None:
            return []
        worst = min(judged.findings, key=lambda finding: list(Severity).index(finding.severity), default=None)
        if worst is None:
            return [Segment(f"{self._glyphs.passed} fine", self._style("success"))]
        glyph = {Severity.ERROR: self._glyphs.failed, Severity.WARNING: self._glyphs.caution}.get(
            worst.severity, self._glyphs.pending
        )
        return [Segment(f"{glyph} {worst.code}", self._style(_COLOURS[worst.severity]))]

    def _style(self, variable: str, *, bold: bool = False) -> Style:
        colour = self.app.theme_variables.get(variable, "")
        foreground = Style(color=colour) if colour.startswith("#") else Style()
        return self.rich_style + foreground + Style(bold=bold)
