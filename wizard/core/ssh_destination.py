"""Where ssh is told to go, read strictly before it comes near a command line.

A destination that begins with a dash is an option to ssh, and `-oProxyCommand=…` starts a program
here; ssh also puts user and host into the user's own `ProxyCommand`, where a shell reads them
(CVE-2023-51385). So only characters that no shell gives a meaning to are let through.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address

from wizard.core.errors import WizardError
from wizard.core.key_shape import holds_key
from wizard.core.text import printable

LONGEST_HOST = 253
"""Characters of a host name in the DNS (RFC 1035)."""
LONGEST_USER = 64
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_ADVICE = "Write it as bot-1, 198.51.100.7 or trader@bot-1. Put ports and keys into ~/.ssh/config, under a Host name."


class InvalidDestination(WizardError):
    """A text does not name a host for ssh. What looks like a key is not repeated."""

    def __init__(self, text: str, why: str) -> None:
        named = "What looks like a key" if holds_key(text) else repr(printable(text, 60))
        super().__init__(f"{named} does not name a host for ssh", why=why, advice=_ADVICE)


def read_destination(text: str) -> str:
    """Return `[user@]host` as ssh takes it, without the blanks around it.

    Raises:
        InvalidDestination: it is empty, too long, begins with a dash, holds what looks like a key, or has
            a character that neither user nor host names need.
    """
    if holds_key(text):
        raise InvalidDestination(text, "Others see what ssh is called with and which names it asks for.")
    destination = text.strip(" \t")
    user, at, host = destination.rpartition("@")
    if not host:
        raise InvalidDestination(text, "Nothing names the host.")
    if len(host) > LONGEST_HOST or len(user) > LONGEST_USER:
        raise InvalidDestination(text, f"It is longer than {LONGEST_HOST} characters, or its user than {LONGEST_USER}.")
    if user.startswith("-") or host.startswith("-"):
        raise InvalidDestination(text, "It begins with a dash: ssh would take it for an option.")
    if (at and not _WORD.fullmatch(user)) or not (_WORD.fullmatch(host) or _is_ipv6(host)):
        raise InvalidDestination(text, "Only letters, digits and . _ - are taken, and one @ after the user.")
    return destination


def _is_ipv6(host: str) -> bool:
    try:
        return "%" not in host and IPv6Address(host) is not None
    except ValueError:
        return False
