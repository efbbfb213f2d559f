"""One WebSocket over the same transport as every other call, and what is said to Binance over it.

httpx sends the opening request and hands over the connection; the websockets library speaks the protocol on it. Its
`connect` would be a second route: other redirects, another SOCKS package, time-outs that do not say what was under way.
A failure of Binance's is returned, not raised, as in `client`: signed frames hold the API key and a signature.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from websockets.client import ClientProtocol
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import Event, State
from websockets.uri import parse_uri

from wizard.core.clock import Clock
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import WizardError
from wizard.exchange.errors import ExchangeError, Flaw, unreadable
from wizard.exchange.responses import Json, decode, interpret_message
from wizard.exchange.signing import Parameter, SigningKeyError, scrubbing, sign, stamped, websocket_payload

if TYPE_CHECKING:
    import httpcore
    import httpx

LONGEST_MESSAGE = 1 << 20
"""Bytes after which a message is no longer read, and the connection closed."""
SWITCHING = 101
"""The status of an answer that opens a WebSocket."""
OTHER_MESSAGES = 100
"""So many messages about something else are passed over before an answer is given up."""
_AT_ONCE = 1 << 16


class WebSocket:
    """An open connection, with the state of its protocol. Messages are bytes of UTF-8 text."""

    def __init__(self, protocol: ClientProtocol, stream: httpcore.AsyncNetworkStream) -> None:
        self._protocol = protocol
        self._stream = stream
        self._part = bytearray()
        self._messages: deque[bytes] = deque()

    async def send(self, text: str) -> None:
        """Send one text message. Raises `ConnectionError` where the server ended the conversation meanwhile."""
        if self._protocol.state is not State.OPEN:
            raise ConnectionError
        self._protocol.send_text(text.encode("utf-8"))
        await self._flush()

    async def receive(self) -> bytes:
        """Return the next message; pings are answered on the way. Raises `ConnectionError` where there will be none."""
        while not self._messages:
            if self._protocol.state is not State.OPEN:
                raise ConnectionError
            data = await self._stream.read(_AT_ONCE)
            if not data:
                raise ConnectionError
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


def opening(url: str) -> tuple[ClientProtocol, dict[str, str]]:
    """Return the protocol of a WebSocket at `url` (`wss://…`) and the headers of the request that opens it."""
    protocol = ClientProtocol(parse_uri(url), max_size=LONGEST_MESSAGE)
    handshake = protocol.connect()
    protocol.send_request(handshake)
    # The protocol believes that it has sent the request; httpx does, over the transport's route.
    protocol.data_to_send()
    return protocol, {name: value for name, value in handshake.headers.raw_items() if name != "Host"}


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


def can_log_on(credentials: Credentials) -> bool:
    """Return whether the kind of key can: "Only Ed25519 keys are supported for this feature" (web-socket-api.md)."""
    return credentials.kind is KeyKind.ED25519


async def ask_account_status(websocket: WebSocket, credentials: Credentials, clock: Clock) -> Json | WizardError:
    """Ask `session.logon` where the kind of key can, then a signed `account.status`; return its answer."""
    if can_log_on(credentials):
        told = await _ask(websocket, credentials, clock, "session.logon", {})
        if isinstance(told, WizardError):
            return told
    return await _ask(websocket, credentials, clock, "account.status", {"omitZeroBalances": True})


async def _ask(
    websocket: WebSocket, credentials: Credentials, clock: Clock, method: str, params: Mapping[str, Parameter]
) -> Json | WizardError:
    signed: dict[str, Parameter] = {**stamped(params, clock()), "apiKey": credentials.api_key.reveal()}
    try:
        signature = sign(credentials, websocket_payload(signed))
    except SigningKeyError as unusable:
        # Its traceback would hold this frame, and with it the API key.
        return unusable.with_traceback(None)
    scrub = scrubbing(credentials, signature)
    frame = {"id": method, "method": method, "params": {**signed, "signature": signature}}
    await websocket.send(json.dumps(frame, ensure_ascii=False))
    for _ in range(OTHER_MESSAGES):
        told = interpret_message(await websocket.receive(), method, scrub, clock())
        if told is not None:
            return told
    return unreadable(Flaw.SHAPE, field="id")


async def first_message(websocket: WebSocket) -> ExchangeError | None:
    """Wait for one message of a market stream; return None when it came.

    A quiet market says nothing for minutes, so the server is asked for something as well:
    `LIST_SUBSCRIPTIONS` (CONFIRMED, web-socket-streams.md).
    """
    await websocket.send('{"method": "LIST_SUBSCRIPTIONS", "id": 1}')
    told = decode(await websocket.receive())
    if isinstance(told, dict) and (told.get("id") == 1 or "s" in told):
        return None
    return unreadable(Flaw.NOT_JSON if told is None else Flaw.SHAPE)
