"""One embedded exchange: its state, the ASGI application that serves it, and a server of it on loopback."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wizard.core.clock import Clock
from wizard.core.errors import Exit, WizardError
from wizard.rehearsal.scenarios import PASSES_AFTER, SMOOTH, Scenario
from wizard.rehearsal.simulator import market_streams, page, rest, sub_accounts, websocket_api
from wizard.rehearsal.simulator.calls import KEY_HEADER, caller
from wizard.rehearsal.simulator.faults import NOTHING, RESULT, THIS, CannedAnswer
from wizard.rehearsal.simulator.keys import KeyGenerator
from wizard.rehearsal.simulator.refusals import UNKNOWN_ERROR, PageError
from wizard.rehearsal.simulator.state import USED_WEIGHT_HEADER, ExchangeState

HOST = "127.0.0.1"
MAX_MESSAGE = 64 * 1024
"""Bytes in one WebSocket message; a longer one ends its connection. Binance's own limit is UNKNOWN."""
STOP_LIMIT = 1.0
"""Seconds that answers under way get to finish when the server stops."""


class EmbeddedExchange:
    """An exchange with its own keys, addresses, faults and log.

    `clock` is the true time. A `seed` makes the same keys in every run, without one nobody can guess them. Faults of
    the scenario that pass by themselves do so after `passes_after` seconds.
    """

    def __init__(
        self,
        *,
        clock: Clock = time.time,
        seed: int | None = None,
        scenario: Scenario = SMOOTH,
        passes_after: float = PASSES_AFTER,
    ) -> None:
        self.state = ExchangeState(clock, KeyGenerator(seed), scenario, passes_after)
        self._surfaces = _surfaces(self.state)
        self._under_way = 0
        self._last = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or one connection. Faults stand between the callers and all but the simulated page."""
        self._under_way += 1
        try:
            app: ASGIApp = self._surfaces
            if scope["type"] in ("http", "websocket") and not scope["path"].startswith(page.PREFIX + "/"):
                await self.state.faults.slow_down()
                if canned := self.state.take_canned(scope["path"], scope.get("method", "")):
                    app = partial(self._answer_planted, canned)
            await app(scope, receive, send)
        finally:
            self._under_way -= 1
            self._last = time.monotonic()

    async def _answer_planted(self, canned: CannedAnswer, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry a request out as often as a fault says, then send what it says."""
        ip, results = self.state.public_address((scope["client"] or ("",))[0]), []
        if canned.carried_out and scope["type"] == "http":
            body = await Request(scope, receive).body()
            results = [await _carry_out(self._surfaces, scope, body) for _ in range(canned.carried_out)]
        elif sub_accounts.PREFIX in scope["path"]:
            status = canned.status if canned.sends == THIS else 0
            code = canned.body.get("code", 0) if isinstance(canned.body, dict) else UNKNOWN_ERROR.code
            api_key = Headers(scope=scope).get(KEY_HEADER, "")
            self.state.write_log(api_key, ip, scope["path"], status, code, method=scope.get("method", ""))
        if canned.sends == THIS:
            answer = canned.response()
            answer.headers.setdefault(USED_WEIGHT_HEADER, str(self.state.meter.used(ip)))
            await answer(scope, receive, send)
        elif canned.sends == RESULT:
            for message in results[0] if results else ():
                await send(message)
        else:
            for connection in scope["state"]["connections"] if canned.sends == NOTHING else ():
                if connection.client == scope["client"]:
                    connection.transport.close()
            while not (await receive())["type"].endswith(".disconnect"):
                pass

    def idle_seconds(self) -> float:
        """Return how long ago the last request or connection ended; 0 while one is under way."""
        return 0.0 if self._under_way else time.monotonic() - self._last


async def _carry_out(app: ASGIApp, scope: Scope, body: bytes) -> list[Message]:
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(dict(scope), receive, keep)
    return messages


def _surfaces(state: ExchangeState) -> ASGIApp:
    routes = [
        *(endpoint.route(state) for endpoint in (*rest.ENDPOINTS, *sub_accounts.ENDPOINTS)),
        *rest.routes(state),
        *page.routes(state),
        *websocket_api.routes(state),
        *market_streams.routes(state),
    ]

    async def not_served(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        headers = {USED_WEIGHT_HEADER: str(state.meter.used(caller(request, state)))}
        return JSONResponse({"msg": "There is nothing at this path for this method."}, status, headers)

    async def broken(_request: Request, _error: Exception) -> Response:
        return JSONResponse({"code": UNKNOWN_ERROR.code, "msg": UNKNOWN_ERROR.text}, UNKNOWN_ERROR.status)

    async def refused(_request: Request, error: Exception) -> Response:
        return JSONResponse({"msg": str(error)}, error.status if isinstance(error, PageError) else 400)

    handlers = {HTTPException: not_served, PageError: refused, Exception: broken}
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a served exchange is found."""

    base_url: str
    """The REST surfaces and the echo services; without a slash at the end."""
    ws_url: str
    """The same server for WebSockets."""
    desk_url: str


@asynccontextmanager
async def serve(app: ASGIApp, port: int = 0) -> AsyncIterator[Addresses]:
    """Serve an exchange, or what stands in front of one, as long as the block runs; port 0 takes a free one.

    It answers from the first line of the block on. Signal handlers, logging configuration and proxy headers stay
    untouched. Leaving the block closes idle connections at once and gives answers under way one second.
    """
    with listen(port) as listener:
        server = await _start(app, listener)
        try:
            place = f"{HOST}:{listener.getsockname()[1]}"
            yield Addresses(f"http://{place}", f"ws://{place}", f"http://{place}/desk")
        finally:
            await _stop(server)


def listen(port: int) -> socket.socket:
    """Return a listening loopback socket, or raise WizardError: the port is in use or not allowed."""
    # asyncio sets TCP_NODELAY only where the protocol is named; without it an answer takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two programs share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = error.strerror if isinstance(error, OSError) else "A port is a number from 0 to 65535"
        refused = WizardError(
            f"The embedded exchange cannot listen on {HOST}:{port}",
            why="Another program uses this port." if in_use else f"{reason}.",
            advice="Choose another port, or 0 to take any that is free.",
            code="exchange.port",
        )
        refused.exit_code = Exit.INCONCLUSIVE
        raise refused from None
    return listener


async def _start(app: ASGIApp, listener: socket.socket) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http="h11",
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE,
        ws_ping_interval=20,  # documented, as is the minute to answer in (web-socket-api.md)
        ws_ping_timeout=60,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,  # uvicorn trusts X-Forwarded-For from 127.0.0.1 otherwise
        server_header=False,
        date_header=False,  # it would tell the true time in spite of a clock fault
        timeout_keep_alive=60,
    )
    config.load()
    server = uvicorn.Server(config)
    # Server.serve() would also take over the signals of the process and poll ten times a second.
    server.lifespan = config.lifespan_class(config)
    # Each request finds this in its scope: a lost answer is a connection that is closed.
    server.lifespan.state["connections"] = server.server_state.connections
    await server.startup(sockets=[listener])
    return server


async def _stop(server: uvicorn.Server) -> None:
    # Server.shutdown() does the same with polling, a tenth of a second at a time.
    for listening in server.servers:
        listening.close()
    for connection in tuple(server.server_state.connections):
        connection.shutdown()
    answers = set(server.server_state.tasks)
    late = (await asyncio.wait(answers, timeout=STOP_LIMIT))[1] if answers else set()
    for answer in late:
        answer.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    await asyncio.sleep(0)  # closed connections take their leave in the next turn of the loop
    for connection in tuple(server.server_state.connections):
        connection.transport.abort()
