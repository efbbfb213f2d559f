"""Echo services: they tell a caller its public address, each in the shape of a real one."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from wizard.rehearsal.exchange.calls import caller
from wizard.rehearsal.exchange.state import State


def routes(state: State) -> list[Route]:
    """Return the routes of the three services."""

    async def plain(request: Request) -> Response:
        return PlainTextResponse(caller(request, state) + "\n")

    async def json(request: Request) -> Response:
        return JSONResponse({"ip": caller(request, state)})

    async def trace(request: Request) -> Response:
        return PlainTextResponse(_trace(request, caller(request, state), state.clock()))

    return [Route("/echo/plain", plain), Route("/echo/json", json), Route("/echo/trace", trace)]


def _trace(request: Request, ip: str, now: float) -> str:
    fields = {
        "fl": "1f1",
        "h": request.url.hostname or "",
        "ip": ip,
        "ts": f"{now:.3f}",
        "visit_scheme": "http",
        "uag": request.headers.get("User-Agent", ""),
        "colo": "ZRH",
        "sliver": "none",
        "http": "http/1.1",
        "loc": "XX",
        "tls": "off",
        "sni": "off",
        "warp": "off",
        "gateway": "off",
        "rbi": "off",
        "kex": "none",
    }
    return "".join(f"{name}={value}\n" for name, value in fields.items())
