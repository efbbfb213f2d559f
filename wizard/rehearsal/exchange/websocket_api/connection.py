"""One connection to the WebSocket API: frames in, one answer each, in their order."""

from __future__ import annotations

import json
from contextlib import suppress

from starlette.responses import JSONResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from wizard.rehearsal.exchange.refusals import BANNED, Refused, Surface
from wizard.rehearsal.exchange.state import State
from wizard.rehearsal.exchange.websocket_api.answering import (
    PATH,
    Answer,
    answer,
    canned_answer,
    path_of,
    shows_rate_limits,
)
from wizard.rehearsal.exchange.websocket_api.frames import Request, read_request
from wizard.rehearsal.exchange.websocket_api.session import Session

CONNECTION_WEIGHT = 2
POLICY_VIOLATION = 1008


def routes(state: State) -> list[WebSocketRoute]:
    """Return the route of the WebSocket API."""

    async def serve(socket: WebSocket) -> None:
        try:
            state.meter.charge(_ip(state, socket), CONNECTION_WEIGHT)
        except Refused as refused:
            status, body = refused.answer(Surface.WEBSOCKET_API, _ip(state, socket))
            await socket.send_denial_response(JSONResponse(body, status, refused.headers))
            return
        await socket.accept()
        with suppress(WebSocketDisconnect):
            await _converse(state, _session(state, socket), socket)

    return [WebSocketRoute(PATH, serve)]


def _session(state: State, socket: WebSocket) -> Session:
    return Session(
        connected_since=state.server_time(),
        returns_rate_limits=socket.query_params.get("returnRateLimits", "true").lower() != "false",
        time_unit=socket.query_params.get("timeUnit", ""),
    )


def _ip(state: State, socket: WebSocket) -> str:
    """Looked up for each request, as on REST: the NAT table may have been replaced while the connection was open."""
    return state.public_address(socket.client.host if socket.client else "")


async def _converse(state: State, session: Session, socket: WebSocket) -> None:
    while (message := await socket.receive())["type"] == "websocket.receive":
        request = read_request(message.get("text"))
        answered = await _answered(state, session, socket, request)
        limits = state.meter.rate_limits(_ip(state, socket)) if shows_rate_limits(session, request) else None
        await socket.send_text(json.dumps(answered.frame(request, limits)))
        if answered.status == BANNED.status:
            await socket.close(POLICY_VIOLATION)  # "an automated IP ban and you will be disconnected"
            return


async def _answered(state: State, session: Session, socket: WebSocket, request: Request) -> Answer:
    await state.faults.slow_down()
    canned = state.take_canned(path_of(request))
    return canned_answer(canned) if canned else answer(state, session, _ip(state, socket), request)
