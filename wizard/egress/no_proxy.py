"""What NO_PROXY means for one host.

There is no standard. Read here as curl does, with the two forms on which libraries disagree
(docs/egress.md) taken at their word: a network for literal addresses, and `:443`.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network

from wizard.addresses import read_ipv4


def exempting_entry(host: str, no_proxy: str) -> str | None:
    """Return the entry of `no_proxy` that exempts `host` from the proxy, or None."""
    return next(
        (entry for entry in re.split(r"[,\s]+", no_proxy) if entry and _exempts(entry.lower(), host.lower())), None
    )


def _exempts(entry: str, host: str) -> bool:
    domain = entry.removesuffix(":443").removeprefix("*").removeprefix(".")
    return entry == "*" or host == domain or (bool(domain) and host.endswith("." + domain)) or _contains(entry, host)


def _contains(block: str, host: str) -> bool:
    address = read_ipv4(host)
    try:
        return address is not None and address in IPv4Network(block, strict=False)
    except ValueError:
        return False
