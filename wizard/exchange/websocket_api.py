"""What is said to the exchange over a WebSocket: one conversation with its API, one look at a market stream.

Signed frames hold the API key and a signature. A failure is returned, not raised, as in `wire`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from wizard.core.clock import Clock
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import WizardError
from wizard.exchange.answers import Json, interpret_message
from wizard.exchange.errors import AnswerUnreadable, ExchangeError, Flaw
from wizard.exchange.requests import scrubbing, stamped
from wizard.exchange.signing import Parameter, SigningKeyUnusable, sign, websocket_payload
from wizard.exchange.websocket import WebSocket

OTHER_MESSAGES = 100
"""So many messages about something else are passed over before an answer is given up."""


class Conversation:
    """Proves one key on the WebSocket API: `session.logon` where its kind can, then a signed `account.status`.

    Args:
        credentials: What is proven.
        clock: This host's clock.
    """

    def __init__(self, credentials: Credentials, clock: Clock) -> None:
        self._credentials = credentials
        self._clock = clock

    @property
    def can_log_on(self) -> bool:
        """Whether the kind of key can: "Only Ed25519 keys are supported for this feature" (web-socket-api.md)."""
        return self._credentials.kind is KeyKind.ED25519

    async def hold(self, websocket: WebSocket) -> Json | WizardError:
        """Return what `account.status` told, or the first failure."""
        if self.can_log_on:
            told = await self._ask(websocket, "session.logon", {})
            if isinstance(told, WizardError):
                return told
        return await self._ask(websocket, "account.status", {"omitZeroBalances": True})

    async def _ask(self, websocket: WebSocket, method: str, params: Mapping[str, Parameter]) -> Json | WizardError:
        signed: dict[str, Parameter] = {
            **stamped(params, self._clock()),
            "apiKey": self._credentials.api_key.reveal(),
        }
        try:
            signature = sign(self._credentials, websocket_payload(signed))
        except SigningKeyUnusable as unusable:
            # Its traceback would hold this frame, and with it the API key.
            return unusable.with_traceback(None)
        scrub = scrubbing(self._credentials, signature)
        frame = {"id": method, "method": method, "params": {**signed, "signature": signature}}
        await websocket.send(json.dumps(frame, ensure_ascii=False))
        for _ in range(OTHER_MESSAGES):
            told = interpret_message(await websocket.receive(), method, scrub, self._clock())
            if told is not None:
                return told
        return AnswerUnreadable(Flaw.SHAPE, detail="id")


async def first_word(websocket: WebSocket) -> ExchangeError | None:
    """Wait for one message of a market stream; return None when it came.

    A quiet market says nothing for minutes, so the server is asked for something as well:
    `LIST_SUBSCRIPTIONS` (CONFIRMED, web-socket-streams.md).
    """
    await websocket.send('{"method": "LIST_SUBSCRIPTIONS", "id": 1}')
    try:
        told = json.loads(await websocket.receive())
    except (ValueError, RecursionError):
        return AnswerUnreadable(Flaw.NOT_JSON)
    is_known = isinstance(told, dict) and (told.get("id") == 1 or "s" in told)
    return None if is_known else AnswerUnreadable(Flaw.SHAPE)
