"""A form on top of a page: it is tried until it is done, or until the user gives up."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from wizard.core.errors import WizardError
from wizard.steps import deadlines
from wizard.steps.view import Form
from wizard.tui.screens.dialogs import hints
from wizard.tui.session import Dialog
from wizard.tui.widgets.notice import Notice

if TYPE_CHECKING:
    from wizard.tui.widgets.form_fields import FormFields, Values


class FormScreen(Dialog[bool]):
    """Asks until the form's act succeeds. Closes with whether it did. A wrong password locks nothing.

    Args:
        form: The questions.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Back")]

    def __init__(self, form: Form) -> None:
        super().__init__()
        self._form = form

    def compose(self) -> ComposeResult:
        """Lay the questions out."""
        from wizard.tui.widgets.form_fields import FormFields  # noqa: PLC0415 - loaded when it is needed

        with VerticalScroll(classes="dialog", can_focus=False) as dialog:
            dialog.border_subtitle = hints(("enter", self._form.label), ("esc", "Back"))
            yield Static(self._form.title, classes="title", markup=False)
            yield Static(self._form.text, classes="question", markup=False)
            yield FormFields(self._form.fields, self.glyphs, id="fields")
            yield Notice(self.glyphs)

    def on_mount(self) -> None:
        """Begin in the first field."""
        self.call_after_refresh(self._fields.focus_next)

    @property
    def _fields(self) -> FormFields:
        from wizard.tui.widgets.form_fields import FormFields  # noqa: PLC0415

        return self.query_one(FormFields)

    def on_form_fields_submitted(self) -> None:
        """Try, unless it is being tried."""
        if self.is_at_work("form"):
            return
        try:
            values = self._fields.values()
        except WizardError as error:
            self.notice.error(error)
            return
        self.notice.note(f"{self._form.doing}{self.glyphs.working}")
        self.start(lambda: self._try(values), lambda _: self.dismiss(True), doing="try a form", group="form")

    async def _try(self, values: Values) -> None:
        from wizard.tui.widgets.form_fields import wipe  # noqa: PLC0415

        try:
            await deadlines.within(self._form.at_most, self._form.act(**values))
        finally:
            wipe(values)

    def on_secret_field_noted(self, message: object) -> None:
        """Say what a field did not take."""
        self.notice.note(str(getattr(message, "note", "")))

    def show_error(self, error: WizardError) -> None:
        """Say why. Passwords are asked for again, all else stays."""
        self._fields.clear(only_passwords=True)
        self._fields.ask_after(error.code)
        super().show_error(error)
        self.call_after_refresh(self.notice.scroll_visible, animate=False)

    def action_cancel(self) -> None:
        """Give up, also in the middle of a wait. What has begun on the disk is done."""
        self.stop("form")
        self.dismiss(False)
