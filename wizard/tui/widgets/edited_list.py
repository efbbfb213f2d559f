"""A whitelist under edit: its entries, the line that is typed, and what the list was before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from wizard.whitelist.entries import BLANKS, COMMENT_MARKS, LINE_ENDS, LONGEST_LABEL, Entries, Entry, parse
from wizard.whitelist.fixes import label_entry, replace_entry


@dataclass(frozen=True, slots=True)
class LineEditor:
    """An entry of a list, or its label, while it is typed."""

    typed: str
    caret: int
    """How many characters of `typed` stand before the caret."""
    is_label: bool = False

    @property
    def head(self) -> str:
        """What is typed before the caret."""
        return self.typed[: self.caret]

    @property
    def tail(self) -> str:
        """What is typed behind the caret."""
        return self.typed[self.caret :]

    def insert(self, text: str) -> LineEditor:
        """Type one line at the caret. A label has no line ends, no blank before it, and a longest length."""
        if self.is_label:
            line = " ".join(text.split()) if text.strip() else " "
            line = (line if self.head else line.lstrip())[: LONGEST_LABEL - len(self.typed)]
        else:
            line = text.replace("\t", " ")
        return replace(self, typed=self.head + line + self.tail, caret=self.caret + len(line))

    def press(self, key: str) -> LineEditor | None:
        """Return the line after an editing key, or None where it is not one."""
        at, end = self.caret, len(self.typed)
        if key in {"left", "right", "home", "end"}:
            return replace(self, caret={"left": max(0, at - 1), "right": min(end, at + 1), "home": 0, "end": end}[key])
        if key == "backspace":
            start = max(0, at - 1)
            return replace(self, typed=self.typed[:start] + self.tail, caret=start)
        if key == "delete":
            return replace(self, typed=self.head + self.typed[at + 1 :])
        if key == "ctrl+u":
            return replace(self, typed=self.tail, caret=0)
        return None


class EditedList:
    """The entries, changed by keys. A line that is typed counts at once, and is undone as one change.

    Args:
        entries: The list to begin with.
        past: The lists before it, the last one last: what `undo` goes back to. It is added to.
    """

    def __init__(self, entries: Entries, past: list[Entries]) -> None:
        self.cursor = 0
        """The place of the row that keys are about."""
        self.editor: LineEditor | None = None
        """What is typed into a row; None while keys are commands."""
        self._settled = entries
        self._is_new = False
        self._label = ""
        self._past = past

    @property
    def entries(self) -> Entries:
        """The list as it is now, with what is typed."""
        if self.editor is None:
            return self._settled
        if self.editor.is_label:
            if self.editor.typed == self._label:
                return self._settled
            return label_entry(self._settled, self.cursor, self.editor.typed.strip())
        return (*self._settled[: self.cursor], *self._typed(self.editor.typed), *self._settled[self._behind :])

    @property
    def typed_count(self) -> int:
        """How many entries the row holds that is typed into."""
        return 1 if self.editor is None or self.editor.is_label else len(self._typed(self.editor.typed))

    def change(self, entries: Entries) -> None:
        """Put another list in the place of this one; `undo` brings this one back."""
        self.finish()
        self._keep(entries)

    def undo(self) -> None:
        """Bring back the list before the last change."""
        self.finish()
        while self._past:
            if (entries := self._past.pop()) != self._settled:
                self._settled = entries
                self.move(self.cursor)
                return

    def finish(self) -> None:
        """End the edit of a row and keep what was typed; a row left empty is removed."""
        if self.editor is None:
            return
        entries, last = self.entries, self.cursor + max(1, self.typed_count) - 1
        self.editor = None
        self._keep(entries)
        self.move(last)

    def move(self, place: int) -> None:
        """Go to a row, or to the nearest one that there is."""
        self.cursor = max(0, min(place, len(self._settled) - 1))

    def type(self, editor: LineEditor) -> None:
        """Go on with a row whose text is another one now."""
        self.editor = editor

    def add(self, typed: str) -> None:
        """Begin a new row at the end."""
        self.cursor, self._is_new = len(self._settled), True
        self.editor = LineEditor(typed, len(typed))

    def edit(self) -> None:
        """Type in the row at the cursor, or a new one where there is none."""
        if not self._settled:
            self.add("")
            return
        self._is_new = False
        text = self._settled[self.cursor].text
        self.editor = LineEditor(text, len(text))

    def delete(self) -> None:
        """Remove the row at the cursor."""
        if self._settled:
            self.change(self._settled[: self.cursor] + self._settled[self.cursor + 1 :])

    def label(self, known: Mapping[IPv4Network | None, str]) -> None:
        """Type the label of the row at the cursor; `known` are the labels of entries where none was typed."""
        if not self._settled or not (entry := self._settled[self.cursor]).text:
            return
        self._label = known.get(entry.network, "") if entry.label is None else entry.label
        self.editor = LineEditor(self._label, len(self._label), is_label=True)

    def end_entry(self, editor: LineEditor) -> bool:
        """End the row with the cursor at the entry before the caret; return whether there is one."""
        before = len(self._typed(editor.head))
        if before:
            place = self.cursor + before - 1
            self.finish()
            self.move(place)
        return bool(before)

    def paste(self, pasted: str) -> None:
        """Take a paste into the row that is typed; more lines than one, or a label, become entries of their own."""
        text, editor = pasted.strip(BLANKS), self.editor
        if editor is None:
            if text:
                self.change((*self._settled, *parse(text)))
                self.move(len(self._settled) - 1)
        elif editor.is_label or not any(mark in text for mark in LINE_ENDS + COMMENT_MARKS):
            self.type(editor.insert(pasted.strip(LINE_ENDS)))
        else:
            lines = "\n".join(filter(None, (editor.head.strip(), text, editor.tail.strip())))
            self.type(LineEditor(lines, len(lines)))
            self.finish()

    @property
    def _behind(self) -> int:
        return self.cursor + (0 if self._is_new else 1)

    def _typed(self, typed: str) -> Entries:
        old = () if self._is_new else (self._settled[self.cursor],)
        return replace_entry(old or (Entry(""),), 0, typed)

    def _keep(self, entries: Entries) -> None:
        if entries != self._settled:
            if self._past[-1:] != [self._settled]:
                self._past.append(self._settled)
            self._settled = entries
            self.move(self.cursor)
