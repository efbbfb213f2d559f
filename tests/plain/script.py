"""A console that answers from a script, and the world that it is used in."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.rotation.conftest import World as Bench
from wizard.core.clock import Clock
from wizard.core.secret import Secret
from wizard.core.settings import Environment, Paths, SubAccountSettings
from wizard.custody.custodian import Custodian
from wizard.custody.store import NOT_KNOWN
from wizard.plain.interrupts import EndOfInputError, InterruptError, Interrupts
from wizard.plain.talk import Talk
from wizard.plain.walk import Walk
from wizard.rehearsal.session import embedded_site
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rotation.flow import Flow
from wizard.rotation.journal import Overview, open_journal
from wizard.rotation.model import Step
from wizard.steps.session import EnvironmentSession

CTRL_C = object()
Answer = str | object | Callable[[], Awaitable[str]]
Line = tuple[str, Answer]
"""What has to have been said since the last answer, and what is answered."""


class ScriptedConsole:
    """Answers line by line; after the last one the input has ended.

    Args:
        script: What is expected and answered.
        interrupts: Fired by `interrupt_at`.
    """

    def __init__(self, script: list[Line], interrupts: Interrupts) -> None:
        self._script = list(script)
        self._interrupts = interrupts
        self._since = 0
        self.lines: list[str] = []
        self.interrupt_at: list[str] = []
        """Ctrl-C is pressed once for each, when a line with this text has been written."""

    @property
    def text(self) -> str:
        """Everything that was written."""
        return "\n".join(self.lines)

    @property
    def unused(self) -> list[Line]:
        """What of the script was not asked for."""
        return self._script

    def write(self, line: str) -> None:
        self.lines.append(line)
        if self.interrupt_at and self.interrupt_at[0] in line:
            del self.interrupt_at[0]
            self._interrupts.fire()

    async def ask(self, prompt: str) -> str:
        return await self._answer(prompt, is_secret=False)

    def forget_typed(self) -> None:
        pass

    async def has_more(self) -> bool:
        return False

    async def ask_secret(self, prompt: str) -> Secret:
        return Secret(await self._answer(prompt, is_secret=True))

    async def _answer(self, prompt: str, *, is_secret: bool) -> str:
        self.lines.append(prompt)
        said, self._since = "\n".join(self.lines[self._since :]), len(self.lines)
        if not self._script:
            raise EndOfInputError
        expected, answer = self._script.pop(0)
        assert expected in said, f"expected {expected!r}, but this was said:\n{said}"
        assert ("typing is not shown" in prompt) == is_secret
        if answer is CTRL_C:
            raise InterruptError
        return await answer() if callable(answer) else str(answer)


@dataclass
class PlainWorld:
    """The bench as the line mode opens it."""

    bench: Bench
    name: str = "bench"
    has_simulated_page: bool = True
    closed: int = field(default=0)
    source_address: str = "0.0.0.0"

    custodian: Custodian | None = None
    email: str = ""
    """Of the sub-account whose keys the environment `master` manages; nothing where it is none."""

    place = NOT_KNOWN
    about: tuple[str, ...] = ()

    @property
    def clock(self) -> Clock:
        return time.time

    @property
    def simulated_page(self) -> SimulatedPage | None:
        return self.bench.simulated_page if self.has_simulated_page else None

    @property
    def paths(self) -> Paths:
        return self.bench.paths

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        self.closed += 1

    def overviews(self) -> tuple[Overview, ...]:
        journal = open_journal(self.bench.paths)
        try:
            site = embedded_site(self.bench.base_url, "bench site")
            account = SubAccountSettings(self.email, Environment("master", site)) if self.email else None
            return journal.overview((Environment(self.name, site, sub_account=account),))
        finally:
            journal.close()

    @asynccontextmanager
    async def flow(self, environment: Environment) -> AsyncIterator[Flow]:
        async with self.bench.flow(self.source_address, name=environment.name, email=self.email) as flow:
            yield flow


@dataclass
class Visit:
    """What came of one visit."""

    console: ScriptedConsole
    left_at: Step | None

    @property
    def text(self) -> str:
        return self.console.text


async def visit(world: PlainWorld, *script: Line, interrupt_at: tuple[str, ...] = ()) -> Visit:
    """Walk along the script until its end, where the input ends; every line of it must have been asked for."""
    interrupts = Interrupts()
    console = ScriptedConsole(list(script), interrupts)
    console.interrupt_at = list(interrupt_at)
    session = EnvironmentSession(world, "key-wizard --plain")
    await Walk(session, Talk(console, interrupts)).run()
    assert console.unused == []
    assert console.interrupt_at == []
    assert world.closed
    assert [line for line in console.lines if not line.isprintable()] == []
    job = world.overviews()[0].open_rotation
    return Visit(console, job.step if job else None)


def journal_text(paths: Paths) -> str:
    """Everything that the journal holds."""
    return Path(paths.journal).read_bytes().decode("utf-8", "replace")
