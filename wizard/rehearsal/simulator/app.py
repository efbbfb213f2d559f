"""One embedded exchange: its state and the ASGI application that serves it."""

from __future__ import annotations

import time

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from wizard.core.clock import Clock
from wizard.rehearsal.scenarios import PASSES_AFTER, SMOOTH, Scenario
from wizard.rehearsal.simulator import market_streams, page, public, signed, websocket_api
from wizard.rehearsal.simulator.calls import caller
from wizard.rehearsal.simulator.faults import CannedAnswer, ScenarioFaults
from wizard.rehearsal.simulator.keys import KeyGenerator
from wizard.rehearsal.simulator.refusals import UNKNOWN_ERROR
from wizard.rehearsal.simulator.state import ExchangeState
from wizard.rehearsal.simulator.weights import USED_WEIGHT_HEADER


class EmbeddedExchange:
    """An exchange with its own keys, addresses, faults and log.

    Args:
        clock: The true time; the exchange's own may be set wrong with a fault.
        seed: Makes API keys and secrets the same in every run; None makes them unguessable.
        max_entries: How many entries a whitelist may have.
        scenario: What will go wrong, if anything.
        passes_after: Seconds until a fault of the scenario that passes by itself is over.
    """

    def __init__(
        self,
        *,
        clock: Clock = time.time,
        seed: int | None = None,
        max_entries: int = 20,
        scenario: Scenario = SMOOTH,
        passes_after: float = PASSES_AFTER,
    ) -> None:
        self.state = ExchangeState(clock, KeyGenerator(seed), max_entries, ScenarioFaults(scenario, passes_after))
        self.app: ASGIApp = _FaultInjector(_surfaces(self.state), self.state)


class _FaultInjector:
    """Stands between the callers and the surfaces and makes what goes wrong there go wrong."""

    def __init__(self, app: ASGIApp, state: ExchangeState) -> None:
        self._app = app
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"].startswith(page.PREFIX + "/"):
            return await self._app(scope, receive, send)
        await self._state.faults.slow_down()
        canned = self._state.take_canned(scope["path"])
        return await (self._canned(canned, scope) if canned else self._app)(scope, receive, send)

    def _canned(self, canned: CannedAnswer, scope: Scope) -> Response:
        response = canned.response()
        source = (scope["client"] or ("",))[0]
        response.headers.setdefault(USED_WEIGHT_HEADER, str(self._state.meter.used(self._state.public_address(source))))
        return response


def _surfaces(state: ExchangeState) -> ASGIApp:
    endpoints = (*public.ENDPOINTS, *signed.ENDPOINTS)
    routes = [
        *(endpoint.route(state) for endpoint in endpoints),
        *public.routes(state),
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

    app = Starlette(routes=routes, exception_handlers={HTTPException: not_served, Exception: broken})
    app.router.redirect_slashes = False
    return app
