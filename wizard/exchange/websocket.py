"""One WebSocket over the same transport as every other call: same route, same TLS, same address family.

httpx sends the opening request and hands over the connection; the websockets library speaks the
protocol on it, without sockets of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

import httpx
from websockets.client import ClientProtocol
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import Event, State
from websockets.uri import parse_uri

if TYPE_CHECKING:
    import httpcore

LONGEST_MESSAGE = 1 << 20
"""Bytes after which a message is no longer read, and the connection closed."""

SWITCHING = 101
"""The status of an answer that opens a WebSocket."""

_AT_ONCE = 1 << 16


class WebSocketClosed(ConnectionError):
    """The server closed the connection, or broke the protocol."""


class WebSocket:
    """An open connection. Messages are bytes of UTF-8 text.

    Args:
        protocol: The state of the protocol, open.
        stream: The connection.
    """

    def __init__(self, protocol: ClientProtocol, stream: httpcore.AsyncNetworkStream) -> None:
        self._protocol = protocol
        self._stream = stream
        self._part = bytearray()
        self._messages: deque[bytes] = deque()

    async def send(self, text: str) -> None:
        """Send one text message.

        Raises:
            WebSocketClosed: the server ended the conversation meanwhile.
        """
        if self._protocol.state is not State.OPEN:
            raise WebSocketClosed
        self._protocol.send_text(text.encode("utf-8"))
        await self._flush()

    async def receive(self) -> bytes:
        """Return the next message; pings are answered on the way.

        Raises:
            WebSocketClosed: there will be none.
        """
        while not self._messages:
            if self._protocol.state is not State.OPEN:
                raise WebSocketClosed
            data = await self._stream.read(_AT_ONCE)
            if not data:
                raise WebSocketClosed
            self._protocol.receive_data(data)
            self._take(self._protocol.events_received())
            await self._flush()
        return self._messages.popleft()

    async def say_goodbye(self) -> None:
        """Tell the server that this end is closing; its answer is not waited for."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(1000)
            await self._flush()

    async def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                await self._stream.write(data)

    def _take(self, events: Sequence[Event]) -> None:
        for frame in events:
            if isinstance(frame, Frame) and frame.opcode in DATA_OPCODES:
                self._part += frame.data
                if frame.fin:
                    self._messages.append(bytes(self._part))
                    self._part.clear()


def opening(http: httpx.AsyncClient, url: str) -> tuple[ClientProtocol, httpx.Request]:
    """Return the protocol of a WebSocket at `url` (`wss://…`) and the request that opens it."""
    protocol = ClientProtocol(parse_uri(url), max_size=LONGEST_MESSAGE)
    handshake = protocol.connect()
    protocol.send_request(handshake)
    # The protocol believes that it has sent the request; httpx does, over the transport's route.
    protocol.data_to_send()
    headers = {name: value for name, value in handshake.headers.raw_items() if name != "Host"}
    return protocol, http.build_request("GET", "http" + url.removeprefix("ws"), headers=headers)


def opened(protocol: ClientProtocol, response: httpx.Response) -> WebSocket | None:
    """Return the WebSocket on the connection of a response; None where that is not what a WebSocket server answers."""
    if response.status_code != SWITCHING:
        return None
    lines = [b"HTTP/1.1 101 Switching Protocols", *(name + b": " + value for name, value in response.headers.raw)]
    protocol.receive_data(b"\r\n".join([*lines, b"", b""]))
    if protocol.handshake_exc is not None or protocol.state is not State.OPEN:
        return None
    protocol.events_received()
    return WebSocket(protocol, response.extensions["network_stream"])
