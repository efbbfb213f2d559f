"""From networks to the exact text to paste. Parsing the text gives the same networks again."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from ipaddress import IPv4Network


class Form(StrEnum):
    """What stands between two entries. The exchange's page has been seen to want different ones."""

    COMMAS = ","
    SPACES = " "
    LINES = "\n"


def render(networks: Iterable[IPv4Network], form: Form = Form.COMMAS) -> str:
    """Return the list as text, in the order given; without anything before or after."""
    return form.value.join(map(written, networks))


def written(network: IPv4Network) -> str:
    """Return one entry: `203.0.113.42` for a single address, `203.0.113.0/24` for a block."""
    return str(network.network_address) if network.prefixlen == 32 else str(network)
