"""Where something is sent, read strictly: a URL, and the host that ssh is told to go to.

What is no plain URL is none, so that no library has to guess what it means. A destination of ssh that begins with a
dash is an option, and `-oProxyCommand=…` starts a program here; ssh also puts user and host into the user's own
`ProxyCommand`, where a shell reads them (CVE-2023-51385). So only characters that no shell gives a meaning to are let
through.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from wizard.core.addresses import is_ipv6, read_ipv4
from wizard.core.errors import UsageError
from wizard.core.key_shape import holds_key
from wizard.core.text import printable

LONGEST_URL = 2000
"""Characters."""
LONGEST_HOST = 253
"""Characters of a host name in the DNS (RFC 1035)."""
LONGEST_USER = 64
_WORD = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_URL = (
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,20})://(?:(?P<user>[!\"$-.0-9:;<=>A-Z\[-~]*)@)?"
    rf"(?P<host>{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]{{2,45}}\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<rest>(?:[/?][!-\"$-~]*)?)"
)
"""Visible ASCII only: no spaces, no control characters, no letters that look like others; no fragment."""


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of a URL, its scheme in lower case. Its repr shows no password."""

    scheme: str
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


def is_this_machine(host: str) -> bool:
    """Whether a host's name or address means the machine that asks."""
    address = read_ipv4(host)
    return host.lower() in {"localhost", "::1"} or (address is not None and address.is_loopback)


def read_url(text: str) -> Url | None:
    """Return the parts of `text`, or None where it is no URL with a host."""
    match = re.fullmatch(_URL, text) if len(text) <= LONGEST_URL else None
    if match is None:
        return None
    host, port = match["host"], match["port"]
    if len(host) > LONGEST_HOST or (port and int(port) not in range(1, 65536)):
        return None
    if host.startswith("["):
        host = host[1:-1]
        if not is_ipv6(host):
            return None
    return Url(match["scheme"].lower(), match["user"], host, int(port) if port else None, match["rest"])


def read_destination(text: str) -> str:
    """Return `[user@]host` as ssh takes it, without the spaces around it.

    UsageError: it is empty, too long, begins with a dash, looks like a key, or has a character that no name needs.
    """
    if holds_key(text):
        raise _invalid(text, "Other users can see the arguments of ssh, and name servers see the host.")
    destination = text.strip(" \t")
    user, at, host = destination.rpartition("@")
    if not host:
        raise _invalid(text, "The name of the host is missing.")
    if len(host) > LONGEST_HOST or len(user) > LONGEST_USER:
        raise _invalid(text, f"A host has {LONGEST_HOST} characters at most, a user {LONGEST_USER}.")
    if user.startswith("-") or host.startswith("-"):
        raise _invalid(text, "It begins with a dash, so ssh would read it as an option.")
    if (at and not re.fullmatch(_WORD, user)) or not (re.fullmatch(_WORD, host) or is_ipv6(host)):
        raise _invalid(text, "Only letters, digits and . _ - are possible, and one @ after the user.")
    return destination


def _invalid(text: str, why: str) -> UsageError:
    """Return the error; what looks like a key is not repeated."""
    named = "What looks like a key" if holds_key(text) else repr(printable(text, 60))
    advice = "Write bot-1, 198.51.100.7 or trader@bot-1. Ports and keys belong into ~/.ssh/config, below a Host name."
    return UsageError(f"{named} is not a host for ssh", why=why, advice=advice, code="destination.invalid")
