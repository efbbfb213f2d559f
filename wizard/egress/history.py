"""What earlier detections over the same route say about an address. Pure.

The only honest witness of how long an address lasts is a record of observations: what they show is
said, and never that it will stay so (docs/egress.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from wizard.core.clock import duration, utc
from wizard.egress.agreement import EgressState

_SETTLED = frozenset({EgressState.AGREED, EgressState.AGREED_WITH_DISSENT, EgressState.POOL})
_DAY = 86400.0
_MOST_CHANGES = 1
"""A host moves once. An address that changed more often is dynamic, as far as the record shows."""
STATIC_EGRESS = "Call from an address that stays, such as that of a NAT gateway or a VPS."


@dataclass(frozen=True, slots=True)
class Observation:
    """One detection, as it was kept."""

    at: float
    """When, in seconds since 1970."""
    state: EgressState
    addresses: tuple[IPv4Address, ...]
    """What was seen, the address with most operators first."""

    @property
    def settled(self) -> frozenset[IPv4Address]:
        """The addresses that count: all of a pool, else the agreed one; none where nothing was agreed."""
        if self.state not in _SETTLED:
            return frozenset()
        return frozenset(self.addresses if self.state is EgressState.POOL else self.addresses[:1])


def describe_history(observations: Sequence[Observation]) -> str:
    """Return what the observations of one route, the newest last, show in one or two sentences, if any counts."""
    counted = [observation for observation in observations if observation.settled]
    if not counted:
        return ""
    unsettled = "" if observations[-1].settled else " The newest check gave no clear answer."
    return f"{_tell(counted)}{unsettled}"


def _tell(counted: Sequence[Observation]) -> str:
    newest, checks = counted[-1].settled, len(counted)
    if checks == 1:
        return f"{_named(newest)} {'is' if len(newest) == 1 else 'are'} seen for the first time over this route."
    pool = frozenset().union(*(seen.settled for seen in counted if seen.state is EgressState.POOL))
    if pool & newest:
        often = Counter(address for observation in counted for address in observation.settled)
        ranked = sorted(pool | newest, key=lambda one: (-often[one], one))
        each = ", ".join(f"{address} in {often[address]}" for address in ranked)
        return f"A pool of addresses. In {checks} checks over {_span(counted)}: {each}."
    changes = [number for number in range(1, checks) if counted[number].settled != counted[number - 1].settled]
    if not changes:
        return f"Unchanged in {checks} checks over {_span(counted)}."
    before, since = counted[: changes[-1]], counted[changes[-1] :]
    is_dynamic = len(changes) > _MOST_CHANGES
    times = f" {len(changes)} times in {_span(counted)} and {checks} checks, the last time" if is_dynamic else ""
    unchanged = f"Unchanged in the {len(since)} checks since then, over {_span(since)}."
    return (
        f"Changed{times} on {utc(since[0].at)}, from {_named(before[-1].settled)} to {_named(since[0].settled)}. "
        f"{unchanged if len(since) > 1 else 'There was no check since then.'}"
        f"{f' {STATIC_EGRESS}' if is_dynamic else ''}"
    )


def _span(observations: Sequence[Observation]) -> str:
    # The clock may have been set back in between.
    seconds = max(0.0, observations[-1].at - observations[0].at)
    if seconds < 1:
        return "less than 1 s"
    return duration(seconds) if seconds < 2 * _DAY else f"{int(seconds // _DAY)} d"


def _named(addresses: frozenset[IPv4Address]) -> str:
    return " and ".join(map(str, sorted(addresses)))
