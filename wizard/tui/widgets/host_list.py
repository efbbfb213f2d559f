"""Hosts, a row each: checked or not, and what they answered."""

from __future__ import annotations

from collections.abc import Collection

from textual.content import Content

from wizard.egress.ssh_hosts.model import Host
from wizard.glyphs import Glyphs
from wizard.rotation.steps.hosts import HostsStep
from wizard.text import printable
from wizard.tui.widgets.option_rows import OptionRows

_NAME_WIDTH = 24


class HostList(OptionRows):
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
        self.hosts: tuple[Host, ...] = ()
        self._rows: dict[str, int] = {}
        """Each name's row."""
        self._width = 0
        self.asked: Collection[Host] = ()
        """Who is being asked now; nobody while nothing is under way."""

    @property
    def host(self) -> Host | None:
        """The host in the row with the cursor."""
        index = self.highlighted
        return self.hosts[index] if index is not None and index < len(self.hosts) else None

    def list(self) -> None:
        """Show all hosts that the step knows; the cursor stays on its host."""
        stood_on = self.host
        self.hosts = self._step.known()
        self._rows = {host.name: row for row, host in enumerate(self.hosts)}
        self._width = min(_NAME_WIDTH, max((len(host.name) for host in self.hosts), default=0))
        self.clear_options()
        self.add_options(map(self._row, self.hosts))
        if self.hosts:
            self.stand_on(stood_on if stood_on in self.hosts else self.hosts[0])

    def stand_on(self, host: Host) -> None:
        """Move the cursor to a host."""
        self.highlighted = self.hosts.index(host)

    def show(self, hosts: Collection[Host]) -> None:
        """Show anew what is known of these hosts."""
        for host in hosts:
            self.replace_option_prompt_at_index(self._rows[host.name], self._row(host))

    def _row(self, host: Host) -> Content:
        answer = self._step.answer(host)
        mark = "x" if self._step.is_checked(host) else " "
        name = f"[{mark}] {printable(host.name, self._width):<{self._width}}"
        if answer is None:
            said = f"{self._glyphs.working} being asked" if host in self.asked else ""
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
