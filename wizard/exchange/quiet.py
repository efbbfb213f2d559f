"""The HTTP and WebSocket libraries' own loggers, switched off.

httpx logs whole URLs, httpcore proxy log-ins, websockets every frame.

A signed URL in a log is a secret for as long as its time window lasts, and a list of keys' uses
after that. Switched off for the process and never on again, whatever level somebody sets.
"""

from __future__ import annotations

import logging

_NAMES = (
    "httpx",
    "httpcore",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
    "websockets",
    "websockets.client",
)


def silence_http_libraries() -> None:
    """Let these libraries log nothing. Calling it again changes nothing."""
    for name in _NAMES:
        logging.getLogger(name).disabled = True
