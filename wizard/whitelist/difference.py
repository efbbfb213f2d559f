"""What changes from one list to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network


@dataclass(frozen=True, slots=True)
class Difference:
    """The entries of two lists. An entry counts as kept only if it is written as the same block."""

    added: tuple[IPv4Network, ...]
    """In the order of the new list."""
    removed: tuple[IPv4Network, ...]
    """In the order of the old list."""
    kept: tuple[IPv4Network, ...]
    """In the order of the new list."""


def diff(old: Sequence[IPv4Network], new: Sequence[IPv4Network]) -> Difference:
    """Compare two lists, each entry counted once."""
    before, after = dict.fromkeys(old), dict.fromkeys(new)
    return Difference(
        added=tuple(network for network in after if network not in before),
        removed=tuple(network for network in before if network not in after),
        kept=tuple(network for network in after if network in before),
    )
