"""Other hosts that use the key: check them, ask them over OpenSSH, take their addresses to the whitelist."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Footer, Input, OptionList, Static

from wizard.core.clock import duration
from wizard.core.errors import WizardError
from wizard.core.text import Glyphs, printable
from wizard.egress.ssh_hosts.hosts import Host, HostAnswer, HostSource
from wizard.rotation.steps.hosts import HostsStep
from wizard.steps.guide import HOSTS
from wizard.steps.hosts import lede, said, take
from wizard.tui.session import Dialog
from wizard.tui.widgets.basics import ItemRows, LineInput
from wizard.tui.widgets.notice import Notice

PACE = 0.1
"""Seconds from an answer to its being counted: thousands come at once when the time for all is up."""

_FROM = {
    HostSource.SETTINGS: "from the settings",
    HostSource.SSH_CONFIG: "from ~/.ssh/config",
    HostSource.TYPED: "typed here",
}
_NAME_WIDTH = 24


class HostList(ItemRows):
    """Rows over what the step knows.

    Args:
        step: It tells which hosts there are, which are checked, and what they said.
        glyphs: The signs beside the words.
        id: The widget's id.
    """

    def __init__(self, step: HostsStep, glyphs: Glyphs, *, id: str) -> None:
        super().__init__(id=id)
        self._step = step
        self._glyphs = glyphs
        self.hosts: dict[str, Host] = {}
        self._width = 0
        self.asked: Collection[Host] = ()
        """Who is being asked now; nobody while nothing is under way."""

    @property
    def host(self) -> Host | None:
        """The host under the cursor."""
        return self.hosts.get(self.item)

    def list(self) -> None:
        """Show all hosts that the step knows."""
        self.hosts = {host.name: host for host in self._step.known()}
        self._width = min(_NAME_WIDTH, max(map(len, self.hosts), default=0))
        self.show({name: self._row(host) for name, host in self.hosts.items()})

    def refresh_rows(self, hosts: Collection[Host]) -> None:
        """Show anew what is known of these hosts."""
        for host in hosts:
            self.change(host.name, self._row(host))

    def _row(self, host: Host) -> Content:
        answer = self._step.answer(host)
        mark = "x" if self._step.is_checked(host) else " "
        name = f"[{mark}] {printable(host.name, self._width):<{self._width}}"
        if answer is None:
            asked = f"{self._glyphs.working} being asked" if host in self.asked else ""
            return Content(f"{name}  {asked}".rstrip())
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


class HostsScreen(Dialog[str | None]):
    """A row per host: checked or not, and what it answered. Returns what was taken, in words; None after Esc."""

    CSS_PATH = "hosts.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "check", "Tick", key_display="Space", tooltip="Tick the host, or untick it"),
        Binding("a", "check_all", "All", tooltip="Tick all hosts, or none"),
        # Priority: list and field take Enter for themselves.
        Binding("enter", "go", "Go", key_display="Enter", priority=True, tooltip="Ask; then take the addresses"),
        Binding("r", "again", "Again", tooltip="Ask those once more that gave no address"),
        Binding(
            "tab", "app.focus_next", "Add", key_display="Tab", tooltip="Go to the field for another host, and back"
        ),
        Binding("escape", "close", "Close", key_display="Esc", tooltip="Go back; what is typed and answered stays"),
    ]
    HELP = HOSTS.about

    def __init__(self) -> None:
        super().__init__()
        self._refused = ""
        """The text that the refusal under the field is about."""
        self._is_due = False
        """Whether the progress is shown soon."""

    @property
    def _step(self) -> HostsStep:
        return self.flow.hosts

    def compose(self) -> ComposeResult:
        """Lay out the list, what is known of the highlighted host, and the field."""
        with Vertical(classes="dialog"):
            yield Static(HOSTS.question, classes="title")
            yield Static(lede(self._step), classes="lede", markup=False)
            yield HostList(self._step, self.glyphs, id="hosts")
            yield Static("", id="detail", markup=False)
            with Horizontal(id="add"):
                yield Static("Another host: ", classes="label")
                yield LineInput(self._step.draft, placeholder="[user@]host")
            yield Static("", id="refusal")
            yield Static("", id="next", markup=False)
            yield Notice(self.glyphs)
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """List the hosts of the settings; those of ~/.ssh/config follow when they are read."""
        self._list()
        self._focus_first()
        self.start(
            self._step.read_ssh_config,
            lambda _: self._show_named(),
            doing="read the names in the ssh configuration",
            group="ssh-config",
        )

    @property
    def _rows(self) -> HostList:
        return self.query_one(HostList)

    @on(OptionList.OptionHighlighted)
    def show_detail(self) -> None:
        """Say all that is known of the highlighted host."""
        host = self._rows.host
        self.query_one("#detail", Static).update(_detail(host, self._step.answer(host)) if host else "")

    @on(Input.Changed)
    def keep_draft(self, event: Input.Changed) -> None:
        """Nothing typed is lost."""
        self._step.draft = event.value
        if event.value != self._refused:
            self._refuse(None)
        self._say_next()

    def action_check(self) -> None:
        """Check the highlighted host, or uncheck it."""
        if host := self._rows.host:
            self._check((host,), not self._step.is_checked(host))

    def action_check_all(self) -> None:
        """Check all, or none where all are checked."""
        hosts = tuple(self._rows.hosts.values())
        self._check(hosts, len(self._step.checked()) < len(hosts))

    def action_go(self) -> None:
        """Add what is typed; else ask; else take what was found."""
        step = self._step
        self.notice.clear()
        if typed := self._typed():
            self._add(typed)
        elif self._rows.asked:
            self.notice.note("The hosts are still being asked. Esc closes and keeps the answers so far.")
        elif unasked := step.unasked():
            self._begin(unasked)
        elif step.found():
            self._take()
        else:
            self.notice.note(_no_address(step))

    def action_again(self) -> None:
        """Ask those that gave no address."""
        self.notice.clear()
        if failed := () if self._rows.asked else self._step.failed():
            self._begin(failed)

    def action_close(self) -> None:
        """Go back; whoever is still being asked is not waited for."""
        self.dismiss(None)

    def show_answer(self, answer: HostAnswer) -> None:
        """Show the answer in the host's row; what all rows are counted for, a few times a second."""
        self._rows.refresh_rows((answer.host,))
        if not self._is_due:
            self._is_due = True
            self.set_timer(PACE, self._show_progress)

    def show_end(self) -> None:
        """Say what Enter does now; whoever gave no answer is not being asked any more."""
        asked, self._rows.asked = self._rows.asked, ()
        self._show(asked)

    def show_error(self, error: WizardError) -> None:
        """Say why nobody was asked."""
        self.show_end()
        super().show_error(error)

    def _show_named(self) -> None:
        had_none = not self._rows.hosts
        self._list()
        if had_none and not self._typed():
            self._focus_first()

    def _show_progress(self) -> None:
        self._is_due = False
        self.show_detail()
        self._say_next()

    def _begin(self, hosts: tuple[Host, ...]) -> None:
        self._rows.asked = hosts
        self._step.forget(hosts)
        self._show(hosts)
        ask = partial(self._step.ask, hosts, partial(self.show_later, self.show_answer))
        self.start(ask, lambda _: self.show_end(), doing="ask other hosts", group="hosts")

    def _add(self, text: str) -> None:
        try:
            host = self._step.add(text)
        except WizardError as error:
            self._refused = text
            self._refuse(error)
            return
        self.query_one(Input).value = ""
        self._list()
        self._rows.move_to(host.name)

    def _focus_first(self) -> None:
        """Where no host is known, the field comes first."""
        (self._rows if self._rows.hosts else self.query_one(Input)).focus()

    def _typed(self) -> str:
        """What stands in the field that has the focus."""
        return self.focused.value if isinstance(self.focused, Input) and self.focused.value.strip() else ""

    def _take(self) -> None:
        self.dismiss(take(self.flow))

    def _check(self, hosts: tuple[Host, ...], is_checked: bool) -> None:
        self._step.check(hosts, is_checked)
        self._show(hosts)

    def _list(self) -> None:
        self._rows.list()
        self._rows.display = self.query_one("#detail").display = bool(self._rows.hosts)
        self._show(())

    def _show(self, hosts: Collection[Host]) -> None:
        self._rows.refresh_rows(hosts)
        self.show_detail()
        self._say_next()

    def _say_next(self) -> None:
        words = what_enter_does(self._step, self._rows.asked, is_typing=bool(self._typed()))
        self.query_one("#next", Static).update(f"{self.glyphs.arrow} {words}")

    def _refuse(self, error: WizardError | None) -> None:
        words = " ".join(error.sentences()) if error else ""
        refusal = self.query_one("#refusal", Static)
        refusal.display = bool(words)
        # Both at once do not fit 60x20.
        self.query_one("#detail").display = bool(self._rows.hosts) and not words
        refusal.update(
            Content.from_markup("[$text-error]$glyph[/] $words", glyph=self.glyphs.failed, words=printable(words, 400))
        )


def _detail(host: Host, answer: HostAnswer | None) -> str:
    """Say all that is known of a host."""
    whence = f"{host.name}, {_FROM[host.source]}."
    if answer is None:
        return f"{whence} Not asked yet."
    return " ".join((whence, *said(answer)))


def what_enter_does(step: HostsStep, asked: Collection[Host], *, is_typing: bool) -> str:
    """Say what Enter does now, or what is waited for."""
    if is_typing:
        return "Enter adds the host."
    if asked:
        answered = sum(step.answer(host) is not None for host in asked)
        return f"{answered} of {len(asked)} have answered; at most {duration(step.bounds.together)}."
    if unasked := len(step.unasked()):
        return f"{'In a real rotation ' if step.is_rehearsal else ''}Enter asks {_counted(unasked, 'host')}."
    if found := len(step.found()):
        return " ".join(filter(None, (f"Enter takes {_counted(found, 'address')} to the whitelist.", _without(step))))
    return _no_address(step)


def _no_address(step: HostsStep) -> str:
    """Say why there is nothing to take, and what leads on."""
    if step.failed():
        return "No ticked host gave an address. R asks once more."
    return "No host is ticked. Space ticks one." if step.known() else "No host is known yet. Type one above."


def _without(step: HostsStep) -> str:
    """Say how many ticked hosts gave no address: among hundreds their rows are out of sight. Nothing where all did."""
    failed = len(step.failed())
    return f"{failed} of {len(step.checked())} hosts gave none: R asks them again." if failed else ""


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}{'es' if noun.endswith('s') else 's'}"
