"""What the hosts screen says of a host, and of what comes next. Texts only."""

from __future__ import annotations

from collections.abc import Collection

from wizard.clock import duration
from wizard.egress.ssh_hosts.model import Host, HostAnswer, HostSource
from wizard.rotation.steps.hosts import HostsStep

_FROM = {
    HostSource.SETTINGS: "from the settings",
    HostSource.SSH_CONFIG: "from ~/.ssh/config",
    HostSource.TYPED: "typed here",
}


def lede(step: HostsStep) -> str:
    """Say what is sent to whom."""
    if step.is_rehearsal:
        return "In a rehearsal no real host is asked."
    return "Ticked hosts are asked over OpenSSH. No key or secret is sent."


def detail(host: Host, answer: HostAnswer | None) -> str:
    """Say all that is known of a host."""
    whence = f"{host.name}, {_FROM[host.source]}."
    if answer is None:
        return f"{whence} Not asked yet."
    proxy = " A proxy is set in that login; it was not used." if answer.has_proxy else ""
    return f"{whence} {answer.sentence()} {answer.advice()}{proxy}".rstrip()


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
        return " ".join(filter(None, (f"Enter takes {_counted(found, 'address')} to the whitelist.", without(step))))
    return no_address(step)


def no_address(step: HostsStep) -> str:
    """Say why there is nothing to take, and what leads on."""
    if step.failed():
        return "No ticked host gave an address. R asks once more."
    return "No host is ticked. Space ticks one." if step.known() else "No host is known yet. Type one above."


def without(step: HostsStep) -> str:
    """Say how many ticked hosts gave no address: among hundreds their rows are out of sight. Nothing where all did."""
    failed = len(step.failed())
    return f"{failed} of {len(step.checked())} hosts gave none: R asks them again." if failed else ""


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}{'es' if noun.endswith('s') else 's'}"
