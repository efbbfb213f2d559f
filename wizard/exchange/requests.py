"""What every signed request has, over REST and over the WebSocket API alike. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from wizard.core.credentials import Credentials
from wizard.core.secret import MASK
from wizard.exchange.answers import Scrub
from wizard.exchange.signing import Parameter

RECEIVE_WINDOW_MS = 5000
"""The exchange's default: a longer one would hide a wrong clock (CONFIRMED, rest-api.md)."""

_SENDABLE = re.compile(r"[!-~]{1,512}")


def is_sendable(credentials: Credentials) -> bool:
    """Return whether an HTTP header can carry the API key."""
    return _SENDABLE.fullmatch(credentials.api_key.reveal()) is not None


def stamped(params: Mapping[str, Parameter], now: float) -> dict[str, Parameter]:
    """Return the parameters with the time at which they are sent, `now` in seconds since 1970."""
    return {**params, "recvWindow": RECEIVE_WINDOW_MS, "timestamp": int(now * 1000)}


def scrubbing(credentials: Credentials | None, signature: str) -> Scrub:
    """Return what takes the key and the signature of a request out of an answer's text."""

    def scrub(text: str) -> str:
        if credentials is None:
            return text
        for concealed in (credentials.api_key.reveal(), signature, unquote(signature)):
            text = text.replace(concealed, MASK)
        return text

    return scrub
