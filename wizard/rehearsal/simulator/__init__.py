"""The embedded exchange: a real HTTP and WebSocket server on loopback that behaves as Binance does where it matters.

Each surface is a module of routes: `rest`, `websocket_api`, `market_streams`, `page`; `server` puts
them together. `authentication` judges key, address, timing, signature and permission for REST and WebSocket alike.
It shares no code with the client that it judges, so that one mistake cannot hide in both.
"""

from __future__ import annotations

from wizard.core.errors import WizardError

try:
    from wizard.rehearsal.simulator.server import Addresses, EmbeddedExchange, serve
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn"):
        raise
    raise WizardError(
        "The embedded exchange is not installed",
        why=f"The package {error.name} is missing; it comes with the extra called rehearsal.",
        advice="Install it: pip install 'key-wizard[rehearsal]'.",
        code="rehearsal.not-installed",
    ) from None

__all__ = ["Addresses", "EmbeddedExchange", "serve"]
