"""Could software on this host call the exchange over IPv6, past every list of IPv4 addresses?

Key Wizard calls over IPv4. A program that is free to choose may not, and then "market data works, signed calls
fail" (facts/egress.md section 3.1).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from wizard.addresses import read_ipv4
from wizard.egress.system import System
from wizard.text import printable

DEADLINE = 3.0
"""Seconds for the name service."""
_NAT64 = IPv6Network("64:ff9b::/96")
"""Stands for IPv4 addresses (RFC 6052): the server still sees an IPv4 address."""


@dataclass(frozen=True, slots=True)
class Ipv6Way:
    """A way to the exchange over IPv6."""

    host: str
    address: IPv6Address
    """One that the host's name has."""
    source: IPv6Address
    """The public address of this host that would be called from."""

    def sentence(self) -> str:
        """Return what it means, for people."""
        return (
            f"{printable(self.host)} has an IPv6 address too ({self.address}), and this host a public one"
            f" ({self.source}). A program that chooses freely may call from there, which no list of IPv4 addresses"
            " covers: force IPv4 in the software that uses the key as well."
        )


async def find_ipv6_way(host: str, *, system: System | None = None, deadline: float = DEADLINE) -> Ipv6Way | None:
    """Return a way over IPv6, where both sides have a public address; None where they do not, or nobody tells in time.

    Args:
        host: The exchange's name.
        system: Who is asked for names and routes.
        deadline: Seconds to wait for the name service.
    """
    system = system or System()
    if not host or read_ipv4(host) is not None:
        return None
    try:
        async with asyncio.timeout(deadline):
            found = await system.ipv6_of(host)
    except (OSError, UnicodeError):  # TimeoutError is an OSError
        return None
    for address in filter(None, map(_public, found)):
        if source := _source(address, system):
            return Ipv6Way(host, address, source)
    return None


def _source(address: IPv6Address, system: System) -> IPv6Address | None:
    try:
        return _public(system.source_towards(address))
    except OSError:
        return None


def _public(text: str) -> IPv6Address | None:
    try:
        address = IPv6Address(text)
    except ValueError:
        return None
    is_public = address.is_global and not address.is_multicast and address.ipv4_mapped is None
    return address if is_public and address not in _NAT64 else None
