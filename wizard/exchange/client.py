"""The exchange's API, as far as a rotation needs it, with one deadline over the whole of each call.

Every call ends in its answer or in an `ExchangeError`. An error is raised where no frame holds the
signed request, with no other exception chained to it, so that a traceback shows neither. Answers are bounded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Self, TypeVar

import httpcore
import httpx

from wizard.core.clock import Clock
from wizard.core.credentials import Credentials
from wizard.core.errors import WizardError
from wizard.core.safety import silence_libraries
from wizard.core.sites import Site
from wizard.exchange.errors import ExchangeError, Flaw, unreachable, unreadable, unsendable_key
from wizard.exchange.responses import (
    Account,
    ApiRestrictions,
    Json,
    RawAnswer,
    ServerTime,
    interpret,
    read_account,
    read_api_restrictions,
    read_futures_balances,
    read_server_time,
)
from wizard.exchange.signing import (
    Parameter,
    SigningKeyError,
    is_sendable,
    rest_query,
    scrubbing,
    signed_query,
    stamped,
)
from wizard.exchange.websocket import (
    SWITCHING,
    WebSocket,
    ask_account_status,
    first_message,
    opened,
    opening,
)
from wizard.net.route import answered
from wizard.net.tls import Handshake, read_handshake
from wizard.net.trace import Phase, Trace, explain

Said = TypeVar("Said")
Done = TypeVar("Done")
_STREAM = "btcusdt@bookTicker"
LONGEST_ANSWER = 1 << 20
"""Bytes after which an answer is no longer read."""
_BROKEN = (httpx.HTTPError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)
_HEADERS = {"User-Agent": "key-wizard", "Accept": "application/json", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class _Reply:
    json: Json | list[object]
    round_trip_ms: float
    sent_at: float


@dataclass(frozen=True, slots=True)
class Connection:
    """The way to the exchange, part by part, as one public call took it."""

    peer: str
    """Whom the connection goes to, or to which proxy; empty where none was opened."""
    connected_ms: float | None
    handshake: Handshake | None
    """None where there is no TLS, or the handshake did not end well."""
    answered_ms: float
    """From the open connection to the answer; 0 where there was none."""
    error: ExchangeError | None


class ExchangeClient:
    """Calls one site over one transport, which it closes. Used as `async with ExchangeClient(…) as client`.

    Every call raises `ExchangeError`; a signed one also `SigningKeyError`, where the secret or private key cannot sign.
    `clock` stamps signed requests, `stopwatch` times them, `timeout` is the deadline of one whole call in seconds.
    `proxied` says that `transport` goes through a proxy, so that a dead one is named as the failure.
    """

    def __init__(
        self,
        site: Site,
        transport: httpx.AsyncBaseTransport,
        *,
        clock: Clock = time.time,
        stopwatch: Clock = time.perf_counter,
        timeout: float = 10.0,
        proxied: bool = False,
    ) -> None:
        silence_libraries()
        self._site = site
        self._transport = transport
        self._clock = clock
        self._stopwatch = stopwatch
        self._timeout = timeout
        self._proxied = proxied

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.aclose()

    async def connect(self) -> Connection:
        """Call `GET /api/v3/ping` and return how far it came: the parts before a failure are evidence too."""
        trace = self._trace()
        outcome = await self._attempt("/api/v3/ping", trace=trace)
        error = outcome if isinstance(outcome, ExchangeError) else None
        total_ms = outcome.round_trip_ms if isinstance(outcome, _Reply) else 0.0
        return Connection(
            peer=trace.peer,
            connected_ms=trace.connected_ms,
            handshake=read_handshake(trace.tls, trace.handshake_ms),
            answered_ms=max(0.0, total_ms - (trace.connected_ms or 0.0) - trace.handshake_ms),
            error=error,
        )

    async def server_time(self) -> ServerTime:
        """Call `GET /api/v3/time`, asking for microseconds (CONFIRMED, rest-api.md)."""
        reply = await self._call("/api/v3/time", headers={"X-MBX-TIME-UNIT": "MICROSECOND"})
        return read_server_time(reply.json, reply.round_trip_ms, reply.sent_at)

    async def api_restrictions(self, credentials: Credentials) -> ApiRestrictions:
        """Call `GET /sapi/v1/account/apiRestrictions`, signed; weight 1. Sites without `/sapi` answer 404."""
        reply = await self._call("/sapi/v1/account/apiRestrictions", credentials)
        return read_api_restrictions(reply.json)

    async def account(self, credentials: Credentials) -> Account:
        """Call `GET /api/v3/account`, signed, without empty balances; weight 20."""
        reply = await self._call("/api/v3/account", credentials, params={"omitZeroBalances": True})
        return read_account(reply.json)

    async def futures_balances(self, credentials: Credentials) -> int:
        """Call `GET /fapi/v3/balance` of the site's futures host, signed; weight 5. Return how many assets it lists."""
        reply = await self._call("/fapi/v3/balance", credentials, base=self._site.futures_url)
        return read_futures_balances(reply.json)

    async def websocket_session(self, credentials: Credentials) -> Account:
        """Log on to the WebSocket API where the kind of key can, and ask for the `account.status`; weight 20 + 2."""
        if not is_sendable(credentials):
            raise unsendable_key()
        talk = partial(ask_account_status, credentials=credentials, clock=self._clock)
        account = await self._converse(self._site.websocket_api_url, talk)
        if isinstance(account, WizardError):
            raise account
        return read_account(account)

    async def market_stream(self) -> None:
        """Open a public market stream and wait for its first message. It takes no key, and proves nothing about one."""
        if error := await self._converse(f"{self._site.stream_url}/{_STREAM}", first_message):
            raise error

    async def call_signed(self, path: str, credentials: Credentials, **parts: Any) -> Json | list[object]:
        """Make any other signed call; `params` travel in the query of a GET, by another `method` in the form body.

        `deadline` in seconds takes the place of the client's. `weigh` gets the weight that the account used in this
        minute, where the answer has it.
        """
        return (await self._call(path, credentials, **parts)).json

    async def _call(self, path: str, credentials: Credentials | None = None, **parts: Any) -> _Reply:
        outcome = await self._attempt(path, credentials, **parts)
        if isinstance(outcome, WizardError):
            raise outcome
        return outcome

    async def _attempt(
        self,
        path: str,
        credentials: Credentials | None = None,
        *,
        method: str = "GET",
        params: Mapping[str, Parameter] = MappingProxyType({}),
        headers: Mapping[str, str] = MappingProxyType({}),
        base: str = "",
        trace: Trace | None = None,
        deadline: float | None = None,
        weigh: Callable[[int], None] = lambda _: None,
    ) -> _Reply | WizardError:
        """Send one request. A failure is returned, not raised: this frame knows the signed parameters."""
        if credentials and not is_sendable(credentials):
            return unsendable_key()
        sent_at, started = self._clock(), self._stopwatch()
        try:
            query = signed_query(credentials, stamped(params, sent_at)) if credentials else rest_query(params)
        except SigningKeyError as unusable:
            # Its traceback would hold the parameters, which may name another key.
            return unusable.with_traceback(None)
        url, body = (base or self._site.rest_url) + path, None
        if method != "GET":
            body, headers = query.encode("ascii"), {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        elif query:
            url += f"?{query}"
        if credentials:
            headers = {**headers, "X-MBX-APIKEY": credentials.api_key.reveal()}
        request = httpx.Request(method, url, headers={**_HEADERS, **headers}, content=body)
        raw = await self._send(request, trace or self._trace(), deadline or self._timeout)
        if isinstance(raw, ExchangeError):
            return raw
        if raw.uid_weight.isdecimal():
            weigh(int(raw.uid_weight[:9]))
        round_trip_ms = (self._stopwatch() - started) * 1000
        told = interpret(raw, scrubbing(credentials, query.rpartition("signature=")[2], params), self._clock())
        return told if isinstance(told, ExchangeError) else _Reply(told, round_trip_ms, sent_at)

    async def _send(self, request: httpx.Request, trace: Trace, deadline: float) -> RawAnswer | ExchangeError:
        """Return the answer to one request, or why there is none; `trace` sees how far the call comes."""

        async def read() -> RawAnswer:
            async with answered(self._transport, request) as response:
                return await _raw(response)

        return await self._until_deadline(read(), request, trace, deadline)

    async def _converse(self, url: str, talk: Callable[[WebSocket], Awaitable[Said]]) -> Said | ExchangeError:
        """Let `talk` have a WebSocket; return what `talk` returned, its failures too, or why there was none."""
        protocol, headers = opening(url)
        request = httpx.Request("GET", "http" + url.removeprefix("ws"), headers={**_HEADERS, **headers})

        async def hold() -> Said | ExchangeError:
            async with answered(self._transport, request) as response:
                websocket = opened(protocol, response)
                if websocket is None:
                    raw = await _raw(response) if response.status_code != SWITCHING else None
                    told = interpret(raw, lambda text: text, self._clock()) if raw else None
                    unopened = unreadable(Flaw.HANDSHAKE, response.status_code)
                    return told if isinstance(told, ExchangeError) else unopened
                said = await talk(websocket)
                await websocket.say_goodbye()
                return said

        return await self._until_deadline(hold(), request, self._trace(), self._timeout)

    def _trace(self) -> Trace:
        return Trace(proxied=self._proxied, stopwatch=self._stopwatch)

    async def _until_deadline(
        self, work: Coroutine[Any, Any, Done], request: httpx.Request, trace: Trace, deadline: float
    ) -> Done | ExchangeError:
        """Return a failure instead of raising it: a traceback through here could show the signed request."""
        request.extensions["trace"] = trace
        try:
            async with asyncio.timeout(deadline):
                return await work
        except _BROKEN as error:
            phase, reason = explain(error, trace.phase)
            during = trace.phase if phase is Phase.TIMEOUT else None
            failure = unreachable(phase, request.url.host, during=during, detail=reason)
            failure.is_sent = trace.is_sent
            return failure
        finally:
            await trace.close_half_open()


async def _raw(response: httpx.Response) -> RawAnswer:
    """Return the answer with its body as it came, never decompressed."""
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > LONGEST_ANSWER:
            break
    whole = bytes(body) if len(body) <= LONGEST_ANSWER else None
    weight = response.headers.get("X-SAPI-USED-UID-WEIGHT-1M", "")
    return RawAnswer(response.status_code, response.headers.get("Retry-After", ""), whole, weight)
