"""Could software on this host call Binance over IPv6, past every list of IPv4 addresses? (docs/egress.md)

Only this system's name service, in a thread that nobody has to wait for, and its routing table are asked.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from wizard.core.addresses import read_ipv4
from wizard.core.text import printable
from wizard.core.threads import in_daemon_thread

DEADLINE = 3.0
"""Seconds for the name service."""
_ANY_PORT = 443
_NAT64 = IPv6Network("64:ff9b::/96")
"""Stands for IPv4 addresses (RFC 6052): the server still sees an IPv4 address."""


async def look_up_ipv6(host: str) -> Sequence[str]:
    """Return the IPv6 addresses of a name, as texts; an `OSError` where it has none, or the name service fails."""
    found = await in_daemon_thread(
        lambda: socket.getaddrinfo(host, None, family=socket.AF_INET6, type=socket.SOCK_STREAM)
    )
    return [str(entry[4][0]) for entry in found]


def source_towards(address: IPv6Address) -> str:
    """Return the local address that a connection to `address` would leave from, as text. Nothing is sent.

    Connecting a datagram socket only asks the routing table (connect(2), ip(7)). Raises `OSError` where there is no way
    there over IPv6.
    """
    with closing(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as unsent:
        unsent.connect((str(address), _ANY_PORT))
        return str(unsent.getsockname()[0])


@dataclass(frozen=True, slots=True)
class Ipv6Lookup:
    """Whom to ask; passed in, so that tests need no name service."""

    addresses_of: Callable[[str], Awaitable[Sequence[str]]] = look_up_ipv6
    source_towards: Callable[[IPv6Address], str] = source_towards


@dataclass(frozen=True, slots=True)
class Ipv6Route:
    """A route to the exchange over IPv6."""

    host: str
    address: IPv6Address
    """One that the host's name has."""
    source: IPv6Address
    """The public address of this host that would be called from."""

    def sentence(self) -> str:
        """Return what it means, for people."""
        return (
            f"{printable(self.host)} has the IPv6 address {self.address} too. This host can call it from {self.source}."
            " Your bot may do that, and no list of IPv4 addresses covers it. Force IPv4 in your bot too."
        )


async def find_ipv6_route(host: str, *, lookup: Ipv6Lookup, deadline: float = DEADLINE) -> Ipv6Route | None:
    """Return a public route over IPv6 to `host`; None where there is none, or no answer within `deadline` seconds."""
    if not host or read_ipv4(host) is not None:
        return None
    try:
        async with asyncio.timeout(deadline):
            found = await lookup.addresses_of(host)
    except (OSError, UnicodeError):  # TimeoutError is an OSError
        return None
    for address in filter(None, map(_public, found)):
        with suppress(OSError):
            if source := _public(lookup.source_towards(address)):
                return Ipv6Route(host, address, source)
    return None


def _public(text: str) -> IPv6Address | None:
    try:
        address = IPv6Address(text)
    except ValueError:
        return None
    is_public = address.is_global and not address.is_multicast and address.ipv4_mapped is None
    return address if is_public and address not in _NAT64 else None
