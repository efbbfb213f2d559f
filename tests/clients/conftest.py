from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import httpx
import pytest

from tests.clients.surroundings import CLIENTS_PYTHON, PROGRAMS, Exchange, Silent, Stranger, started
from tests.clients.table import TELLERS

REQUIRED = "KEY_WIZARD_REQUIRE_CLIENTS" in os.environ
Strangers = Callable[[str], Stranger]


@pytest.fixture(scope="session")
def strangers() -> Iterator[Strangers]:
    """Start a client's program when it is first asked for; skip with the reason where its package is missing."""
    with ExitStack() as ends:

        @cache
        def found(client: str) -> Stranger | str:
            return start(client, ends)

        def stranger(client: str) -> Stranger:
            one = found(client)
            if isinstance(one, Stranger):
                return one
            if REQUIRED:
                pytest.fail(one)
            pytest.skip(f"{one} (pip install --group clients)")

        yield stranger


def start(client: str, ends: ExitStack) -> Stranger | str:
    """Return the client at work, or why it cannot be used."""
    program = PROGRAMS / f"talk_{client.replace('-', '_')}.py"
    try:
        process = ends.enter_context(started(CLIENTS_PYTHON, str(program)))
        return Stranger(process, process.hear()["version"])
    except (Silent, OSError) as error:
        last_line = (str(error).strip().splitlines() or ["it said nothing"])[-1]
        return f"{client} cannot be used: {last_line}"


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    command = (sys.executable, "-P", "-m", "wizard", "exchange", "--port", "0", "--json")
    with started(*command) as process, httpx.Client(trust_env=False, timeout=30) as client:
        yield Exchange(process.hear(), client)


@pytest.fixture
def clock(exchange: Exchange) -> Iterator[Exchange]:
    """The exchange, whose clock is set right again after the test."""
    yield exchange
    exchange.set_clock(0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cells ran, and why the others did not."""
    ran = Counter[str]()
    for outcome in ("passed", "failed"):
        ran.update(_client(report.nodeid) for report in terminalreporter.stats.get(outcome, []))
    skipped = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if _client(report.nodeid)
    )
    del ran[""]
    if ran or skipped:
        told = ", ".join(f"{name} {count}" for name, count in sorted(ran.items())) or "none"
        reasons = "".join(f"; {count}: {reason}" for reason, count in skipped.items())
        terminalreporter.write_line(
            f"strangers' clients: {ran.total()} cells ran ({told}), {skipped.total()} skipped{reasons}"
        )


def _client(node: str) -> str:
    """The client that a test of the table is about, or nothing."""
    _, _, cell = node.partition("test_clients_table.py::")
    return next((name for name in TELLERS if f"[{name}-" in cell), "")
