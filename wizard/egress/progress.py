"""What a request of httpx is doing, seen through its trace extension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

CONNECTING = frozenset({"connection.connect_tcp", "socks.connect_tcp"})
HANDSHAKES = frozenset({"connection.start_tls", "proxy.start_tls", "socks.start_tls"})


class _Closable(Protocol):
    async def aclose(self) -> None: ...


class Progress:
    """An httpx `trace` extension that remembers what was begun last, and the connection.

    httpcore 1.0.9 forgets to close a connection that is cancelled in its TLS handshake: its
    `start_tls` handles `Exception` only. So whoever cancels closes it here.
    """

    __slots__ = ("_stream", "phase")

    def __init__(self) -> None:
        self.phase = ""
        """httpcore's name of it; empty before the first connection attempt."""
        self._stream: _Closable | None = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Note an event of httpcore, such as `connection.start_tls.started`."""
        name, _, state = event.rpartition(".")
        if state == "started":
            self.phase = name
        elif name in CONNECTING and state == "complete":
            self._stream = info["return_value"]

    async def close(self) -> None:
        """Close the connection, if there is one; a second time does no harm."""
        if self._stream is not None:
            await self._stream.aclose()
