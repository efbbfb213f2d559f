"""The exchange's REST API, as far as a rotation needs it: reads only, one deadline per call.

Every call ends in its answer or in an `ExchangeError`. An error is raised where no frame holds the
signed request, with no other exception chained to it, so that a traceback shows neither.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote

from wizard.clock import Clock
from wizard.credentials import Credentials
from wizard.exchange.answers import Json, Scrub, interpret
from wizard.exchange.errors import ApiKeyUnsendable, ExchangeError
from wizard.exchange.records import (
    Account,
    ApiRestrictions,
    ServerTime,
    Timing,
    read_account,
    read_api_restrictions,
    read_server_time,
)
from wizard.exchange.signing import Parameter, rest_query, signed_query
from wizard.exchange.wire import Wire
from wizard.secret import MASK
from wizard.settings import Site

if TYPE_CHECKING:
    import httpx

__all__ = ["Account", "ApiRestrictions", "ExchangeClient", "ServerTime", "Timing"]

RECEIVE_WINDOW_MS = 5000
"""The exchange's default: a longer one would hide a wrong clock (CONFIRMED, rest-api.md)."""

_SENDABLE = re.compile(r"[!-~]{1,512}")


@dataclass(frozen=True, slots=True)
class _Reply:
    json: Json
    round_trip_ms: float
    sent_at: float


class ExchangeClient:
    """Calls one site over one transport. Used as `async with ExchangeClient(…) as client`.

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
        self._wire = Wire(transport, timeout=timeout, proxied=proxied)

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._wire.__aexit__(kind, error, traceback)

    async def ping(self) -> Timing:
        """Call `GET /api/v3/ping`. It proves reachability, nothing about a key.

        Raises:
            ExchangeError: see `wizard.exchange.errors`.
        """
        reply = await self._call("/api/v3/ping")
        return Timing(reply.round_trip_ms)

    async def server_time(self) -> ServerTime:
        """Call `GET /api/v3/time`, asking for microseconds (CONFIRMED, rest-api.md).

        Raises:
            ExchangeError: see `wizard.exchange.errors`.
        """
        reply = await self._call("/api/v3/time", headers={"X-MBX-TIME-UNIT": "MICROSECOND"})
        return read_server_time(reply.json, reply.round_trip_ms, reply.sent_at)

    async def api_restrictions(self, credentials: Credentials) -> ApiRestrictions:
        """Call `GET /sapi/v1/account/apiRestrictions`, signed; weight 1. Sites without `/sapi` answer 404.

        Raises:
            ExchangeError: see `wizard.exchange.errors`.
            SigningKeyUnusable: the secret or private key cannot sign.
        """
        reply = await self._call("/sapi/v1/account/apiRestrictions", credentials=credentials)
        return read_api_restrictions(reply.json)

    async def account(self, credentials: Credentials) -> Account:
        """Call `GET /api/v3/account`, signed, without empty balances; weight 20.

        Raises:
            ExchangeError: see `wizard.exchange.errors`.
            SigningKeyUnusable: the secret or private key cannot sign.
        """
        reply = await self._call("/api/v3/account", {"omitZeroBalances": True}, credentials=credentials)
        return read_account(reply.json)

    async def _call(
        self,
        path: str,
        params: Mapping[str, Parameter] | None = None,
        *,
        credentials: Credentials | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _Reply:
        outcome = await self._attempt(path, params or {}, credentials, headers or {})
        if isinstance(outcome, ExchangeError):
            raise outcome
        return outcome

    async def _attempt(
        self,
        path: str,
        params: Mapping[str, Parameter],
        credentials: Credentials | None,
        headers: Mapping[str, str],
    ) -> _Reply | ExchangeError:
        """Send one request. A failure is returned, not raised: this frame knows the signed query."""
        if credentials and not _SENDABLE.fullmatch(credentials.api_key.reveal()):
            return ApiKeyUnsendable()
        sent_at, started = self._clock(), self._stopwatch()
        query = signed_query(credentials, _stamped(params, sent_at)) if credentials else rest_query(params)
        url = self._site.rest_url + path + (f"?{query}" if query else "")
        raw = await self._wire.get(url, {**headers, **_key_header(credentials)})
        if isinstance(raw, ExchangeError):
            return raw
        round_trip_ms = (self._stopwatch() - started) * 1000
        told = interpret(raw, _scrub(credentials, query))
        return told if isinstance(told, ExchangeError) else _Reply(told, round_trip_ms, sent_at)


def _stamped(params: Mapping[str, Parameter], now: float) -> Mapping[str, Parameter]:
    return {**params, "recvWindow": RECEIVE_WINDOW_MS, "timestamp": int(now * 1000)}


def _key_header(credentials: Credentials | None) -> Mapping[str, str]:
    return {"X-MBX-APIKEY": credentials.api_key.reveal()} if credentials else {}


def _scrub(credentials: Credentials | None, query: str) -> Scrub:
    """Return what takes the key and the signature of `query` out of an answer's text."""
    signature = query.rpartition("signature=")[2]

    def scrub(text: str) -> str:
        if credentials is None:
            return text
        for concealed in (credentials.api_key.reveal(), signature, unquote(signature)):
            text = text.replace(concealed, MASK)
        return text

    return scrub
