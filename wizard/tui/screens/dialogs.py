"""Dialogs: the question whether to close, a text to read, and a form that is tried until it is done or given up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from wizard.core.errors import UsageError, WizardError
from wizard.steps import deadlines
from wizard.steps.form import Field, Form
from wizard.steps.view import Consent
from wizard.tui.content import marked, plain
from wizard.tui.session import Dialog
from wizard.tui.widgets.form_fields import FormFields, Values, wipe
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.row_list import TitledRows

if TYPE_CHECKING:
    from wizard.steps.session import EnvironmentSession


class LeaveScreen(Dialog[bool]):
    """Asks whether to close: what it means now, and how one comes back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "dismiss(True)", "Close"),
        Binding("escape", "dismiss(False)", "Stay"),
    ]

    def __init__(self, session: EnvironmentSession) -> None:
        super().__init__()
        try:
            self._lines = session.closing()
        except WizardError as error:
            self._lines = error.sentences()

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_subtitle = hints(("enter", "Quit"), ("esc", "Stay"))
            yield Static("Quit Key Wizard?", classes="title")
            yield Static(plain(*self._lines))


class TextScreen(Dialog[None]):
    """Shows a text, and keys with what they do. The key that opened it closes it too."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,f1,question_mark,v,V,h", "dismiss", "Close")]

    def __init__(self, title: str, paragraphs: Sequence[str], keys: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__()
        self._title = title
        self._paragraphs = paragraphs
        self._keys = keys

    def compose(self) -> ComposeResult:
        """Lay the text out."""
        with VerticalScroll(classes="dialog") as dialog:
            dialog.border_subtitle = hints(("PgUp PgDn", "Scroll"), ("esc", "Close"))
            yield Static(plain(self._title), classes="title")
            yield Static(plain(*self._paragraphs), classes="text")
            section = TitledRows(self.glyphs)
            section.show("", (), self._keys)
            yield section


def hints(*keys: tuple[str, str]) -> Content:
    """Return keys and what they do for the frame of a dialog: below its lines they would be out of sight at 60x20."""
    return Content("   ").join(marked("[b $text-accent]$key[/] $does", key=key, does=does) for key, does in keys)


class FormScreen(Dialog[bool]):
    """Asks until the form's act succeeds. Closes with whether it did. A wrong password locks nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Back")]

    def __init__(self, form: Form) -> None:
        super().__init__()
        self._form = form
        self._is_done = False
        self.left = ""
        """What stood in the first field when the user gave up; nothing where that is hidden."""

    def compose(self) -> ComposeResult:
        """Lay the questions out."""
        with VerticalScroll(classes="dialog", can_focus=False) as dialog:
            dialog.border_subtitle = hints(("enter", self._form.label), ("esc", "Back"))
            yield Static(plain(self._form.title), classes="title")
            if self._form.text:
                yield Static(plain(self._form.text), classes="question")
            yield FormFields(self._form.fields, self.glyphs, id="fields")
            yield Notice(self.glyphs)

    def on_mount(self) -> None:
        """Begin in the first field."""
        self.call_after_refresh(self._fields.focus_next)

    @property
    def _fields(self) -> FormFields:
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
        self.run_worker(self._try(values), group="form", description="try a form")

    async def _try(self, values: Values) -> None:
        try:
            await deadlines.within(self._form.at_most, self._form.act(**values))
            self._is_done = True
        except WizardError as error:
            self.show_error(error)
        finally:
            wipe(values)
        if self._is_done and self.app.screen is self:
            self.dismiss(True)

    def on_screen_resume(self) -> None:
        """Close, where it was done while the question whether to quit lay on top: Textual closes what is on top."""
        if self._is_done:
            self.dismiss(True)

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
        self.left = self._fields.first_text
        self.workers.cancel_group(self, "form")
        self.dismiss(False)


def word_of(consent: Consent) -> Form:
    """Return a consent as a form: nothing is destroyed by one key press."""
    word = consent.word

    async def judge(typed: str) -> None:
        # A key's last characters are what they are; a word may be typed in any case.
        if typed != word and not (word.islower() and typed.lower() == word):
            raise UsageError(f"That is not {word}", advice=f"Type {word}, or press Esc to cancel.")

    field = Field("typed", f"Type {word}")
    return Form(consent.title, consent.text, (field,), judge, "Confirm", "", deadlines.FILES)
