"""Does this store keep what it is given? Tried with a throw-away value, before anything matters."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from wizard.custody import confirmed
from wizard.custody.errors import CustodyError
from wizard.custody.item import USER
from wizard.custody.store import Store
from wizard.secret import Secret

_TIDYING: Final = 1.0
"""Seconds after which a canary that was interrupted is left where it is: it is worth nothing to anybody."""


@dataclass(frozen=True, slots=True)
class CanaryResult:
    """A throw-away value was written, read back, compared, deleted and seen to be gone."""

    label: str
    """The store, in words."""
    durable: bool
    """Whether what is stored there outlives this program. The canary does not test that."""
    seconds: float
    """How long all of it took."""


async def canary(store: Store) -> CanaryResult:
    """Write a random value, read it back, compare, delete it, and see that it is gone.

    Raises:
        CustodyError: one of these failed; the value is removed as far as that is possible.
    """
    started = time.monotonic()
    service, value = f"key-wizard:canary:{secrets.token_hex(8)}", Secret(secrets.token_hex(128))
    try:
        async with store.turn():  # it too must be possible before anything matters
            await confirmed.write(store, service, USER, value)
            await confirmed.delete(store, service, USER)
    except BaseException:
        await _tidy_up(store, service)
        raise
    return CanaryResult(store.label, store.durable, time.monotonic() - started)


async def _tidy_up(store: Store, service: str) -> None:
    with suppress(CustodyError, TimeoutError):
        async with asyncio.timeout(_TIDYING):
            await store.delete(service, USER)
