"""Market streams: public, without any key, so they prove nothing about one."""

from wizard.rehearsal.exchange.streams.connection import routes

__all__ = ["routes"]
