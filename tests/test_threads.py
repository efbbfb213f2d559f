"""What blocks for ever does not hold up the wizard."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading

import pytest

from wizard.core.threads import in_daemon_thread, run_async


def test_a_lookup_that_never_ends_does_not_hold_up_the_end_of_the_program() -> None:
    never, ended = threading.Event(), threading.Event()

    def wait() -> None:
        never.wait(20)
        ended.set()

    async def look_up() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(None, wait), 0.05)

    run_async(look_up())
    assert not ended.is_set()
    never.set()


def test_a_lookup_gives_its_result_or_its_error() -> None:
    def fail() -> None:
        raise OSError("no such name")

    async def look_up() -> int:
        loop = asyncio.get_running_loop()
        with pytest.raises(OSError, match="no such name"):
            await loop.run_in_executor(None, fail)
        return await loop.run_in_executor(None, max, 1, 2)

    assert run_async(look_up()) == 2


async def test_the_result_and_the_error_come_back() -> None:
    assert await in_daemon_thread(lambda: threading.current_thread().daemon, 5)

    def fail() -> None:
        raise OSError("nothing")

    with pytest.raises(OSError):
        await in_daemon_thread(fail, 5)


async def test_it_is_given_up_at_its_deadline() -> None:
    never = threading.Event()
    with pytest.raises(TimeoutError):
        await in_daemon_thread(never.wait, 0.05)
    never.set()


def test_the_program_ends_although_the_work_does_not() -> None:
    code = (
        "import asyncio, threading\n"
        "from wizard.core.threads import in_daemon_thread\n"
        "try: asyncio.run(in_daemon_thread(threading.Event().wait, 0.05))\n"
        "except TimeoutError: print('given up')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    assert ended.stdout == "given up\n"
