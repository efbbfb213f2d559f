"""Which addresses the exchange's name has here, and whether they can be the exchange's. No HTTP.

The system is asked, as the software is that uses the key: hosts file, VPN and all. Which addresses
are right is not known (the exchange answers from many); those that cannot be right are.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from ipaddress import IPv4Address, IPv6Address

from wizard.core.addresses import read_ipv4, special_range
from wizard.core.clock import Clock
from wizard.core.text import printable
from wizard.exchange.errors import unreachable
from wizard.net.trace import Phase

Lookup = Callable[[str], Awaitable[Sequence[str]]]
"""Returns the IPv4 addresses of a name, else its others, as texts; raises `OSError` where there are none."""


class AddressKind(StrEnum):
    """What kind of addresses a name has, as a sentence."""

    PUBLIC = "{host} is {addresses}."
    LITERAL = "{host} is an address, so there is no name to look up."
    THIS_MACHINE = "{host} is this machine."
    SINKHOLE = "{host} resolves to {addresses} here. A blocklist answers instead of the name service (a sinkhole)."
    """Loopback, 0.0.0.0 or ::."""
    FAKE_IP = (
        "{host} resolves to {addresses} here. A local proxy catches the connection and chooses by the name (fake-IP)."
    )
    """198.18.0.0/15."""
    PRIVATE = "{host} resolves to {addresses} here. That is a private address, which Binance does not have."
    """A LAN address: a name service of one's own, or somebody in between."""


_SHOWN = 3
_NOWHERE = (IPv6Address("::"), IPv6Address("::1"))
_ADVICE = {
    AddressKind.SINKHOLE: "Remove the name from the blocklist (Pi-hole, hosts file, router),"
    " or use another name service.",
    AddressKind.FAKE_IP: "Check that your bot uses the same proxy. Its rules choose the egress address.",
    AddressKind.PRIVATE: "Find out who answers here. It may be this network's name service, a captive portal"
    " or an attacker.",
}
_KINDS = {
    "loopback": AddressKind.SINKHOLE,
    "this-network": AddressKind.SINKHOLE,
    "benchmarking": AddressKind.FAKE_IP,
    "private": AddressKind.PRIVATE,
    "link-local": AddressKind.PRIVATE,
    "cgnat": AddressKind.PRIVATE,
}


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the name service answered."""

    host: str
    addresses: tuple[IPv4Address | IPv6Address, ...]
    """IPv4, but for a sinkhole that answers with IPv6 alone."""
    kind: AddressKind
    milliseconds: float

    def sentence(self) -> str:
        """Return what was answered, for people."""
        shown = ", ".join(map(str, self.addresses[:_SHOWN]))
        more = f" and {len(self.addresses) - _SHOWN} more" if len(self.addresses) > _SHOWN else ""
        return self.kind.format(host=self.host, addresses=shown + more)

    @property
    def advice(self) -> str:
        """What to do where these cannot be the exchange's addresses; else nothing."""
        return _ADVICE.get(self.kind, "")


async def look_up(host: str) -> Sequence[str]:
    """Ask the system for IPv4 addresses; where there are none, for whatever it has."""
    ask = partial(asyncio.get_running_loop().getaddrinfo, host, None, type=socket.SOCK_STREAM)
    try:
        found = await ask(family=socket.AF_INET)
    except socket.gaierror as error:
        if error.errno not in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None), socket.EAI_FAMILY):
            raise
        found = await ask(family=socket.AF_INET6)
    return [str(entry[4][0]) for entry in found]


async def resolve(
    host: str, *, deadline: float, lookup: Lookup = look_up, stopwatch: Clock = time.perf_counter
) -> Resolution:
    """Return the addresses of `host` within `deadline` seconds; an `ExchangeError` where there are none."""
    if (literal := read_ipv4(host)) is not None:
        return Resolution(host, (literal,), AddressKind.LITERAL, 0.0)
    begun = stopwatch()
    try:
        async with asyncio.timeout(deadline):
            texts = await lookup(host)
    except TimeoutError:
        raise unreachable(Phase.DNS, host, detail=f"the name service did not answer within {deadline:g} s") from None
    except (OSError, UnicodeError) as error:
        raise unreachable(Phase.DNS, host, detail=printable(getattr(error, "strerror", None) or "not a name")) from None
    found = tuple(sorted({address for text in texts if (address := read_ipv4(text)) is not None}))
    nowhere = tuple(address for address in _NOWHERE if str(address) in texts)
    if not found and nowhere:
        return Resolution(host, nowhere, AddressKind.SINKHOLE, (stopwatch() - begun) * 1000)
    if not found:
        raise unreachable(Phase.DNS, host, detail="it has no IPv4 address")
    return Resolution(host, found, _judge(host, found), (stopwatch() - begun) * 1000)


def _judge(host: str, addresses: Sequence[IPv4Address]) -> AddressKind:
    if host == "localhost":
        return AddressKind.THIS_MACHINE
    kinds = [special.kind if (special := special_range(address)) else "" for address in addresses]
    return next((answer for kind, answer in _KINDS.items() if kind in kinds), AddressKind.PUBLIC)
