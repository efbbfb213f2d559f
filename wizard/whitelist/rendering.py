"""From networks to the exact text to paste, and what changes from one list to the next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network


class Separator(StrEnum):
    """What stands between two entries. The exchange's page has been seen to want different ones."""

    COMMAS = ","
    SPACES = " "
    LINES = "\n"


def render(networks: Iterable[IPv4Network], form: Separator = Separator.COMMAS) -> str:
    """Return the list as text, in the order given; without anything before or after."""
    return form.value.join(map(written, networks))


def written(network: IPv4Network) -> str:
    """Return one entry: `203.0.113.42` for a single address, `203.0.113.0/24` for a block."""
    return str(network.network_address) if network.prefixlen == 32 else str(network)


@dataclass(frozen=True, slots=True)
class Difference:
    """The entries of two lists, in their order. An entry counts as kept only if it is written as the same block."""

    added: tuple[IPv4Network, ...]
    removed: tuple[IPv4Network, ...]
    kept: tuple[IPv4Network, ...]


def diff(old: Sequence[IPv4Network], new: Sequence[IPv4Network]) -> Difference:
    """Compare two lists, each entry counted once."""
    before, after = dict.fromkeys(old), dict.fromkeys(new)
    return Difference(
        added=tuple(network for network in after if network not in before),
        removed=tuple(network for network in before if network not in after),
        kept=tuple(network for network in after if network in before),
    )
