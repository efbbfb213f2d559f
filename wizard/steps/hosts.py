"""Other hosts that use the key: each is asked over OpenSSH for the address that services see of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from wizard.core.text import counted, printable
from wizard.egress.ssh_hosts.hosts import Host, HostAnswer, HostSource
from wizard.steps import deadlines
from wizard.steps.presenter import FlowPresenter
from wizard.steps.view import PRIMARY, TOGGLE, Action, Row, State, View

if TYPE_CHECKING:
    from wizard.rotation.steps.hosts import HostsStep

_FROM = {
    HostSource.SETTINGS: "from config.toml",
    HostSource.SSH_CONFIG: "from ~/.ssh/config",
    HostSource.TYPED: "added here",
}
NONE_KNOWN = "No other host is known. Add one, or name it in config.toml or ~/.ssh/config."


class HostsPresenter(FlowPresenter):
    """Which hosts are asked, what they said, and what of it goes on the whitelist."""

    TITLE = "Which other hosts use the key?"
    ABOUT: ClassVar[str] = (
        "Every host that uses the key needs its address on the whitelist."
        " Ticked hosts are asked over OpenSSH, as your ~/.ssh/config says."
        " Each asks public services for its address. No key, secret or password is sent."
        " An address goes on the whitelist with the name of its host."
    )

    @property
    def _step(self) -> HostsStep:
        return self.flow.hosts

    async def begin(self) -> None:
        """Read the names in ~/.ssh/config."""
        await self.face.attempt(self._step.read_ssh_config, "Reading ~/.ssh/config", deadlines.FILES)

    async def ask(self) -> None:
        """Ask the ticked hosts that have not answered yet."""
        await self._ask(self._step.unasked())

    async def retry(self) -> None:
        """Ask the ticked hosts again that gave no address."""
        await self._ask(self._step.failed())

    async def _ask(self, hosts: tuple[Host, ...]) -> None:
        step = self._step
        step.forget(hosts)

        def take(answer: HostAnswer) -> None:
            self.face.say(f"{answer.host.name}, after {answer.milliseconds:.0f} ms. {' '.join(said(answer))}")
            answered = sum(step.answer(host) is not None for host in hosts)
            self.face.doing(f"{answered} of {len(hosts)} have answered")
            self.face.show()

        at_most = deadlines.closed(step.bounds.together)
        await self.face.attempt(lambda: step.ask(hosts, take), f"Asking {counted(len(hosts), 'host')}", at_most)

    async def use(self) -> None:
        """Tick the addresses that hosts gave for the whitelist, and go back."""
        found, failed = self._step.found(), len(self._step.failed())
        self.flow.selection.add_hosts(found)
        taken = ", ".join(f"{address} ({label})" for address, label in found.items())
        missing = f" {counted(failed, 'host')} gave no address." if failed else ""
        self.face.note(f"On the whitelist: {taken}.{missing}", State.LOOK if failed else State.GOOD)
        self.face.leave()

    async def toggle(self, name: str) -> None:
        """Tick a host, or untick it."""
        self._step.check([host for host in self._step.known() if host.name == name], not self._is_ticked(name))

    async def toggle_all(self) -> None:
        """Tick all hosts, or none where all are ticked."""
        known = self._step.known()
        self._step.check(known, len(self._step.checked()) < len(known))

    async def add(self, typed: str) -> None:
        """Add a host, ticked. Raises UsageError where it names no host."""
        self._step.add(typed)

    def _is_ticked(self, name: str) -> bool:
        return any(host.name == name for host in self._step.checked())

    def view(self) -> View:
        """Return the hosts and what they said."""
        state, verdict = self._verdict()
        return View(
            state,
            verdict,
            because=("In a rehearsal no real host is asked.",) if self._step.is_rehearsal else (),
            rows=tuple(map(self._row, self._step.known())),
            actions=self._actions(),
        )

    def _verdict(self) -> tuple[State, str]:
        step = self._step
        if not step.known():
            return State.EMPTY, NONE_KNOWN
        if unasked := len(step.unasked()):
            return State.EMPTY, f"{counted(unasked, 'host')} to ask."
        if found := len(step.found()):
            failed = len(step.failed())
            without = f" {counted(failed, 'host')} gave none." if failed else ""
            return State.LOOK if failed else State.GOOD, f"{counted(found, 'address')} found.{without}"
        if step.failed():
            return State.STOP, "No host gave an address."
        return State.EMPTY, "No host is ticked."

    def _row(self, host: Host) -> Row:
        answer = self._step.answer(host)
        whence = f"{host.name} is {_FROM[host.source]}."
        ticked, name = self._is_ticked(host.name), printable(host.name, 40)
        if answer is None:
            return Row((name, ""), is_ticked=ticked, item=host.name, detail=(whence,))
        return Row(
            (name, str(answer.address or answer.sentence()), f"{answer.milliseconds:.0f} ms"),
            State.GOOD if answer.address else State.STOP,
            sign_before=1,
            is_ticked=ticked,
            item=host.name,
            detail=(*said(answer), whence),
        )

    def _actions(self) -> tuple[Action, ...]:
        step = self._step
        unasked, found, failed = len(step.unasked()), len(step.found()), bool(step.failed())
        offered = {
            "ask": bool(unasked),
            "use": bool(found) and not unasked,
            "tick": bool(step.known()),
            "add": True,
            "retry": failed,
            "all": len(step.known()) > 1,
        }
        actions = (
            Action("ask", "", f"Ask {counted(unasked, 'host')}", "Asks the ticked hosts.", self.ask),
            Action("use", "", f"Use {counted(found, 'address')}", "Puts them on the whitelist.", self.use),
            Action("tick", TOGGLE, "Tick", "Ticks a host, or unticks it.", self.toggle, is_about_row=True),
            Action("add", "a", "Add host", "Adds another host.", self.add, asks_for="Host, as [user@]host"),
            Action("retry", "r", "Retry", "Asks again the hosts that gave no address.", self.retry),
            Action("all", "t", "Tick all", "Ticks all hosts, or none where all are ticked.", self.toggle_all),
        )
        possible = [action for action in actions if offered[action.word]]
        first = next(action for word in ("ask", "use", "retry", "add") for action in possible if action.word == word)
        others = (action for action in possible if action is not first)
        return (replace(first, key=PRIMARY), *others, self.back_action())


def said(answer: HostAnswer) -> list[str]:
    """Return what a host answered and what can be done about it, as sentences."""
    proxy = "A proxy is set in that login. It was not used." if answer.has_proxy else ""
    return [sentence for sentence in (answer.sentence(), answer.advice(), proxy) if sentence]
