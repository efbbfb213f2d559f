"""The rules of the exchange's page for the text in its whitelist field.

The page's real rules are not documented (facts/binance.md section 10). These are the mission's:
addresses and CIDR blocks, at most 20, no wildcard, nothing malformed, no empty field, IPv6 ignored
in silence. The separator of the real page is UNKNOWN, so commas, blanks and lines all separate.

Written apart from the wizard's own reading of such texts, so that the two can be compared.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from wizard.errors import WizardError
from wizard.text import printable

_BLANKS = re.compile(r"[ \t\r\n]+")
_PREFIX = re.compile(r"[0-9]|[12][0-9]|3[0-2]")


class WhitelistRefused(WizardError):
    """The page does not save the list; `what` is the message that it shows."""


def read_page_text(text: str, max_entries: int) -> tuple[IPv4Network, ...]:
    """Return the IPv4 blocks that the page saves, in the order in which they were written.

    Raises:
        WhitelistRefused: the page refuses the whole text.
    """
    entries = _entries(text)
    if len(entries) > max_entries:
        raise WhitelistRefused("Too many IPs")
    return tuple(network for network in map(_network, entries) if network is not None)


def _entries(text: str) -> list[str]:
    fields = [field.strip(" \t\r\n") for field in text.split(",")]
    if not all(fields):
        raise WhitelistRefused("An IP address must not be empty")
    return [entry for field in fields for entry in _BLANKS.split(field)]


def _network(entry: str) -> IPv4Network | None:
    if "*" in entry:
        raise WhitelistRefused(f"Wildcards are not allowed: {printable(entry, 60)}")
    try:
        if ":" not in entry:
            return _ipv4(entry)
        IPv6Network(entry, strict=False)
    except ValueError:
        raise WhitelistRefused(f"Illegal IP: {printable(entry, 60)}") from None
    return None


def _ipv4(entry: str) -> IPv4Network:
    address, slash, prefix = entry.partition("/")
    if slash and not _PREFIX.fullmatch(prefix):
        raise ValueError("the prefix is not a number from 0 to 32")
    number = IPv4Address(address)
    if prefix == "0" or int(number) == 0:
        raise WhitelistRefused(f"Wildcards are not allowed: {printable(entry, 60)}")
    return IPv4Network(f"{number}/{prefix or 32}")
