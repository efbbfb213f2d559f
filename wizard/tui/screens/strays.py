"""Items in the place of the credentials that the journal does not know: to be adopted, deleted, or left."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from wizard.custody.questions import ADOPT_STRAY, DELETE_STRAY_CONSENT, DELETE_STRAY_WORD
from wizard.errors import WizardError
from wizard.glyphs import Glyphs
from wizard.rotation.flow import Flow
from wizard.rotation.model import Finding
from wizard.rotation.strays import Stray
from wizard.text import printable
from wizard.tui.screens.confirm import ConfirmScreen
from wizard.tui.screens.instructions import at_work
from wizard.tui.widgets.notice import Notice
from wizard.tui.widgets.option_rows import OptionRows


class StraysScreen(ModalScreen[Finding | None]):
    """Lists them; closes with what storing an adopted one showed, or with nothing.

    Args:
        flow: The open environment.
        glyphs: The signs beside the words.
    """

    HELP = (
        "Another journal wrote these items, or one that is gone. A whole key can be adopted: it is stored once more, as"
        " an item of this journal, and proven by the probe. What is deleted is gone, here and for whoever else uses it."
        " What is left alone stays as it is."
    )
    DEFAULT_CSS = "StraysScreen #strays { height: auto; max-height: 9; margin: 0 0 1 0; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "adopt", "Adopt"),
        Binding("d", "delete", "Delete"),
        Binding("escape", "leave", "Leave"),
        # A dialog hides the app's own bindings.
        Binding("ctrl+q,ctrl+c", "app.leave", show=False),
        Binding("f1", "app.help", show=False),
    ]

    class Looked(Message):
        """The items were read."""

        def __init__(self, strays: tuple[Stray, ...]) -> None:
            super().__init__()
            self.strays = strays

    class Adopted(Message):
        """One was stored as the new key."""

        def __init__(self, finding: Finding) -> None:
            super().__init__()
            self.finding = finding

    class Deleted(Message):
        """One is gone."""

    class Failed(Message):
        """Something was refused."""

        def __init__(self, error: WizardError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, flow: Flow, glyphs: Glyphs) -> None:
        super().__init__()
        self._flow = flow
        self._glyphs = glyphs
        self._strays: tuple[Stray, ...] = ()

    def compose(self) -> ComposeResult:
        """Lay the list out."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Static("Items that the journal does not know", classes="title")
            yield OptionRows(id="strays")
            yield Static("Reading them…", id="about", classes="question", markup=False)
            yield Notice(self._glyphs)
            yield Static(
                "A adopts the highlighted key. D deletes the item. Esc leaves all as it is.",
                classes="keys",
                markup=False,
            )

    def on_mount(self) -> None:
        """Look at them."""
        self._look()

    @work(exclusive=True, group="look", description="look at items that the journal does not know")
    async def _look(self) -> None:
        try:
            self.post_message(self.Looked(await self._flow.strays.look()))
        except WizardError as error:
            self.post_message(self.Failed(error))

    @on(Looked)
    def show(self, message: Looked) -> None:
        """List them."""
        self._strays = message.strays
        options = self.query_one("#strays", OptionList)
        options.clear_options()
        options.add_options(Option(Content(one.sentence)) for one in message.strays)
        options.display = bool(message.strays)
        options.highlighted = 0 if message.strays else None
        options.focus()
        about = ADOPT_STRAY if any(one.can_be_adopted for one in message.strays) else "None of them holds a whole key."
        self.query_one("#about", Static).update(about if message.strays else "There are none any more.")

    def action_adopt(self) -> None:
        """Store the key of the highlighted one as an item of this journal."""
        stray = self._highlighted()
        if stray is None:
            return
        if not stray.can_be_adopted:
            self.query_one(Notice).note("It holds no whole key: there is nothing to adopt.")
            return
        self.query_one(Notice).note("Storing it, reading back, comparing…")
        self._adopt(stray.item)

    @work(exclusive=True, group="custody", description="adopt an item that the journal does not know")
    async def _adopt(self, item: str) -> None:
        try:
            self.post_message(self.Adopted(await self._flow.adopt_stray(item)))
        except WizardError as error:
            self.post_message(self.Failed(error))

    def action_delete(self) -> None:
        """Ask for the word, then delete the highlighted one."""
        stray = self._highlighted()
        if stray is None:
            return

        def answered(is_wanted: bool | None) -> None:
            if is_wanted:
                self._delete(stray.item)

        question = f"{printable(stray.item)}\n\n{DELETE_STRAY_CONSENT}"
        self.app.push_screen(ConfirmScreen("Delete this item?", question, DELETE_STRAY_WORD), answered)

    @work(exclusive=True, group="custody", description="delete an item that the journal does not know")
    async def _delete(self, item: str) -> None:
        try:
            await self._flow.delete_stray(item)
            self.post_message(self.Deleted())
        except WizardError as error:
            self.post_message(self.Failed(error))

    @on(Adopted)
    def finish(self, message: Adopted) -> None:
        """Close: the rotation stands at the probe now."""
        self.dismiss(message.finding)

    @on(Deleted)
    def show_rest(self) -> None:
        """Say that it is gone, and list what is left."""
        self.query_one(Notice).good("It was deleted, and read back as gone.")
        self._look()

    @on(Failed)
    def show_error(self, message: Failed) -> None:
        """Say why; nothing else was done."""
        self.query_one(Notice).error(message.error)

    def action_leave(self) -> None:
        """Close, unless the place of the credentials is at work."""
        if any(worker.group == "custody" and worker.is_running for worker in self.workers):
            self.query_one(Notice).note(at_work(self._flow.place))
        else:
            self.dismiss(None)

    def _highlighted(self) -> Stray | None:
        """Return the one under the cursor, as long as nothing is being done with it."""
        at_work = any(worker.group == "custody" and worker.is_running for worker in self.workers)
        index = self.query_one("#strays", OptionList).highlighted
        return self._strays[index] if self._strays and index is not None and not at_work else None
