"""Other hosts that use the key: who they are, which of them are asked, and what they said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from pathlib import Path

from wizard.core.errors import WizardError
from wizard.core.threads import in_daemon_thread
from wizard.egress.ssh_hosts.hosts import Host, HostAnswer, HostSource, hosts_of_ssh_config, labels, typed_host
from wizard.egress.ssh_hosts.openssh import find_openssh
from wizard.egress.ssh_hosts.remote_detection import Bounds, ask_hosts
from wizard.rotation.context import Context
from wizard.rotation.journal import OTHER_HOSTS, OVER_SSH
from wizard.rotation.steps.address_selection import NAMES_BETWEEN
from wizard.whitelist.entries import LONGEST_LABEL


class HostsStep:
    """Asks other hosts for their egress address. What was chosen, typed and answered stays while the flow is open."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._typed: list[Host] = []
        self._of_ssh_config: tuple[Host, ...] | None = None
        """None before it was read."""
        self._checked = {host.name for host in self._of_settings()}
        self._answers: dict[str, HostAnswer] = {}
        self.bounds = Bounds()

    @property
    def is_rehearsal(self) -> bool:
        """Whether no host is really asked."""
        return self._context.environment.is_rehearsal

    def known(self) -> tuple[Host, ...]:
        """Return the hosts of the settings, of `~/.ssh/config` and those typed, each once."""
        found: dict[str, Host] = {}
        for host in (*self._of_settings(), *(self._of_ssh_config or ()), *self._typed):
            found.setdefault(host.name, host)
        return tuple(found.values())

    async def read_ssh_config(self) -> None:
        """Read the names in `~/.ssh/config`, once, in a thread: home directories can be slow."""
        environ = self._context.environ
        home = environ.get("HOME") or environ.get("USERPROFILE")
        if home and self._of_ssh_config is None:
            file = Path(home) / ".ssh" / "config"
            self._of_ssh_config = await in_daemon_thread(lambda: hosts_of_ssh_config(file))

    def checked(self) -> tuple[Host, ...]:
        """Return the known hosts that are to be asked: at first those of the settings."""
        return tuple(host for host in self.known() if host.name in self._checked)

    def check(self, hosts: Sequence[Host], is_checked: bool) -> None:
        """Say whether these hosts are to be asked."""
        names = {host.name for host in hosts}
        self._checked = self._checked | names if is_checked else self._checked - names

    def add(self, text: str) -> Host:
        """Add a host that was typed as `[user@]host`, checked. Raises `UsageError` where it names no host."""
        typed = typed_host(text)
        host = next((known for known in self.known() if known.name == typed.name), typed)
        if host is typed:
            self._typed.append(host)
        self.check([host], is_checked=True)
        return host

    def answer(self, host: Host) -> HostAnswer | None:
        """Return what the host said last; None where it was not asked yet."""
        return self._answers.get(host.name)

    def forget(self, hosts: Sequence[Host]) -> None:
        """Drop what these hosts said: they are asked anew."""
        for host in hosts:
            self._answers.pop(host.name, None)

    def unasked(self) -> tuple[Host, ...]:
        """Return the checked hosts without an answer."""
        return tuple(host for host in self.checked() if self.answer(host) is None)

    def failed(self) -> tuple[Host, ...]:
        """Return the checked hosts whose answer is no address."""
        return tuple(host for host in self.checked() if (answer := self.answer(host)) and answer.address is None)

    def found(self) -> dict[IPv4Address, str]:
        """Return the addresses that checked hosts agreed on, each with those hosts as its label."""
        answers = [answer for host in self.checked() if (answer := self.answer(host))]
        return {address: label(names) for address, names in labels(answers).items()}

    async def ask(
        self, hosts: Sequence[Host], on_answer: Callable[[HostAnswer], object] = lambda _: None
    ) -> tuple[HostAnswer, ...]:
        """Ask the hosts over OpenSSH and keep each answer; a `WizardError` in a rehearsal, or where there is no ssh."""
        context = self._context
        if self.is_rehearsal:
            why = "The addresses of a rehearsal are made up."
            advice = "In a real job the ticked hosts are asked here, over OpenSSH."
            raise WizardError("In a rehearsal no real host is asked", why=why, advice=advice)

        def take(answer: HostAnswer) -> None:
            self._keep(answer)
            on_answer(answer)

        return await ask_hosts(
            hosts,
            context.services,
            find_openssh(context.environ),
            rules=context.environment.rules,
            bounds=self.bounds,
            on_answer=take,
            timer=context.stopwatch,
        )

    def _keep(self, answer: HostAnswer) -> None:
        self._answers[answer.host.name] = answer
        if answer.verdict.operators:
            environment, route = self._context.environment.name, f"{OVER_SSH}{answer.host.name}"
            self._context.journal.note_egress(environment, answer.verdict, route, asked_by=OTHER_HOSTS)

    def _of_settings(self) -> list[Host]:
        return [typed_host(host, HostSource.SETTINGS) for host in self._context.environment.hosts]


def label(names: Sequence[str]) -> str:
    """Return the names as the label of an address, as many as fit."""
    whole = NAMES_BETWEEN.join(names)
    if len(whole) <= LONGEST_LABEL:
        return whole
    if len(names) == 1:
        return f"{whole[: LONGEST_LABEL - 1]}…"
    for count in range(len(names) - 1, 0, -1):
        cut = f"{NAMES_BETWEEN.join(names[:count])} and {len(names) - count} more"
        if len(cut) <= LONGEST_LABEL:
            return cut
    return f"{len(names)} hosts"
