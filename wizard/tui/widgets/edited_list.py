"""A whitelist under edit: one text, the row and the label that are typed, and what it was before."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network

from wizard.tui.widgets.line_editor import LineEditor
from wizard.whitelist import Entry, append_entry, around_label, insert_lines, parse, replace_entry
from wizard.whitelist.characters import BLANKS, COMMENT_MARKS, LINE_ENDS


class EditedList:
    """The text is the only truth: each change of a row is a change of the text.

    Args:
        text: The list to begin with.
        past: The texts before it, the last one last: what `undo` goes back to. It is added to.
    """

    def __init__(self, text: str, past: list[str]) -> None:
        self.text = text
        self.cursor = 0
        """The place of the row that keys are about."""
        self.editor: LineEditor | None = None
        """What is typed into a row; None while keys are commands."""
        self._unedited = text
        self._label = ""
        self._past = past

    def adopt(self, text: str, *, undo_to: str) -> None:
        """Take a text that is edited elsewhere; `undo_to` is what it was before that edit."""
        self.editor = None
        self._remember(undo_to)
        self.text = text

    def change(self, text: str) -> None:
        """Put another text in the place of this one; `undo` brings this one back."""
        self.editor = None
        if text != self.text:
            self._remember(self.text)
            self.text = text
            self.move(self.cursor)

    def undo(self) -> None:
        """Bring back the text before the last change."""
        self.finish()
        while self._past:
            if (text := self._past.pop()) != self.text:
                self.text = text
                self.move(self.cursor)
                return

    def finish(self) -> None:
        """End the edit of a row and keep what was typed; a row left empty is removed."""
        editor, self.editor = self.editor, None
        if editor is None:
            return
        if editor.is_label and editor.typed == self._label:
            self.text = self._unedited  # not even an empty comment is written for a label that stays as it was
        else:
            self.text = editor.whole if editor.typed.strip() else self._without(editor)
        if self.text != self._unedited:
            self._remember(self._unedited)

    def move(self, place: int) -> None:
        """Go to a row, or to the nearest one that there is."""
        self.cursor = max(0, min(place, len(parse(self.text).entries) - 1))

    def type(self, editor: LineEditor) -> None:
        """Go on with a row whose text is another one now."""
        self.editor, self.text = editor, editor.whole

    def add(self, typed: str) -> None:
        """Begin a new row at the end."""
        self._unedited = self.text
        before = self.text.rstrip() + "\n" if self.text.strip() else ""
        self.cursor = len(parse(before).entries)
        self.type(LineEditor(before, typed, "", len(typed)))

    def edit(self) -> None:
        """Type in the row at the cursor, or a new one where there is none."""
        entry = self._entry_here()
        if entry is None:
            self.add("")
            return
        self._unedited = self.text
        self.type(LineEditor(self.text[: entry.position], entry.text, self.text[entry.end :], len(entry.text)))

    def delete(self) -> None:
        """Remove the row at the cursor."""
        if entry := self._entry_here():
            self.change(replace_entry(self.text, entry, ""))

    def label(self, known: Mapping[IPv4Network | None, str]) -> None:
        """Type the label of the row at the cursor; `known` are the labels of entries where none was typed."""
        entry = self._entry_here()
        if entry is None or not entry.text:
            return
        label = known.get(entry.network, "") if entry.label is None else entry.label
        before, after = around_label(self.text, entry)
        self._unedited, self._label = self.text, label
        self.type(LineEditor(before, label, after, len(label), is_label=True))

    def end_entry(self, editor: LineEditor) -> bool:
        """End the row with the cursor at the entry before the caret; return whether there is one."""
        start, end = len(editor.before), len(editor.before + editor.head)
        places = [place for place, each in enumerate(parse(editor.whole).entries) if start <= each.position < end]
        if places:
            self.finish()
            self.cursor = places[-1]
        return bool(places)

    def paste(self, pasted: str) -> None:
        """Take a paste into the row that is typed; more lines than one, or a label, become entries of their own."""
        text, editor = pasted.strip(BLANKS), self.editor
        if editor is None:
            if text:
                self.change(append_entry(self.text, text))
                self.cursor = len(parse(self.text).entries) - 1
        elif editor.is_label or not any(mark in text for mark in LINE_ENDS + COMMENT_MARKS):
            self.type(editor.insert(pasted.strip(LINE_ENDS)))
        else:
            self._insert_lines(editor, text)

    def _insert_lines(self, editor: LineEditor, lines: str) -> None:
        text = insert_lines(editor.before, editor.head, lines, editor.tail, editor.after)
        behind = sum(each.position >= len(editor.before + editor.typed) for each in parse(editor.whole).entries)
        self.text = self._unedited
        self.change(text)
        self.cursor = len(parse(text).entries) - behind - 1

    def _entry_here(self) -> Entry | None:
        entries = parse(self.text).entries
        return entries[min(self.cursor, len(entries) - 1)] if entries else None

    def _without(self, editor: LineEditor) -> str:
        """The text where nothing was left of a row, or of its label."""
        if editor.is_label:
            return editor.before.rstrip(" ") + editor.after
        gone = next((each for each in parse(self._unedited).entries if each.position == len(editor.before)), None)
        return replace_entry(self._unedited, gone, "") if gone else self._unedited

    def _remember(self, text: str) -> None:
        if self._past[-1:] != [text]:
            self._past.append(text)
