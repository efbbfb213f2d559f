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
from ipaddress import IPv4Address

from wizard.core.addresses import read_ipv4, special_range
from wizard.core.clock import Clock
from wizard.core.text import printable
from wizard.exchange.errors import Unreachable
from wizard.net.trace import Phase

Lookup = Callable[[str], Awaitable[Sequence[str]]]
"""Returns the IPv4 addresses of a name, as texts; raises `OSError` where there are none."""


class Answer(StrEnum):
    """What kind of addresses a name has."""

    PUBLIC = "public"
    LITERAL = "literal"
    """It is no name but an address."""
    THIS_MACHINE = "this-machine"
    """`localhost`: meant to be here."""
    SINKHOLE = "sinkhole"
    """Loopback or 0.0.0.0: a blocklist answers in the place of the name service."""
    FAKE_IP = "fake-ip"
    """198.18.0.0/15: a local proxy that catches everything, and chooses the way by the name."""
    PRIVATE = "private"
    """A LAN address: a name service of one's own, or somebody in between."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the name service answered."""

    host: str
    addresses: tuple[IPv4Address, ...]
    answer: Answer
    milliseconds: float

    def sentence(self) -> str:
        """Return what was answered, for people."""
        shown = ", ".join(map(str, self.addresses[:_SHOWN]))
        more = f" and {len(self.addresses) - _SHOWN} more" if len(self.addresses) > _SHOWN else ""
        return _SENTENCES[self.answer].format(host=self.host, addresses=shown + more)


_SHOWN = 3
_SENTENCES = {
    Answer.PUBLIC: "{host} is {addresses}.",
    Answer.LITERAL: "{host} is an address: there is no name to look up.",
    Answer.THIS_MACHINE: "{host} is this machine.",
    Answer.SINKHOLE: "{host} is {addresses} here: a blocklist answers in the place of the name service (a sinkhole).",
    Answer.FAKE_IP: "{host} is {addresses} here: a local proxy catches the connection and decides by the name"
    " (fake-IP).",
    Answer.PRIVATE: "{host} is {addresses} here: a private address, which the exchange does not have.",
}
ADVICE = {
    Answer.SINKHOLE: "Take the name off the blocklist (Pi-hole, hosts file, router), or use another name service.",
    Answer.FAKE_IP: "Check that your software leaves through the same proxy; its rules choose the egress address.",
    Answer.PRIVATE: "Ask who answers here: a split name service of this network, a captive portal, or an attacker.",
}


async def look_up(host: str) -> Sequence[str]:
    """Ask the system, for IPv4 addresses only."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def resolve(
    host: str, *, deadline: float, lookup: Lookup = look_up, stopwatch: Clock = time.perf_counter
) -> Resolution:
    """Return the addresses of `host`.

    Args:
        host: A name, or an address.
        deadline: Seconds to wait for the name service.
        lookup: Who is asked.
        stopwatch: Seconds from any start.

    Raises:
        Unreachable: it has none, or nobody answered in time.
    """
    if (literal := read_ipv4(host)) is not None:
        return Resolution(host, (literal,), Answer.LITERAL, 0.0)
    begun = stopwatch()
    try:
        async with asyncio.timeout(deadline):
            texts = await lookup(host)
    except TimeoutError:
        raise Unreachable(Phase.DNS, detail=f"the name service did not answer within {deadline:g} s") from None
    except (OSError, UnicodeError) as error:
        raise Unreachable(Phase.DNS, detail=printable(getattr(error, "strerror", None) or "not a name")) from None
    found = tuple(sorted({address for text in texts if (address := read_ipv4(text)) is not None}))
    if not found:
        raise Unreachable(Phase.DNS, detail="it has no IPv4 address")
    return Resolution(host, found, _judge(host, found), (stopwatch() - begun) * 1000)


def _judge(host: str, addresses: Sequence[IPv4Address]) -> Answer:
    if host == "localhost":
        return Answer.THIS_MACHINE
    kinds = [special.kind if (special := special_range(address)) else "" for address in addresses]
    return next((answer for kind, answer in _KINDS.items() if kind in kinds), Answer.PUBLIC)


_KINDS = {
    "loopback": Answer.SINKHOLE,
    "this-network": Answer.SINKHOLE,
    "benchmarking": Answer.FAKE_IP,
    "private": Answer.PRIVATE,
    "link-local": Answer.PRIVATE,
    "cgnat": Answer.PRIVATE,
}
