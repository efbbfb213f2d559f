"""IPv4 addresses: one strict reading, one table of ranges that are not public.

The interpreter's own tables differ between Python versions (192.0.0.0/24 changed in patch
releases, gh-113171), call multicast and 192.88.99.0/24 global, and 100.64.0.0/10 not private.
A whitelist must be judged the same everywhere, so the table is here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address

_DOTTED_QUAD = re.compile(r"(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}")


@dataclass(frozen=True, slots=True)
class SpecialRange:
    """A block of addresses that the public internet does not route to one host."""

    network: IPv4Network
    kind: str
    """A stable word for code: `private`, `documentation`, `multicast`…"""
    reason: str
    """The same for people, with the RFC."""


SPECIAL_RANGES: tuple[SpecialRange, ...] = tuple(
    SpecialRange(IPv4Network(block), kind, reason)
    for block, kind, reason in (
        ("0.0.0.0/8", "this-network", "\"this network\" (RFC 791)"),
        ("10.0.0.0/8", "private", "a private LAN address (RFC 1918)"),
        ("100.64.0.0/10", "cgnat", "carrier-grade NAT space (RFC 6598)"),
        ("127.0.0.0/8", "loopback", "loopback (RFC 1122)"),
        ("169.254.0.0/16", "link-local", "link-local (RFC 3927)"),
        ("172.16.0.0/12", "private", "a private LAN address (RFC 1918)"),
        ("192.0.0.0/24", "reserved", "IETF protocol assignments (RFC 6890)"),
        ("192.0.2.0/24", "documentation", "documentation range TEST-NET-1 (RFC 5737)"),
        ("192.88.99.0/24", "reserved", "deprecated 6to4 relays (RFC 7526)"),
        ("192.168.0.0/16", "private", "a private LAN address (RFC 1918)"),
        ("198.18.0.0/15", "benchmarking", "benchmarking (RFC 2544), also the fake-IP range of local proxies"),
        ("198.51.100.0/24", "documentation", "documentation range TEST-NET-2 (RFC 5737)"),
        ("203.0.113.0/24", "documentation", "documentation range TEST-NET-3 (RFC 5737)"),
        ("224.0.0.0/4", "multicast", "multicast (RFC 5771)"),
        ("240.0.0.0/4", "reserved", "reserved or broadcast (RFC 1112)"),
    )
)  # fmt: skip
_BOUNDS = tuple(
    (int(special.network.network_address), int(special.network.broadcast_address), special)
    for special in SPECIAL_RANGES
)
"""As numbers: a list of thousands is compared with each."""


def read_ipv4(text: str) -> IPv4Address | None:
    """Return the address that `text` spells in plain dotted decimal, else None.

    No leading zeros, no short or hexadecimal forms, ASCII digits only: what `inet_aton` would
    read as another address (`010.1.2.3` is 8.1.2.3 there) is not an address here.
    """
    if not _DOTTED_QUAD.fullmatch(text) or any(int(part) > 255 for part in text.split(".")):
        return None
    return IPv4Address(text)


def is_ipv6(text: str) -> bool:
    """Return whether `text` is an IPv6 address, and not one of a single link (`%eth0`)."""
    try:
        return "%" not in text and IPv6Address(text) is not None
    except ValueError:
        return False


def special_range(block: IPv4Address | IPv4Network) -> SpecialRange | None:
    """Return the first special range that `block` touches, or None for public unicast space."""
    return next(special_ranges(IPv4Network(block)), None)


def special_ranges(network: IPv4Network) -> Iterator[SpecialRange]:
    """Return the special ranges that `network` touches, in the order of their addresses."""
    first = int(network.network_address)
    last = first + network.num_addresses - 1
    return (special for low, high, special in _BOUNDS if low <= last and first <= high)
