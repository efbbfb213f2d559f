"""Hints at whose an address is: its name in reverse DNS, and the organisation that IPinfo names.

Neither proves anything about how long an address lasts or who else uses it (facts/egress.md section 5), and
neither counts for the verdict.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from wizard.addresses import read_ipv4
from wizard.egress.answers import BODY_LIMIT, Refused
from wizard.egress.route import Route
from wizard.egress.sampling import fetch
from wizard.egress.system import System
from wizard.errors import WizardError
from wizard.text import printable

NAME_DEADLINE = 3.0
"""Seconds for reverse DNS."""
ORGANISATION_DEADLINE = 5.0
ORGANISATION_URL = "https://ipinfo.io/json"
"""1,000 calls a day per address without a token; its `org` is the holder of the network, `AS16509 Amazon.com`."""
_SHOWN = 100


class OrganisationUnknown(WizardError):
    """IPinfo did not say whose address it is."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """Whose network the caller's address belongs to, as IPinfo says."""

    address: IPv4Address
    """The address that IPinfo saw."""
    name: str

    def sentence(self) -> str:
        """Return it for people, as the hint that it is."""
        return (
            f"{self.address} belongs to {printable(self.name, _SHOWN)}, says IPinfo: a hint at who runs the way out, no"
            " proof that the address stays or that nobody else uses it."
        )


async def reverse_names(
    addresses: Iterable[IPv4Address], *, system: System | None = None, deadline: float = NAME_DEADLINE
) -> dict[IPv4Address, str]:
    """Return the names that reverse DNS gives to addresses, where it does so in time.

    Args:
        addresses: At most a handful.
        system: Who is asked.
        deadline: Seconds for all of them together.
    """
    asked = system or System()

    async def name_of(address: IPv4Address) -> tuple[IPv4Address, str]:
        try:
            async with asyncio.timeout(deadline):
                return address, await asked.name_of(address)
        except (OSError, UnicodeError):  # TimeoutError is an OSError
            return address, ""

    return {address: name for address, name in await asyncio.gather(*map(name_of, addresses)) if name}


def tell_names(addresses: Iterable[IPv4Address], names: Mapping[IPv4Address, str]) -> tuple[str, ...]:
    """Return what reverse DNS says of each address, for people."""
    return tuple(
        f"Reverse DNS names {address} {printable(names[address], _SHOWN)}: a hint at whose it is, no proof."
        if address in names
        else f"Reverse DNS told no name for {address}."
        for address in addresses
    )


async def ask_organisation(
    route: Route,
    *,
    timeout: float = ORGANISATION_DEADLINE,  # noqa: ASYNC109 - becomes asyncio.timeout in fetch
    verify: ssl.SSLContext | None = None,
    url: str = ORGANISATION_URL,
) -> Organisation:
    """Ask IPinfo over `route` whose network the caller's address belongs to.

    Args:
        route: The way out, the same that the detection took.
        timeout: Seconds for the whole question.
        verify: What certificates are checked against; None for the public authorities.
        url: Where the JSON is, with `ip` and `org`.

    Raises:
        OrganisationUnknown: there is no usable answer.
        wizard.egress.proxy.ProxyUnusable: the route's proxy cannot be used at all.
    """
    try:
        return _read(await fetch(url, route, timeout=timeout, verify=verify))
    except Refused as refused:
        reason = str(refused)
        raise OrganisationUnknown(
            "IPinfo did not say whose address it is",
            why=f"{reason[:1].upper()}{reason[1:]}.",
            advice="It is a hint only.",
        ) from None


def _read(body: bytes) -> Organisation:
    try:
        answer = json.loads(body[: BODY_LIMIT + 1])
        address, name = read_ipv4(answer["ip"]), answer["org"]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Refused("its answer was not understood") from None
    if address is None or not isinstance(name, str) or not name.strip():
        raise Refused("its answer names no organisation")
    return Organisation(address, printable(name.strip(), _SHOWN))
