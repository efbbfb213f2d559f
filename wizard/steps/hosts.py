"""Other hosts at the Egress step: what they said, and what is taken of it."""

from __future__ import annotations

from wizard.egress.ssh_hosts.hosts import HostAnswer
from wizard.rotation.flow import Flow
from wizard.rotation.steps.hosts import HostsStep


def lede(step: HostsStep) -> str:
    """Say what is sent to whom."""
    if step.is_rehearsal:
        return "In a rehearsal no real host is asked."
    return "Ticked hosts are asked over OpenSSH. No key or secret is sent."


def said(answer: HostAnswer) -> list[str]:
    """Return what a host answered and what can be done about it, as sentences."""
    proxy = "A proxy is set in that login; it was not used." if answer.has_proxy else ""
    return [sentence for sentence in (answer.sentence(), answer.advice(), proxy) if sentence]


def take(flow: Flow) -> str:
    """Take to the whitelist what ticked hosts gave; say what that was, and how many gave no address."""
    step = flow.hosts
    found, failed = step.found(), len(step.failed())
    flow.selection.add_hosts(found)
    taken = "; ".join(f"{address} ({label})" for address, label in found.items())
    missing = f" Without an address: {failed} of {len(step.checked())} ticked hosts." if failed else ""
    return f"For the whitelist: {taken}.{missing}"
