"""The embedded exchange as a process of its own, so that a rehearsal survives the wizard's death.

Like the real exchange it goes on while the wizard is closed or killed; unlike the real one it ends
by itself when nobody has asked it anything for half an hour.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from wizard.core import files
from wizard.core.errors import FileError, WizardError
from wizard.rehearsal.scenarios import PASSES_AFTER, SMOOTH, Scenario
from wizard.rehearsal.simulated_page import open_client

IDLE_LIMIT = 1800
START_DEADLINE = 15.0
PING_DEADLINE = 2.0
_LARGEST_NOTE = 4096


@dataclass(frozen=True, slots=True)
class ExchangeProcess:
    """A running embedded exchange."""

    pid: int
    port: int
    """On 127.0.0.1."""
    scenario: str = SMOOTH.name
    """The name of what goes wrong in it."""

    @property
    def base_url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def desk_url(self) -> str:
        """Where its simulated page answers."""
        return f"{self.base_url}/desk"

    async def answers(self) -> bool:
        """Return whether it still runs. Its page is asked, which no fault of a drill touches."""
        try:
            async with asyncio.timeout(PING_DEADLINE), open_client() as client:
                return (await client.get(f"{self.desk_url}/keys")).is_success
        except (httpx.HTTPError, TimeoutError):
            return False

    async def end(self) -> None:
        """End it, if it is still the one we know."""
        if await self.answers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)


async def start_exchange(scenario: Scenario = SMOOTH, passes_after: float = PASSES_AFTER) -> ExchangeProcess:
    """Start one on a free loopback port, or raise WizardError; faults pass after `passes_after` seconds."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "wizard", "exchange"),
        *("--port", "0", "--json", "--idle-limit", str(IDLE_LIMIT)),
        *("--scenario", scenario.name, "--passes-after", str(passes_after)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        # A session of its own: what ends the wizard's terminal does not end the exchange.
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101 - PIPE was asked for
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_DEADLINE)
        port = httpx.URL(json.loads(line)["base_url"]).port
        assert port is not None  # noqa: S101 - the exchange never serves at a scheme's own port
        # A subprocess transport that is collected after its loop closes itself, which would kill the child and fails
        # because the loop is gone. asyncio has no public way to leave a child running.
        process._transport._closed = True  # type: ignore[attr-defined]
        return ExchangeProcess(process.pid, port, scenario.name)
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if not isinstance(error, TimeoutError | ValueError | KeyError):
            raise
        raise WizardError(
            "The embedded exchange did not start",
            why=f"It gave no address within {START_DEADLINE:g} s.",
            advice="To see why, run: key-wizard exchange",
            code="rehearsal.no-exchange",
        ) from None


def remember(process: ExchangeProcess, file: Path) -> None:
    """Write down where it answers, so that the next wizard finds it."""
    files.replace(file, json.dumps(asdict(process)).encode("ascii"))


def recall(file: Path) -> ExchangeProcess | None:
    """Read what the last wizard wrote down; None where that cannot be it: its process would be ended."""
    try:
        known = ExchangeProcess(**json.loads(files.read(file, _LARGEST_NOTE)[0]))
    except (FileError, ValueError, TypeError, RecursionError):
        return None
    is_ours = type(known.pid) is type(known.port) is int and 1 < known.pid < 2**31 and 0 < known.port < 2**16
    return known if is_ours and isinstance(known.scenario, str) else None
