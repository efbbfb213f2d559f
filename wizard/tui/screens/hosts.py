"""Other hosts that use the key: check them, ask them over OpenSSH, take their addresses to the whitelist."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, OptionList, Static

from wizard.clock import duration
from wizard.egress.hosts.model import Host, HostAnswer, HostSource
from wizard.errors import WizardError
from wizard.glyphs import Glyphs
from wizard.rotation.flow import Flow
from wizard.text import printable
from wizard.tui.widgets.notice import Notice

_FROM = {
    HostSource.SETTINGS: "from the settings",
    HostSource.SSH_CONFIG: "from ~/.ssh/config",
    HostSource.TYPED: "typed here",
}
_NAME_WIDTH = 24


class HostsScreen(ModalScreen[str | None]):
    """A row per host: checked or not, and what it answered. Returns what was taken, in words; None after Esc.

    Args:
        flow: Its hosts are shown; its whitelist is offered what they answer.
        glyphs: The signs beside the words.
    """

    CSS_PATH = "hosts.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "check", "Check", key_display="Space", tooltip="Check the host, or uncheck it"),
        Binding("a", "check_all", "All", tooltip="Check all hosts, or none"),
        # Priority: list and field take Enter for themselves.
        Binding("enter", "go", "Go", key_display="Enter", priority=True, tooltip="Ask; then take the addresses"),
        Binding("r", "again", "Again", tooltip="Ask those once more that gave no address"),
        Binding(
            "tab", "app.focus_next", "Add", key_display="Tab", tooltip="Go to the field for another host, and back"
        ),
        Binding("escape", "close", "Close", key_display="Esc", tooltip="Go back; what is typed and answered stays"),
        # A dialog does not inherit the app's keys.
        Binding("f1", "app.help", show=False),
    ]
    HELP = (
        "Every host that uses the key needs its address on the whitelist. The checked hosts are asked over the system's"
        " OpenSSH, as your ~/.ssh/config says; each asks several operators which address they see. Nothing is typed"
        " there, no password is asked for, no key and no secret is sent. An address counts when two operators agree;"
        " it goes to the whitelist with the host's name as its label."
    )

    class Answered(Message):
        """A host answered, or there is a reason why not."""

        def __init__(self, answer: HostAnswer) -> None:
            super().__init__()
            self.answer = answer

    class Ended(Message):
        """All answers are there."""

    class Failed(Message):
        """No host can be asked."""

        def __init__(self, error: WizardError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, flow: Flow, glyphs: Glyphs) -> None:
        super().__init__()
        self._flow = flow
        self._step = flow.hosts
        self._glyphs = glyphs
        self._hosts: tuple[Host, ...] = ()
        self._asked: tuple[Host, ...] = ()
        """Who is being asked now; nobody while nothing is under way."""
        self._refused = ""
        """The text that the refusal under the field is about."""

    def compose(self) -> ComposeResult:
        """Lay out the list, what is known of the highlighted host, and the field."""
        with Vertical(classes="dialog"):
            yield Static("Other hosts that use the key", classes="title")
            yield Static(self._lede(), classes="lede", markup=False)
            yield OptionList(id="hosts")
            yield Static("", id="detail", markup=False)
            with Horizontal(id="add"):
                yield Static("Another host: ", classes="label")
                field = Input(self._step.draft, compact=True, select_on_focus=False, placeholder="[user@]host")
                field.cursor_blink = False
                yield field
            yield Static("", id="refusal")
            yield Static("", id="next", markup=False)
            yield Notice(self._glyphs)
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """List the hosts; where none is known, the field comes first."""
        self._list()
        if self._hosts:
            self.query_one("#hosts", OptionList).highlighted = 0
        self.query_one("#hosts" if self._hosts else Input).focus()

    @on(OptionList.OptionHighlighted)
    def show_detail(self) -> None:
        """Say all that is known of the highlighted host."""
        host = self._highlighted()
        self.query_one("#detail", Static).update(self._detail(host) if host else "")

    @on(Input.Changed)
    def keep_draft(self, event: Input.Changed) -> None:
        """Nothing typed is lost."""
        self._step.draft = event.value
        if event.value != self._refused:
            self._refuse(None)
        self._say_next()

    def action_check(self) -> None:
        """Check the highlighted host, or uncheck it."""
        if host := self._highlighted():
            self._check((host,), not self._step.is_checked(host))

    def action_check_all(self) -> None:
        """Check all, or none where all are checked."""
        self._check(self._hosts, len(self._step.checked()) < len(self._hosts))

    def action_go(self) -> None:
        """Add what is typed; else ask; else take what was found."""
        step = self._step
        self.query_one(Notice).clear()
        if typed := self._typed():
            self._add(typed)
        elif self._asked:
            self.query_one(Notice).note("The hosts are still being asked. Esc closes and keeps the answers so far.")
        elif unasked := step.unasked():
            self._begin(unasked)
        elif step.found():
            self._take()
        else:
            self.query_one(Notice).note(
                "No checked host gave an address. R asks once more." if step.failed() else "No host is checked."
            )

    def action_again(self) -> None:
        """Ask those that gave no address."""
        self.query_one(Notice).clear()
        if failed := () if self._asked else self._step.failed():
            self._begin(failed)

    def action_close(self) -> None:
        """Go back; whoever is still being asked is not waited for."""
        self.dismiss(None)

    @on(Answered)
    def show_answer(self, message: Answered) -> None:
        """Show the answer in the host's row."""
        self._show_rows((message.answer.host,))
        self._say_next()

    @on(Ended)
    def show_end(self) -> None:
        """Say what Enter does now."""
        self._asked = ()
        self._say_next()

    @on(Failed)
    def show_error(self, message: Failed) -> None:
        """Say why nobody was asked."""
        self.show_end()
        self.query_one(Notice).error(message.error)

    @work(exclusive=True, group="hosts", description="ask other hosts")
    async def _ask(self, hosts: tuple[Host, ...]) -> None:
        try:
            await self._step.ask(hosts, lambda answer: self.post_message(self.Answered(answer)))
            self.post_message(self.Ended())
        except WizardError as error:
            self.post_message(self.Failed(error))

    def _begin(self, hosts: tuple[Host, ...]) -> None:
        self._asked = hosts
        self._step.forget(hosts)
        self._show_rows(hosts)
        self._say_next()
        self._ask(hosts)

    def _add(self, text: str) -> None:
        try:
            host = self._step.add(text)
        except WizardError as error:
            self._refused = text
            self._refuse(error)
            return
        self.query_one(Input).value = ""
        self._list()
        self.query_one("#hosts", OptionList).highlighted = self._hosts.index(host)

    def _typed(self) -> str:
        """What stands in the field that has the focus."""
        return self.focused.value if isinstance(self.focused, Input) and self.focused.value.strip() else ""

    def _take(self) -> None:
        found = self._step.found()
        self._flow.choice.take(found)
        self.dismiss(f"For the whitelist: {'; '.join(f'{address} ({label})' for address, label in found.items())}")

    def _check(self, hosts: tuple[Host, ...], is_checked: bool) -> None:
        self._step.check(hosts, is_checked)
        self._show_rows(hosts)
        self._say_next()

    def _list(self) -> None:
        self._hosts = self._step.known()
        options = self.query_one("#hosts", OptionList)
        options.clear_options()
        options.add_options(map(self._row, self._hosts))
        options.display = self.query_one("#detail").display = bool(self._hosts)
        self.show_detail()
        self._say_next()

    def _show_rows(self, hosts: tuple[Host, ...]) -> None:
        options = self.query_one("#hosts", OptionList)
        places = {host.destination: place for place, host in enumerate(self._hosts)}
        for host in hosts:
            options.replace_option_prompt_at_index(places[host.destination], self._row(host))
        self.show_detail()

    def _highlighted(self) -> Host | None:
        index = self.query_one("#hosts", OptionList).highlighted
        return self._hosts[index] if index is not None and index < len(self._hosts) else None

    def _row(self, host: Host) -> Content:
        answer = self._step.answer(host)
        mark = "x" if self._step.is_checked(host) else " "
        width = min(_NAME_WIDTH, max(len(each.name) for each in self._hosts))
        name = f"[{mark}] {printable(host.name, width):<{width}}"
        if answer is None:
            said = f"{self._glyphs.working} being asked" if host in self._asked else ""
            return Content(f"{name}  {said}".rstrip())
        glyph, colour = self._glyphs.failed, "$text-error"
        if answer.address:
            glyph, colour = self._glyphs.passed, "$text-success"
        return Content.from_markup(
            f"$name  $ms ms  [{colour}]$glyph[/] $said",
            name=name,
            ms=f"{answer.milliseconds:>5.0f}",
            glyph=glyph,
            said=str(answer.address or answer.sentence()),
        )

    def _detail(self, host: Host) -> str:
        answer = self._step.answer(host)
        whence = f"{host.name}, {_FROM.get(host.source, host.source)}."
        if answer is None:
            return f"{whence} Not asked yet."
        proxy = " A proxy is set in that login; it was not used." if answer.has_proxy else ""
        return f"{whence} {answer.sentence()} {answer.advice()}{proxy}".rstrip()

    def _lede(self) -> str:
        if self._step.is_rehearsal:
            return "In a rehearsal no real host is asked."
        return "Checked hosts are asked over OpenSSH. No key or secret is sent."

    def _say_next(self) -> None:
        self.query_one("#next", Static).update(f"{self._glyphs.arrow} {self._next()}")

    def _next(self) -> str:
        step = self._step
        if self._typed():
            return "Enter adds the host."
        if self._asked:
            answered = sum(step.answer(host) is not None for host in self._asked)
            at_most = duration(step.bounds.together)
            return f"{answered} of {len(self._asked)} have answered; at most {at_most}."
        if (unasked := step.unasked()) and step.is_rehearsal:
            return f"In a real rotation Enter asks {_hosts(len(unasked))}."
        if unasked:
            return f"Enter asks {_hosts(len(unasked))}."
        if found := step.found():
            return f"Enter takes {_addresses(len(found))} to the whitelist."
        return "No checked host gave an address." if step.failed() else "No host is checked."

    def _refuse(self, error: WizardError | None) -> None:
        words = " ".join(error.sentences()) if error else ""
        refusal = self.query_one("#refusal", Static)
        refusal.display = bool(words)
        # Both at once do not fit 60x20.
        self.query_one("#detail").display = bool(self._hosts) and not words
        refusal.update(
            Content.from_markup("[$text-error]$glyph[/] $words", glyph=self._glyphs.failed, words=printable(words, 400))
        )


def _hosts(count: int) -> str:
    return "1 host" if count == 1 else f"{count} hosts"


def _addresses(count: int) -> str:
    return "1 address" if count == 1 else f"{count} addresses"
