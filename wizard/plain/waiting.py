"""A wait that ends at the limit that was announced."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from wizard.core.clock import duration
from wizard.core.errors import WizardError

Result = TypeVar("Result")


class TookTooLong(WizardError):
    """A wait was ended by the limit that was announced."""


async def limited(work: Callable[[], Awaitable[Result]], at_most: float) -> Result:
    """Do the work within `at_most` seconds.

    Raises:
        TookTooLong: the limit was reached; the work was cancelled.
    """
    try:
        async with asyncio.timeout(at_most) as limit:
            return await work()
    except TimeoutError:
        if not limit.expired():
            raise
    raise TookTooLong("This took longer than it may", why=f"It was given {duration(at_most)}.", advice="Try again.")
