"""The fields of a form, one below the other, hidden ones among them.

A value leaves its field only when that is cleared: what is read here is a copy, and the reader wipes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.text import Glyphs
from wizard.steps.form import Field, FieldKind
from wizard.tui.content import plain
from wizard.tui.widgets.secret_field import SecretField

Values = dict[str, "str | Secret"]


class LineInput(Input):
    """An `Input` without frame and blinking cursor: one row, and no byte to the terminal while it is idle."""

    def __init__(self, field: Field) -> None:
        super().__init__(field.text, placeholder=field.placeholder, id=field.name, compact=True, select_on_focus=False)
        self.cursor_blink = False


class FormFields(Vertical):
    """Takes the answers to these questions."""

    DEFAULT_CSS = "FormFields { height: auto; }"

    class Submitted(Message):
        """Enter was pressed, and nothing that is needed is empty."""

    def __init__(self, fields: Sequence[Field], glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._fields = tuple(fields)
        self._glyphs = glyphs
        self._shown = {field.name for field in fields if not field.after}

    def compose(self) -> ComposeResult:
        """Lay out all fields; those that are not asked for yet are hidden."""
        for field in self._fields:
            yield Static(plain(field.label), classes="label", id=f"{field.name}-label")
            yield LineInput(field) if field.kind is FieldKind.TEXT else SecretField(field, self._glyphs)

    def on_mount(self) -> None:
        """Hide what is not asked for yet."""
        self._lay_out()

    def ask_for(self, names: Iterable[str]) -> None:
        """Show these hidden fields and no others. What stands in the others is cleared."""
        self._shown = set(names)
        for field in self._fields:
            if field.name not in self._shown:
                self._hidden(field.name).clear()
        self._lay_out()

    def ask_after(self, code: str) -> None:
        """Show the fields too that are asked for after this error, and go to the first that is empty."""
        self._shown |= {field.name for field in self._fields if code and field.after == code}
        self._lay_out()
        self.focus_next()

    def _lay_out(self) -> None:
        for field in self._fields:
            is_shown = field.name in self._shown
            self.query_one(f"#{field.name}").display = is_shown
            self.query_one(f"#{field.name}-label").display = is_shown

    def fill(self, name: str, value: Secret) -> None:
        """Put a hidden value into its field."""
        self._hidden(name).fill(value)

    def clear(self, *, only_passwords: bool = False) -> None:
        """Overwrite what stands in the hidden fields."""
        for field in self._fields:
            if field.kind is not FieldKind.TEXT and (field.kind is FieldKind.PASSWORD or not only_passwords):
                self._hidden(field.name).clear()

    @property
    def first_text(self) -> str:
        """What stands in the first field, where that is not hidden."""
        return next((field.value for field in self.query(LineInput)), "")

    def values(self) -> Values:
        """Return copies, which the caller wipes, or raise WizardError: a value is wrong, and has the focus."""
        found: Values = {}
        before = ""
        try:
            for field in self._fields:
                if field.name not in self._shown:
                    found[field.name] = "" if field.kind is FieldKind.TEXT else Secret()
                elif field.is_repeat:
                    self._expect_repeated(field, found[before])
                else:
                    found[field.name] = self._value(field)
                before = field.name
        except WizardError:
            wipe(found)
            raise
        return {field.name: found[field.name] for field in self._fields if field.name in found}

    def _expect_repeated(self, field: Field, value: str | Secret) -> None:
        repeated = self._hidden(field.name).take()
        is_same = repeated == value
        repeated.wipe()
        if not value:
            self.focus_next()
            raise WizardError("Nothing is entered yet", advice="Type it in the first field, then again below.")
        if not is_same:
            self._hidden(field.name).focus()
            raise WizardError("The two are not the same", advice="Type the second one again.")

    def _value(self, field: Field) -> str | Secret:
        if field.kind is FieldKind.TEXT:
            return self.query_one(f"#{field.name}", LineInput).value.strip()
        value = self._hidden(field.name).peek()
        try:
            if field.check is not None:
                field.check(value)
        except WizardError:
            value.wipe()
            self._hidden(field.name).focus()
            raise
        return value

    def _hidden(self, name: str) -> SecretField:
        return self.query_one(f"#{name}", SecretField)

    def _is_empty(self, name: str) -> bool:
        widget = self.query_one(f"#{name}")
        return not (widget.length if isinstance(widget, SecretField) else getattr(widget, "value", ""))

    def focus_next(self, after: str = "") -> bool:
        """Go to the first empty field that is needed, behind another one; return whether there is one."""
        names = [field.name for field in self._fields]
        for field in self._fields[names.index(after) + 1 if after else 0 :]:
            is_needed = not (field.instead_of and not self._is_empty(field.instead_of))
            if field.name in self._shown and is_needed and self._is_empty(field.name):
                self.query_one(f"#{field.name}").focus()
                return True
        return False

    @on(Input.Submitted)
    @on(SecretField.Submitted)
    def _entered(self, event: Input.Submitted | SecretField.Submitted) -> None:
        event.stop()
        if not self.focus_next(str(event.control.id)):
            self.post_message(self.Submitted())


def wipe(values: Values) -> None:
    """Overwrite the hidden ones among the values of a form."""
    for value in values.values():
        if isinstance(value, Secret):
            value.wipe()
