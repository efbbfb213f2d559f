"""What this system says of names and of its own ways, without sending anything to whom they lead.

Name lookups can block for long: each runs in a thread that nobody has to wait for.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from ipaddress import IPv6Address

from wizard.threads import in_abandonable_thread

_ANY_PORT = 443


async def look_up_ipv6(host: str) -> Sequence[str]:
    """Return the IPv6 addresses of a name, as texts.

    Raises:
        OSError: it has none, or the name service fails.
    """
    found = await in_abandonable_thread(
        lambda: socket.getaddrinfo(host, None, family=socket.AF_INET6, type=socket.SOCK_STREAM)
    )
    return [str(entry[4][0]) for entry in found]


def source_towards(address: IPv6Address) -> str:
    """Return the local address that a connection to `address` would leave from, as text. Nothing is sent.

    Connecting a datagram socket only asks the routing table (connect(2), ip(7)).

    Raises:
        OSError: there is no way there over IPv6.
    """
    with closing(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as unsent:
        unsent.connect((str(address), _ANY_PORT))
        return str(unsent.getsockname()[0])


@dataclass(frozen=True, slots=True)
class System:
    """Whom to ask; passed in, so that tests need no name service."""

    ipv6_of: Callable[[str], Awaitable[Sequence[str]]] = look_up_ipv6
    source_towards: Callable[[IPv6Address], str] = source_towards
