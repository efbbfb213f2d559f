"""What blocks for ever does not keep the wizard."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from wizard.intake.aside import aside
from wizard.intake.sources import NoKeyThere


async def test_the_result_and_the_error_come_back() -> None:
    assert await aside(lambda: threading.current_thread().daemon, 5)

    def fail() -> None:
        raise NoKeyThere("nothing")

    with pytest.raises(NoKeyThere):
        await aside(fail, 5)


async def test_it_is_given_up_at_its_deadline() -> None:
    never = threading.Event()
    with pytest.raises(TimeoutError):
        await aside(never.wait, 0.05)
    never.set()


def test_the_program_ends_although_the_work_does_not() -> None:
    code = (
        "import asyncio, threading\n"
        "from wizard.intake.aside import aside\n"
        "try: asyncio.run(aside(threading.Event().wait, 0.05))\n"
        "except TimeoutError: print('given up')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    assert ended.stdout == "given up\n"
