"""Who may make a signed call: the checks, one after the other.

The order in which Binance checks is UNKNOWN (docs/binance.md). This one is a choice: an
unknown key is told so whatever its signature, and a caller from elsewhere learns nothing of the
clock or the signature. No client should depend on it.

The timestamp rule: `timestamp < serverTime + 1s && serverTime - timestamp <= recvWindow`.

CONFIRMED, binance-spot-api-docs rest-api.md, timing security. Everything is counted in whole
microseconds, because timestamps may be given in them.
"""

from __future__ import annotations

import re
from decimal import Decimal
from ipaddress import ip_address

from wizard.rehearsal.simulator import refusals
from wizard.rehearsal.simulator.calls import SIGNATURE, Call, Parameters
from wizard.rehearsal.simulator.keys import KEY_LENGTH, ApiKey
from wizard.rehearsal.simulator.refusals import RequestError, Surface
from wizard.rehearsal.simulator.state import ExchangeState

_KEY_SHAPE = re.compile(rf"[A-Za-z0-9]{{{KEY_LENGTH}}}")
DEFAULT_WINDOW = "5000"
MAX_WINDOW = 60_000
AHEAD_LIMIT = 1_000_000
FIRST_MICROSECOND_TIMESTAMP = 10**14
"""From here on a timestamp counts microseconds: as milliseconds it would be the year 5138."""
_TIMESTAMP = "^[0-9]{1,20}$"
_WINDOW = r"^[0-9]{1,10}(\.[0-9]{1,3})?$"
"""Milliseconds, up to three decimals (CONFIRMED). The pattern that the exchange itself shows is UNKNOWN."""


def check_timing(parameters: Parameters, server_time: int) -> None:
    """Return when the request is in time, or raise RequestError; `server_time` is in microseconds since 1970."""
    window = _window(parameters)
    timestamp = _timestamp(parameters)
    if timestamp >= server_time + AHEAD_LIMIT:
        raise RequestError(refusals.AHEAD_OF_SERVER)
    if server_time - timestamp > window:
        raise RequestError(refusals.OUTSIDE_WINDOW)


def _timestamp(parameters: Parameters) -> int:
    text = parameters.get("timestamp")
    if not text:
        raise RequestError(refusals.MISSING, "timestamp")
    if not re.fullmatch(_TIMESTAMP, text):
        raise RequestError(refusals.ILLEGAL_CHARACTERS, "timestamp", _TIMESTAMP)
    number = int(text)
    return number if number >= FIRST_MICROSECOND_TIMESTAMP else number * 1000


def _window(parameters: Parameters) -> Decimal:
    text = parameters.values.get("recvWindow", DEFAULT_WINDOW)
    if not text:
        raise RequestError(refusals.EMPTY, "recvWindow")
    if not re.fullmatch(_WINDOW, text):
        raise RequestError(refusals.ILLEGAL_CHARACTERS, "recvWindow", _WINDOW)
    window = Decimal(text)
    if window > MAX_WINDOW:
        raise RequestError(refusals.BAD_WINDOW)
    return window * 1000


def admit(state: ExchangeState, call: Call, permission: str) -> ApiKey:
    """Return the key that made this call, or raise RequestError at the first check that fails."""
    key = usable_key(state, call)
    if call.parameters.is_ambiguous:
        raise RequestError(refusals.DUPLICATE_VALUES)
    check_timing(call.parameters, state.server_time())
    if not call.is_logged_on:
        _check_signature(key, call)
    if permission not in key.permissions:
        raise RequestError(refusals.KEY_REJECTED)
    return key


def usable_key(state: ExchangeState, call: Call) -> ApiKey:
    """Return the key that the call names, or raise RequestError: it may not be used, or not from this address."""
    key = _known_key(state, call)
    if not key.lets_in(ip_address(call.ip), state.clock()):
        raise RequestError(refusals.KEY_REJECTED)
    return key


def _known_key(state: ExchangeState, call: Call) -> ApiKey:
    if not _KEY_SHAPE.fullmatch(call.api_key):
        raise RequestError(refusals.KEY_MALFORMED)
    key = state.keys.get(call.api_key)
    if key is None or not key.works_from <= state.clock() < key.works_until:
        is_named = call.surface is Surface.SAPI and not state.faults.sub_accounts.hides_unknown
        raise RequestError(refusals.KEY_UNKNOWN if is_named else refusals.KEY_REJECTED)
    if not key.enabled:
        raise RequestError(refusals.KEY_REJECTED)
    return key


def _check_signature(key: ApiKey, call: Call) -> None:
    signature, payload = call.parameters.get(SIGNATURE), call.parameters.payload
    if not signature:
        raise RequestError(refusals.MISSING, SIGNATURE)
    # Since 2026-01-15 REST payloads are percent-encoded before they are signed, so they are ASCII (CHANGELOG).
    # Those of the WebSocket API are not encoded (web-socket-api.md).
    is_encoded = call.surface is Surface.WEBSOCKET_API or payload.isascii()
    if not is_encoded or not key.verifier(payload, signature):
        raise RequestError(refusals.BAD_SIGNATURE)
