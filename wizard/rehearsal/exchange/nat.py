"""Which public address a caller appears to have.

Everything here runs on one machine, so a client that binds another loopback address plays another
host. Headers such as X-Forwarded-For say what the caller likes, so they are never read.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

from wizard.errors import WizardError

DEFAULT_NAT: Mapping[str, str] = {"127.0.0.1": "203.0.113.42", "127.0.0.2": "203.0.113.77"}


class NatRefused(WizardError):
    """A NAT table names something that is not an address."""


def read_nat(table: Mapping[str, object]) -> dict[str, str]:
    """Return `table` with each address in its canonical form.

    Raises:
        NatRefused: a source or a public address is malformed.
    """
    try:
        return {str(ip_address(source)): str(ip_address(_text(public))) for source, public in table.items()}
    except ValueError:
        raise NatRefused("A NAT table maps one IP address to another") from None


def _text(value: object) -> str:
    # ip_address would read the number 1 as 0.0.0.1.
    if not isinstance(value, str):
        raise ValueError("not a text")  # noqa: TRY004 - one kind of error for every malformed address
    return value
