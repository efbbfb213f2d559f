"""A WebSocket client of the embedded exchange that signs by itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from embedded_client import NOW, Signer
from websockets.asyncio.client import ClientConnection, connect

from wizard.rehearsal.simulator import Addresses

API = "/ws-api/v3"
PATIENCE = 20
Answer = dict[str, Any]


def signed(signer: Signer, *, at: float = NOW, **params: object) -> dict[str, object]:
    """Parameters with the key and the signature, as the documentation describes them."""
    params = {"apiKey": signer.api_key, "timestamp": round(at * 1000), **params}
    written = {name: str(value).lower() if isinstance(value, bool) else value for name, value in params.items()}
    payload = "&".join(f"{name}={value}" for name, value in sorted(written.items()))
    return {**params, "signature": signer.sign(payload.encode())}


@dataclass(frozen=True)
class Line:
    """One connection."""

    socket: ClientConnection

    async def ask(self, method: str, params: object = None, *, request_id: object = 1) -> Answer:
        frame = {"id": request_id, "method": method, **({} if params is None else {"params": params})}
        return await self.raw(json.dumps(frame))

    async def raw(self, frame: str | bytes) -> Answer:
        await self.socket.send(frame)
        return await self.next()

    async def next(self) -> Answer:
        answer: Answer = json.loads(await self.socket.recv())
        return answer

    async def log_on(self, signer: Signer) -> None:
        answer = await self.ask("session.logon", signed(signer))
        assert answer["status"] == 200, answer


@asynccontextmanager
async def line(addresses: Addresses, path: str = API, *, local: str = "127.0.0.1") -> AsyncIterator[Line]:
    async with connect(
        addresses.ws_url + path, proxy=None, local_addr=(local, 0), open_timeout=PATIENCE, ping_interval=None
    ) as socket:
        yield Line(socket)


def refusal(answer: Answer) -> tuple[int, int]:
    """The status and the code of an answer that says no."""
    return answer["status"], answer["error"]["code"]


def used(answer: Answer) -> int:
    (limit,) = answer["rateLimits"]
    assert (limit["rateLimitType"], limit["interval"], limit["intervalNum"]) == ("REQUEST_WEIGHT", "MINUTE", 1)
    assert limit["limit"] == 6000
    count: int = limit["count"]
    return count
