"""A URL, read strictly: what is no plain URL is none, so that no library has to guess what it means."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv6Address

from wizard.core.addresses import read_ipv4

LONGEST_URL = 2000
"""Characters."""
_LONGEST_NAME = 253
"""Characters of a host name in the DNS (RFC 1035)."""
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,20})://(?:(?P<user>[!\"$-.0-9:;<=>A-Z\[-~]*)@)?"
    rf"(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]{{2,45}}\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<rest>(?:[/?][!-\"$-~]*)?)"
)
"""Visible ASCII only: no blanks, no control characters, no letters that look like others; no fragment."""


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of a URL. Its repr shows no password."""

    scheme: str
    """In lower case."""
    user: str | None = field(repr=False)
    """What stands before the `@`, perhaps with a password."""
    host: str
    """A name or an address; an IPv6 address without its brackets."""
    port: int | None
    rest: str = field(repr=False)
    """The path and the query."""

    @property
    def address(self) -> str:
        """`HOST:PORT` as a URL has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def is_this_machine(self) -> bool:
        """Whether it leads to this machine itself, over IPv4."""
        local = read_ipv4(self.host)
        return self.host.lower() == "localhost" or (local is not None and local.is_loopback)


def read_url(text: str) -> Url | None:
    """Return the parts of `text`, or None where it is no URL with a host."""
    match = _URL.fullmatch(text) if len(text) <= LONGEST_URL else None
    if match is None:
        return None
    host, port = match["host"], match["port"]
    if len(host) > _LONGEST_NAME or (port and int(port) not in range(1, 65536)):
        return None
    if host.startswith("["):
        host = host[1:-1]
        try:
            IPv6Address(host)
        except ValueError:
            return None
    return Url(match["scheme"].lower(), match["user"], host, int(port) if port else None, match["rest"])
