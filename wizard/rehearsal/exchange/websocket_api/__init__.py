"""The WebSocket API, `/ws-api/v3`: requests and answers as JSON frames, over one connection with one session."""

from wizard.rehearsal.exchange.websocket_api.connection import routes

__all__ = ["routes"]
