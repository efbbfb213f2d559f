"""The session bus behind one deadline for all calls together."""

from __future__ import annotations

import time
from typing import Any

from jeepney import DBusAddress, HeaderFields, MessageType, new_method_call  # type: ignore[import-untyped]
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

from wizard.custody.worker.failures import Refusal


class Bus:
    """A connection to the session bus.

    Args:
        patience: Seconds for all calls together.

    Raises:
        OSError: nobody listens at the address, or nobody answers (`TimeoutError`).
        AuthenticationError: a bus is there and does not let this user in.
        ValueError, RuntimeError: the address is of a kind that jeepney cannot use.
    """

    def __init__(self, patience: float) -> None:
        self._expires = time.monotonic() + patience
        self._connection = open_dbus_connection("SESSION", auth_timeout=min(patience, 1.0))

    def __enter__(self) -> Bus:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def call(self, address: DBusAddress, method: str, signature: str | None = None, *body: object) -> tuple[Any, ...]:
        """Return the body of the reply.

        Raises:
            Refusal: the reply is an error.
            TimeoutError: the deadline passed.
            OSError: the bus went away.
        """
        message = new_method_call(address, method, signature, body)
        reply = self._connection.send_and_get_reply(message, timeout=max(0.0, self._expires - time.monotonic()))
        if reply.header.message_type is MessageType.error:
            raise Refusal(str(reply.header.fields.get(HeaderFields.error_name, "")))
        return tuple(reply.body)

    def try_call(
        self, address: DBusAddress, method: str, signature: str | None = None, *body: object
    ) -> tuple[Any, ...] | None:
        """Return the body of the reply, or None where there was none in time."""
        try:
            return self.call(address, method, signature, *body)
        except (OSError, Refusal):
            return None
