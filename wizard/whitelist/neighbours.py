"""A list beside what else is known: other environments' lists, observations, the list before."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from wizard.whitelist.findings import Finding, Severity, Surroundings
from wizard.whitelist.rendering import written
from wizard.whitelist.spans import Spans


class Neighbours:
    """Asked once per entry, so prepared once per list."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._others = [(other.environment, Spans(other.networks)) for other in surroundings.others]
        self._observed = None if surroundings.observed is None else Spans(surroundings.observed)

    def findings(self, network: IPv4Network) -> Iterator[Finding]:
        """Yield what other lists and observations say about a usable entry."""
        shared = [environment for environment, addresses in self._others if addresses.touches(network)]
        if shared:
            message = (
                f"{written(network)} also gets in at {', '.join(shared)}: a host that serves two environments "
                "can leak from one into the other. Use another address where you can."
            )
            yield Finding("shared", Severity.WARNING, message)
        if self._observed is not None and not self._observed.touches(network):
            message = f"{written(network)}: never observed."
            yield Finding("unobserved", Severity.NOTE, message)


def lost_access(let_in: Spans, surroundings: Surroundings) -> Iterator[Finding]:
    """Yield who is on the list before and would be locked out by this one."""
    for network in surroundings.previous:
        if not let_in.covers(network):
            whose = surroundings.whose(network)
            message = f"{whose} is on the list in use and not on this one: it would lose access."
            yield Finding("access-lost", Severity.WARNING, message, written(network))
