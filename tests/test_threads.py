"""What a silent name server holds up, and what it does not."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import pytest

from wizard.threads import leaving_lookups_behind


def test_a_lookup_that_never_ends_does_not_hold_up_the_end_of_the_program() -> None:
    never = threading.Event()

    async def look_up() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(None, never.wait, 20), 0.05)

    begun = time.monotonic()
    asyncio.run(leaving_lookups_behind(look_up()))
    took = time.monotonic() - begun
    never.set()
    assert took < 10


def test_a_lookup_gives_its_result_or_its_error() -> None:
    def fail() -> None:
        raise OSError("no such name")

    async def look_up() -> int:
        loop = asyncio.get_running_loop()
        with pytest.raises(OSError, match="no such name"):
            await loop.run_in_executor(None, fail)
        return await loop.run_in_executor(None, max, 1, 2)

    assert asyncio.run(leaving_lookups_behind(look_up())) == 2
