"""The screen of the Credentials step: what to do on Binance, and the hidden fields below it.

A value leaves its field only after it was stored and read back unchanged; until then it stays where it was typed.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.types import CSSPathType
from textual.widget import Widget
from textual.widgets import Static

from wizard.steps.credentials import API_KEY, SECRET, CredentialsPresenter
from wizard.steps.form import Form
from wizard.steps.view import PRIMARY, Instruction, State, View
from wizard.tui.content import marked, plain
from wizard.tui.screens.view_screen import ViewScreen
from wizard.tui.widgets.action_bar import key_name
from wizard.tui.widgets.form_fields import FormFields, wipe
from wizard.tui.widgets.secret_field import SecretField

LINES_BELOW = 2
"""Around the fields."""
NOT_HMAC = "This paste holds a secret, so it is an HMAC key. Change the key type."

if TYPE_CHECKING:
    from wizard.core.credentials import KeyKind


class CredentialsScreen(ViewScreen):
    """Takes the key in."""

    CSS_PATH: ClassVar[CSSPathType | None] = ["view_screen.tcss", "credentials.tcss"]
    COMMON: ClassVar[tuple[tuple[str, str], ...]] = (("f1", "Help"), ("ctrl+q", "Quit"))
    BINDINGS: ClassVar[list[BindingType]] = [
        # Not before the field has it: keys that arrive together are taken in their order.
        Binding(PRIMARY, f"press('{PRIMARY}')", show=False)
    ]
    presenter: CredentialsPresenter
    _kind: KeyKind | None = None
    """Of the values in the fields."""

    def compose_main(self) -> Iterable[Widget]:
        """Yield the instructions and the fields."""
        with VerticalScroll(id="instructions", can_focus=False):
            yield Static("", id="numbered")
        yield FormFields(self.presenter.every_field, self.glyphs, id="fields")

    def draw_main(self, view: View) -> None:
        """Draw the instructions, ask for what a key of this type has, and take over what was read elsewhere."""
        self.set_class(bool(view.instructions), "-keyed")
        instructions = self.query_one("#instructions")
        width = instructions.scrollable_content_region.width or self.app.size.width - 2
        # The fields stay in sight, however long a public key is.
        around = len(self.presenter.fields) + 1 + len(view.because) + LINES_BELOW
        instructions.styles.max_height = max(3, self.query_one("#page").size.height - around)
        lines = [line for number, each in enumerate(view.instructions, 1) for line in _drawn(number, each, width)]
        self.query_one("#numbered", Static).update(Content("\n").join(lines))
        if self.presenter.kind is not self._kind:
            self._kind = self.presenter.kind
            self._fields.clear()
        self._fields.ask_for(field.name for field in self.presenter.fields)
        self._fields.display = bool(self.presenter.fields)
        if self.presenter.entered:
            self._fields.clear()
            for name, value in self.presenter.entered.items():
                self._fields.fill(name, value)
            self.presenter.forget()
            self.query_one(f"#{self.presenter.fields[-1].name}").focus()
        elif not self.presenter.fields:
            self.set_focus(None)  # letters are keys then
        elif self.focused is None:
            self._fields.focus_next()

    def on_resize(self) -> None:
        """Lay the instructions out anew."""
        self.show()

    @property
    def _fields(self) -> FormFields:
        return self.query_one(FormFields)

    @on(FormFields.Submitted)
    def save(self) -> None:
        """Do what Enter does."""
        self.action_press(PRIMARY)

    async def fill(self, form: Form) -> bool:
        """Act with what stands in the fields; they keep it until it is stored. Other forms lie on top."""
        if form.fields != self.presenter.fields:
            return await super().fill(form)
        values = self._fields.values()
        try:
            done = await self.attempt(partial(_whether_done, form, values), form.doing, form.at_most)
        finally:
            wipe(values)
        if done:
            self._fields.clear()
        return bool(done)

    @on(SecretField.PairPasted)
    def take_pair(self, message: SecretField.PairPasted) -> None:
        """Put each value into its own field, unless a key pair signs."""
        pair = message.pair
        if pair.secret and self.presenter.fields != self.presenter.every_field:
            self.note(f"{NOT_HMAC} Nothing was taken.", State.LOOK)
        else:
            for field, value in ((API_KEY, pair.api_key), (SECRET, pair.secret)):
                if value:
                    self._fields.fill(field.name, value)
            self.note(pair.described())
            self._fields.focus_next() or self.query_one(f"#{self.presenter.fields[-1].name}").focus()
        pair.wipe()

    @on(SecretField.Noted)
    def show_note(self, message: SecretField.Noted) -> None:
        """Say what a field did not take."""
        self.note(message.note, State.LOOK)

    def action_scroll_side(self, pages: int) -> None:
        """Scroll the instructions, and what stands below."""
        instructions = self.query_one("#instructions", VerticalScroll)
        instructions.scroll_relative(y=pages * max(1, instructions.size.height - 1), animate=False)
        super().action_scroll_side(pages)


async def _whether_done(form: Form, values: dict[str, Any]) -> bool:
    await form.act(**{field.name: values[field.name] for field in form.fields})
    return True


def _drawn(number: int, instruction: Instruction, width: int) -> Iterable[Content]:
    """Return an instruction in lines, with the key that helps at the end of the first one."""
    key = key_name(instruction.key)
    end = marked("[b $text-accent]$key[/] $does", key=key, does=instruction.does) if key else Content("")
    text = plain(instruction.text).wrap(max(20, width - 4 - end.cell_length - (2 if key else 0)))
    for at, line in enumerate(text):
        before = marked("[b $text-primary]$number[/]  ", number=number) if at == 0 else Content("   ")
        row = before + line
        yield row + " " * max(1, width - row.cell_length - end.cell_length) + end if at == 0 and key else row
    for detail in instruction.details:
        for line in plain(detail).wrap(max(20, width - 3)):
            yield Content("   ") + line.stylize("$text-muted")
    indent = "   " if all(len(line) + 3 <= width for line in instruction.exact) else ""
    for exact in instruction.exact:
        for line in plain(exact).wrap(max(20, width - len(indent))):
            yield Content(indent) + line.stylize("$text-secondary")
