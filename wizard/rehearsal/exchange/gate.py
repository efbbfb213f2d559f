"""Who may make a signed call: the checks, one after the other.

The order in which Binance checks is UNKNOWN (facts/binance.md section 10). This one is a choice: an
unknown key is told so whatever its signature, and a caller from elsewhere learns nothing of the
clock or the signature. No client should depend on it.
"""

from __future__ import annotations

import re

from wizard.rehearsal.exchange.calls import Answer, Call
from wizard.rehearsal.exchange.keys import KEY_LENGTH, ApiKey
from wizard.rehearsal.exchange.parameters import SIGNATURE
from wizard.rehearsal.exchange.refusals import (
    BAD_SIGNATURE,
    DUPLICATE_VALUES,
    KEY_MALFORMED,
    KEY_REJECTED,
    KEY_UNKNOWN,
    MISSING,
    Refused,
    Surface,
)
from wizard.rehearsal.exchange.state import State
from wizard.rehearsal.exchange.timing import check_timing

_KEY_SHAPE = re.compile(rf"[A-Za-z0-9]{{{KEY_LENGTH}}}")


def signed(permission: str, answer: Answer) -> Answer:
    """Return `answer` behind the gate: it is only reached by keys that have `permission`."""

    def guarded(state: State, call: Call) -> object:
        admit(state, call, permission)
        return answer(state, call)

    return guarded


def admit(state: State, call: Call, permission: str) -> ApiKey:
    """Return the key that made this call.

    Raises:
        Refused: at the first check that fails.
    """
    key = usable_key(state, call)
    if call.parameters.is_ambiguous:
        raise Refused(DUPLICATE_VALUES)
    check_timing(call.parameters, state.server_time())
    if not call.is_logged_on:
        _check_signature(key, call)
    if permission not in key.permissions:
        raise Refused(KEY_REJECTED)
    return key


def usable_key(state: State, call: Call) -> ApiKey:
    """Return the key that the call names, if it may be used from where the call comes from.

    Raises:
        Refused: it is malformed, unknown, disabled, or not allowed from this address.
    """
    key = _known_key(state, call)
    if not state.lets_in(key, call.ip):
        raise Refused(KEY_REJECTED)
    return key


def _known_key(state: State, call: Call) -> ApiKey:
    if not _KEY_SHAPE.fullmatch(call.api_key):
        raise Refused(KEY_MALFORMED)
    key = state.keys.get(call.api_key)
    if key is None:
        raise Refused(KEY_UNKNOWN if call.surface is Surface.SAPI else KEY_REJECTED)
    if not key.enabled:
        raise Refused(KEY_REJECTED)
    return key


def _check_signature(key: ApiKey, call: Call) -> None:
    signature, payload = call.parameters.get(SIGNATURE), call.parameters.payload
    if not signature:
        raise Refused(MISSING, SIGNATURE)
    # Since 2026-01-15 REST payloads are percent-encoded before they are signed, so they are ASCII (CHANGELOG).
    # Those of the WebSocket API are not encoded (web-socket-api.md).
    is_encoded = call.surface is Surface.WEBSOCKET_API or payload.isascii()
    if not is_encoded or not key.verifier.verify(payload, signature):
        raise Refused(BAD_SIGNATURE)
