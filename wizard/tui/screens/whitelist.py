"""The screen of the Whitelist step: its list is edited in place, and takes a paste at any moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from textual import events
from textual.content import Content
from textual.widget import Widget

from wizard.core.errors import WizardError
from wizard.core.text import printable
from wizard.steps.view import BACK, PRIMARY, Row, State, View
from wizard.steps.whitelist import WhitelistPresenter
from wizard.tui.content import marked
from wizard.tui.screens.view_screen import ViewScreen
from wizard.tui.widgets.action_bar import ActionBar
from wizard.tui.widgets.row_list import GAP, RowList
from wizard.whitelist.entries import BLANKS, COMMENT_MARKS, LINE_ENDS, LONGEST_LABEL, parse

_NEW = Row(("+ add an address, or paste a whole list",), sign_before=2, item="new")
"""Below the entries: where a new one is typed."""
_ALSO = {"delete": "d", "insert": "a", "ctrl+z": "u", **dict.fromkeys(COMMENT_MARKS, "n")}
"""Further keys, each for that of an action."""
_ENDS = {"enter": 0, "escape": 0, "up": -1, "down": 1}
"""Keys that end what is typed into a row, and how many rows further they go."""
_FIXES = frozenset({"fix", "other", "fix-all"})
"""Actions that lead to the next row to fix."""


@dataclass(frozen=True, slots=True)
class LineEditor:
    """A cell of the list while it is typed."""

    typed: str
    caret: int
    """How many characters of `typed` stand before the caret."""
    is_name: bool = False

    def insert(self, text: str) -> LineEditor:
        """Type one line at the caret. A name has no space before it, and a longest length."""
        line = text.replace("\t", " ")
        if self.is_name:
            line = " ".join(text.split()) if text.strip() else " "
            line = (line if self.caret else line.lstrip())[: LONGEST_LABEL - len(self.typed)]
        typed = self.typed[: self.caret] + line + self.typed[self.caret :]
        return replace(self, typed=typed, caret=self.caret + len(line))

    def press(self, key: str) -> LineEditor | None:
        """Return the line after an editing key, or None where it is not one."""
        at, end, typed = self.caret, len(self.typed), self.typed
        if key in {"left", "right", "home", "end"}:
            return replace(self, caret={"left": max(0, at - 1), "right": min(end, at + 1), "home": 0, "end": end}[key])
        if key == "backspace":
            start = max(0, at - 1)
            return replace(self, typed=typed[:start] + typed[at:], caret=start)
        if key == "delete":
            return replace(self, typed=typed[:at] + typed[at + 1 :])
        if key == "ctrl+u":
            return replace(self, typed=typed[at:], caret=0)
        return None


class EntryRows(RowList):
    """Rows with a cursor, one of which may be typed into. Keys and pastes act in the order in which they come."""

    def __init__(self, page: WhitelistScreen, *, id: str) -> None:
        super().__init__(page.glyphs, id=id)
        self._page = page
        self.editor: LineEditor | None = None
        """What is typed into the row under the cursor; None while keys are commands."""

    def edit(self, typed: str, *, is_name: bool = False) -> None:
        """Type into the row under the cursor."""
        self.editor = LineEditor(typed, len(typed), is_name)
        self.refresh()

    async def finish(self, named: int = 0) -> None:
        """End what is typed into a row, and keep it; name one of its entries where a number is given."""
        editor, self.editor = self.editor, None
        if editor:
            self.refresh()
            await self._page.take(editor, named)

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002 - Textual's signature
        """Say that printable keys are text here while a row is typed into."""
        return self.editor is not None and character is not None and character.isprintable()

    async def on_key(self, event: events.Key) -> None:
        """Type, or do what the key is for."""
        is_taken = await (self._type(event, self.editor) if self.editor else self._page.press(event))
        if is_taken:
            event.stop()
            event.prevent_default()

    async def _type(self, event: events.Key, editor: LineEditor) -> bool:
        if event.key in _ENDS:
            await self.finish()
            self.move(self._cursor + _ENDS[event.key])
        elif event.character and event.character in COMMENT_MARKS and not editor.is_name:
            # A comment would swallow what stands behind it on its line.
            if named := len(parse(editor.typed[: editor.caret])):
                await self.finish(named)
        elif event.is_printable and event.character:
            self.editor = editor.insert(event.character)
        elif changed := editor.press(event.key):
            self.editor = changed
        else:
            return False
        self.refresh()
        return True

    async def on_paste(self, event: events.Paste) -> None:
        """Take one line into what is typed, and else further entries."""
        event.stop()
        text, editor = event.text.strip(BLANKS), self.editor
        if editor is None:
            await self._page.paste(text)
        elif editor.is_name or not any(mark in text for mark in LINE_ENDS + COMMENT_MARKS):
            self.editor = editor.insert(event.text.strip(LINE_ENDS))
        else:
            parts = (editor.typed[: editor.caret].strip(), text, editor.typed[editor.caret :].strip())
            self.edit("\n".join(filter(None, parts)))
            await self.finish()
        self.refresh()

    async def on_blur(self) -> None:
        """Typing has come to an end."""
        await self.finish()

    def _line(self, number: int, widths: Sequence[int], signs: frozenset[int]) -> Content:
        if self.editor is None or number != self._cursor:
            return super()._line(number, widths, signs)
        editor, start = self.editor, marked("[b $text-primary]$mark[/] ", mark=self._glyphs.focus)
        if editor.is_name:  # without an entry there are no columns
            before = Content(self._shown[number].cells[0])
            start += before.truncate(widths[0], ellipsis=True, pad=True) + GAP
        shown, room = printable(editor.typed, 2000) + " ", max(8, self.size.width - start.cell_length - 1)
        first = max(0, editor.caret - room + 1)
        at = editor.caret - first
        shown = shown[first : first + room]
        return start + Content.assemble(shown[:at], (shown[at], "reverse"), shown[at + 1 :])


class WhitelistScreen(ViewScreen):
    """Draws the Whitelist step."""

    presenter: WhitelistPresenter

    @property
    def _rows(self) -> EntryRows:
        return self.query_one(EntryRows)

    def compose_main(self) -> Iterable[Widget]:
        """Yield the list."""
        yield EntryRows(self, id="rows")

    def draw_main(self, view: View) -> None:
        """Draw the list, and below it the row for a new entry."""
        new = (_NEW,) if self.presenter.offer is None else ()
        self._rows.show((*view.rows, *new), view.columns, view.cursor or _NEW.item)
        if self.focused is None:
            self._rows.focus()

    def _draw(self) -> None:
        super()._draw()
        if (editor := self._rows.editor) is not None:
            name = () if editor.is_name else (("#", "Name"),)
            self.query_one(ActionBar).show((), ("enter", "Keep"), *name, ("ctrl+u", "Clear"), ("F1", "Help"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the page's keys to the list, which takes them in the order in which they come."""
        return action != "press" and super().check_action(action, parameters)

    async def press(self, event: events.Key) -> bool:
        """Do what a key is for."""
        if event.character and event.character in "0123456789" and self.presenter.offer is None:
            self._type_new(event.character)
            return True
        key = _ALSO.get(event.character or event.key, event.key)
        action, row = self.shown.action(key), self.row
        if action is None or row is None:
            return False
        if key in {PRIMARY, BACK}:
            self.action_press(key)
        elif action.word == "add" or (row is _NEW and action.word == "edit"):
            self._type_new("")
        elif action.asks_for and row is not _NEW:
            await self._do(partial(self._type, row.item, is_name=action.word == "name"))
        elif row is not _NEW or not action.is_about_row:
            await self._do(partial(action.run, *([row.item] if action.is_about_row else [])))
            if action.word in _FIXES and self.row and self.row.state is not State.STOP:
                self._go_to_error()
        return True

    async def take(self, editor: LineEditor, named: int) -> None:
        """Take what was typed into a row, and name the last one of the first `named` entries of it."""
        row, before = self.row, self.presenter.entries
        is_new = row is None or row is _NEW
        item = str(len(before)) if row is None or is_new else row.item
        if is_new:
            await self._do(partial(self.presenter.add, editor.typed))
            if len(self.presenter.entries) > len(before):
                self._rows.move_to(str(len(self.presenter.entries) - 1))
        else:
            await self._do(partial(self.presenter.name if editor.is_name else self.presenter.edit, item, editor.typed))
        if named:
            self._rows.move_to(str(int(item) + named - 1))
            await self._do(partial(self._type, str(int(item) + named - 1), is_name=True))

    async def paste(self, text: str) -> None:
        """Take further entries."""
        await self._do(partial(self.presenter.add, text))
        if self.presenter.offer is None and not self._go_to_error() and self.presenter.entries:
            self._rows.move_to(str(len(self.presenter.entries) - 1))

    def _type_new(self, typed: str) -> None:
        self._rows.move_to(_NEW.item)
        self._rows.edit(typed)
        self._draw()

    async def _type(self, item: str, *, is_name: bool) -> None:
        self._rows.edit(self.presenter.name_of(item) if is_name else self.presenter.text_of(item), is_name=is_name)

    async def _do(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do it at once: the next key is about the list as it is then."""
        self.notice.clear()
        try:
            await work()
        except WizardError as error:
            self.show_error(error)
        self._draw()

    def _go_to_error(self) -> bool:
        """Go to the first row that stops the user; return whether there is one."""
        is_one = any(row.state is State.STOP for row in self.shown.rows)
        if is_one:
            self._rows.move_to(self.shown.cursor)
        return is_one
