"""Whom a well-written entry lets in: everybody, nobody, too many, or the same as another entry.

Sets of addresses answer in logarithmic time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, collapse_addresses

from wizard.core.addresses import SpecialRange, special_ranges
from wizard.core.rules import Rules
from wizard.whitelist.findings import EntryContext, ListFinding, Severity, error
from wizard.whitelist.rendering import written

NARROWEST_TOO_WIDE = 23
"""Prefixes up to this one let in so many addresses (512 and more) that the list protects little."""
_ANY = IPv4Address(0)
"""Means every address to the exchange, however the rules tolerate its range."""
_MAY_BE_USED = frozenset({"documentation"})
"""Special ranges that are a warning, not an error: examples and rehearsals are written with them."""


def is_usable(network: IPv4Network, rules: Rules) -> bool:
    """Return whether an entry for `network` has no error of its own."""
    special = _special(network, rules)
    return (
        network.prefixlen > NARROWEST_TOO_WIDE
        and network.network_address != _ANY
        and (special is None or special.kind in _MAY_BE_USED)
    )


def scope_findings(network: IPv4Network, context: EntryContext) -> Iterator[ListFinding]:
    """Yield what is to be said about the addresses that `network` lets in."""
    if network.prefixlen == 0 or (network.prefixlen == 32 and network.network_address == _ANY):
        yield open_to_all(written(network), context.stand_in)
        return
    if special := _special(network, context.rules):
        yield _not_public(network, special, context)
    elif network.network_address == _ANY:
        yield open_to_all(written(network), context.stand_in)
    lets_in = f"{network} lets {network.num_addresses:,} addresses use the key."
    if network.prefixlen <= NARROWEST_TOO_WIDE:
        inside = ",".join(str(address) for address in context.missing if address in network)
        advice = "List single addresses, or blocks of /24 and narrower."
        yield error("too-wide", f"{lets_in} {advice}", inside or None)
    elif network.prefixlen < 32 and is_usable(network, context.rules):
        expanded = ",".join(map(str, network)) if network.num_addresses <= context.room else None
        message = f"{lets_in} Binance does not document blocks, so single addresses are safer."
        yield ListFinding("block", Severity.WARNING, message, expanded)


def duplicate(network: IPv4Network) -> ListFinding:
    """Return the finding for an entry that an earlier one repeats."""
    message = f"{written(network)} is on the list twice. Remove one."
    return ListFinding("duplicate", Severity.WARNING, message, "", is_safe=True)


def covered(network: IPv4Network, usable: Container[IPv4Network], owner: str) -> ListFinding | None:
    """Return a finding when one of the `usable` blocks contains all of `network` and is not `network`, else None.

    An entry that says whose it is (`owner`, else empty) is not removed unread: without it, who is
    meant by the block would be known no more.
    """
    cover = widest_around(network, usable)
    if cover is None:
        return None
    whose = f" ({owner})" if owner else ""
    message = f"{written(network)}{whose} is inside {written(cover)}, which is also on the list."
    return ListFinding("covered", Severity.NOTE, message, "", is_safe=not owner)


def open_to_all(name: str, suggestion: str) -> ListFinding:
    """Return the finding for an entry that allows every address."""
    return error(
        "wildcard",
        f"{name} allows every address. Binance rejects wildcards, and they protect nothing. "
        "List the addresses that call Binance.",
        suggestion,
    )


def _special(network: IPv4Network, rules: Rules) -> SpecialRange | None:
    touched = special_ranges(network)
    return next((special for special in touched if special.kind not in rules.tolerated_ranges), None)


def _not_public(network: IPv4Network, special: SpecialRange, context: EntryContext) -> ListFinding:
    name = written(network)
    verb = "is" if network.subnet_of(special.network) else "reaches into"
    if special.kind in _MAY_BE_USED:
        message = f"{name} {verb} {special.reason}. No real host calls from there. Check the address."
        return ListFinding(special.kind, Severity.WARNING, message)
    return error(
        special.kind,
        f"{name} {verb} {special.reason}. Binance never sees it. List the public address of this traffic.",
        context.stand_in,
    )


class AddressSet:
    """The addresses of some networks, as sorted blocks that do not overlap."""

    def __init__(self, networks: Iterable[IPv4Network]) -> None:
        self._blocks = list(collapse_addresses(networks))

    def covers(self, block: IPv4Network) -> bool:
        """Return whether every address of `block` is among these."""
        index = bisect_right(self._blocks, block)
        return any(block.subnet_of(near) for near in self._blocks[max(0, index - 1) : index])

    def touches(self, block: IPv4Network) -> bool:
        """Return whether any address of `block` is among these."""
        index = bisect_right(self._blocks, block)
        return any(block.overlaps(near) for near in self._blocks[max(0, index - 1) : index + 1])


def widest_around(network: IPv4Network, blocks: Container[IPv4Network]) -> IPv4Network | None:
    """Return the widest of some usable `blocks` that contains all of `network` and more; None where there is none."""
    wider = (network.supernet(new_prefix=length) for length in range(NARROWEST_TOO_WIDE + 1, network.prefixlen))
    return next((block for block in wider if block in blocks), None)
