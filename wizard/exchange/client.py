"""The exchange's REST API, as far as a rotation needs it: reads only, one deadline per call.

Every call ends in its answer or in an `ExchangeError`. An error is raised where no frame holds the
signed request, with no other exception chained to it, so that a traceback shows neither.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from wizard.core.clock import Clock
from wizard.core.credentials import Credentials
from wizard.core.errors import WizardError
from wizard.core.sites import Site
from wizard.exchange.errors import ExchangeError, unsendable_key
from wizard.exchange.responses import (
    Account,
    ApiRestrictions,
    Json,
    ServerTime,
    interpret,
    read_account,
    read_api_restrictions,
    read_futures_balances,
    read_server_time,
)
from wizard.exchange.signing import Parameter, is_sendable, rest_query, scrubbing, signed_query, stamped
from wizard.exchange.transport import ExchangeTransport
from wizard.exchange.websocket import ask_account_status, can_log_on, first_message
from wizard.net.tls import Handshake, read_handshake
from wizard.net.trace import Trace

if TYPE_CHECKING:
    import httpx

STREAM = "btcusdt@bookTicker"


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


@dataclass(frozen=True, slots=True)
class WebSocketSession:
    """What one conversation with the WebSocket API showed."""

    account: Account
    has_logged_on: bool
    """Whether `session.logon` was asked and accepted: it is for Ed25519 keys only (CONFIRMED, web-socket-api.md)."""
    milliseconds: float
    """From the opening of the connection to the last answer."""


class ExchangeClient:
    """Calls one site over one transport. Used as `async with ExchangeClient(…) as client`.

    Every call raises `ExchangeError`; a signed one also `SigningKeyError`, where the secret or private key cannot sign.

    Args:
        site: Which hosts.
        transport: How they are reached; it is closed together with the client.
        clock: This host's clock. It stamps signed requests: what it is off, the exchange sees.
        stopwatch: Seconds from any start, for round trips.
        timeout: The deadline of one whole call, in seconds.
        proxied: Whether `transport` goes through a proxy, so that a dead one is named as the failure.
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
        self._site = site
        self._clock = clock
        self._stopwatch = stopwatch
        self._opened = transport
        self._transport = ExchangeTransport(
            transport, timeout=timeout, proxied=proxied, clock=clock, stopwatch=stopwatch
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()

    async def connect(self) -> Connection:
        """Call `GET /api/v3/ping` and return how far it came and what each part of the way showed.

        It proves reachability, nothing about a key. A failure is in the result: the parts before it
        are evidence too.
        """
        trace = self._transport.trace()
        outcome = await self._attempt("/api/v3/ping", trace=trace)
        error = outcome if isinstance(outcome, ExchangeError) else None
        total_ms = 0.0 if isinstance(outcome, ExchangeError) else outcome.round_trip_ms
        return Connection(
            peer=trace.peer,
            connected_ms=trace.connected_ms,
            handshake=read_handshake(trace.tls, trace.handshake_ms),
            answered_ms=max(0.0, total_ms - (trace.connected_ms or 0.0) - trace.handshake_ms),
            error=error,
        )

    async def ping(self) -> float:
        """Call `GET /api/v3/ping`; return the milliseconds. It proves reachability, nothing about a key."""
        return (await self._call("/api/v3/ping")).round_trip_ms

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

    async def websocket_session(self, credentials: Credentials) -> WebSocketSession:
        """Log on to the WebSocket API where the kind of key can, and ask for the `account.status`; weight 20 + 2."""
        if not is_sendable(credentials):
            raise unsendable_key()
        begun = self._stopwatch()
        talk = partial(ask_account_status, credentials=credentials, clock=self._clock)
        account = await self._transport.converse(self._site.websocket_api_url, talk)
        if isinstance(account, WizardError):
            raise account
        took_ms = (self._stopwatch() - begun) * 1000
        return WebSocketSession(read_account(account), can_log_on(credentials), took_ms)

    async def market_stream(self) -> float:
        """Open a public market stream and wait for its first message; return the milliseconds.

        It takes no key, and proves nothing about one."""
        begun = self._stopwatch()
        if error := await self._transport.converse(f"{self._site.stream_url}/{STREAM}", first_message):
            raise error
        return (self._stopwatch() - begun) * 1000

    async def _call(self, path: str, credentials: Credentials | None = None, **parts: Any) -> _Reply:
        outcome = await self._attempt(path, credentials, **parts)
        if isinstance(outcome, ExchangeError):
            raise outcome
        return outcome

    async def _attempt(
        self,
        path: str,
        credentials: Credentials | None = None,
        *,
        params: Mapping[str, Parameter] = MappingProxyType({}),
        headers: Mapping[str, str] = MappingProxyType({}),
        base: str = "",
        trace: Trace | None = None,
    ) -> _Reply | ExchangeError:
        """Send one request. A failure is returned, not raised: this frame knows the signed query."""
        if credentials and not is_sendable(credentials):
            return unsendable_key()
        sent_at, started = self._clock(), self._stopwatch()
        query = signed_query(credentials, stamped(params, sent_at)) if credentials else rest_query(params)
        url = (base or self._site.rest_url) + path + (f"?{query}" if query else "")
        if credentials:
            headers = {**headers, "X-MBX-APIKEY": credentials.api_key.reveal()}
        raw = await self._transport.get(url, headers, trace)
        if isinstance(raw, ExchangeError):
            return raw
        round_trip_ms = (self._stopwatch() - started) * 1000
        told = interpret(raw, scrubbing(credentials, query.rpartition("signature=")[2]), self._clock())
        return told if isinstance(told, ExchangeError) else _Reply(told, round_trip_ms, sent_at)
