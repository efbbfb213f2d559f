"""One visit to the wizard: open the environments, choose, walk from step to step, let go of everything.

Where a rotation stands is in the journal alone, so that a visit can end at any prompt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress

from wizard.core.errors import WizardError
from wizard.core.settings import Environment
from wizard.custody.errors import CustodyError
from wizard.environments import Environments
from wizard.plain import credentials, custody, deadlines, egress, home, probe, retire, whitelist
from wizard.plain.answers import Choice, Left
from wizard.plain.console import EndOfInput
from wizard.plain.counter import Counter
from wizard.plain.stage import Stage, Way
from wizard.plain.talk import Talk
from wizard.rotation.closing import safe_to_close
from wizard.rotation.flow import Flow
from wizard.rotation.model import Step
from wizard.rotation.overview import Overview

_STEPS: dict[Step | None, Callable[[Stage], Awaitable[Way]]] = {
    Step.EGRESS: egress.take,
    Step.WHITELIST: whitelist.take,
    Step.CREDENTIALS: credentials.take,
    Step.PROBE: probe.take,
    Step.RETIRE: retire.take,
}


class Walk:
    """A user's way through the environments.

    Args:
        environments: What is opened.
        talk: The conversation.
        environment: Opened at once; None asks, where there are several.
        command: What brings the user back.
    """

    def __init__(self, environments: Environments, talk: Talk, *, environment: str | None = None, command: str) -> None:
        self._environments = environments
        self._talk = talk
        self._wished = environment
        self._command = command
        self._flow: Flow | None = None
        self._problem: CustodyError | None = None
        self._counter: Counter | None = None
        self._stack = AsyncExitStack()
        self.left_at: Step | None = None
        """The step at which an open rotation was left."""
        talk.closing = self._closing
        talk.mend = self._mend

    async def run(self) -> None:
        """Walk until the user leaves."""
        try:
            await self._open_environments()
            while True:
                stage = await self._open_environment()
                while stage is not None and await home.begin(stage) is Way.ON:
                    await self._walk(stage)
        except (Left, EndOfInput):
            with suppress(EndOfInput):
                self._say_farewell()
        finally:
            closing = asyncio.ensure_future(self._close())
            try:
                await asyncio.shield(closing)
            except asyncio.CancelledError:  # a signal came meanwhile
                await closing
                raise

    async def _close(self) -> None:
        try:
            await self._let_go()
        finally:
            await self._environments.close()

    async def _open_environments(self) -> None:
        lede = self._environments.lede
        self._talk.say("Key Wizard, line by line.", lede)
        while not self._environments.overviews():
            if not await self._talk.attempt(self._are_environments_open, "Opening", deadlines.OPEN_ENVIRONMENTS):
                await self._talk.choose(
                    "What next?",
                    (Choice("again", "try once more."),),
                    about=home.ABOUT.format(place=self._environments.place),
                )
        if self._environments.lede != lede:
            # A rehearsal that was left open goes on with its own fire drill, which is known only now.
            self._talk.say(self._environments.lede)
        if self._environments.simulated_page is not None:
            self._counter = Counter(self._talk, self._environments.simulated_page, self._whitelist)
            self._talk.visit_simulated_page = self._counter.visit

    async def _are_environments_open(self) -> bool:
        await self._environments.open()
        return True

    async def _open_environment(self) -> Stage | None:
        """Let go of the environment that is open and open one; None when it could not be opened, which is told."""
        await self._let_go()
        overview = await self._choose()
        while not await self._is_open(overview.environment):
            custodian = self._environments.custodian
            if custodian is None or self._problem is None:
                return None
            if not await custody.offer(self._talk, custodian, self._problem, overview.environment.name):
                return None
        assert self._flow is not None  # noqa: S101 - the loop above ended with it
        stage = Stage(self._talk, self._flow, self._counter, self._environments.custodian)
        home.tell_preflight(stage)
        return stage

    async def _is_open(self, environment: Environment) -> bool:
        """Open one environment; keep the problem with the place of the credentials, where it is one."""
        self._problem = None

        async def work() -> Flow:
            try:
                return await self._stack.enter_async_context(self._environments.flow(environment))
            except CustodyError as error:
                self._problem = error
                raise

        what = f"Opening {environment.name} and trying {self._environments.place} with a canary"
        self._flow = await self._talk.attempt(work, what, deadlines.OPEN_ENVIRONMENT)
        return self._flow is not None

    async def _mend(self, error: WizardError) -> None:
        """Offer to unlock what was locked while the environment was open; before that, `custody.offer` does."""
        custodian = self._environments.custodian
        if self._flow is not None and custodian is not None and isinstance(error, CustodyError) and error.remedy:
            await custody.unlock(self._talk, custodian, error.remedy)

    async def _choose(self) -> Overview:
        """Take the environment that there is no choice about, once; ask otherwise."""
        overviews = self._environments.overviews()
        wished = overviews[0].environment.name if len(overviews) == 1 and self._wished is None else self._wished
        self._wished = ""
        for one in overviews:
            if one.environment.name == wished:
                return one
        return await home.choose_environment(
            self._talk, overviews, self._environments.clock(), self._environments.place
        )

    async def _walk(self, stage: Stage) -> None:
        way = Way.ON
        while way is Way.ON and (take := _STEPS.get(stage.flow.step)):
            try:
                way = await take(stage)
            except WizardError as error:
                self._talk.tell(error)
                way = Way.HOME

    def _whitelist(self) -> str:
        flow = self._flow
        return flow.context.journal.whitelist_of(flow.context.rotation) if flow and flow.rotation else ""

    async def _let_go(self) -> None:
        flow, self._flow = self._flow, None
        try:
            if flow is not None:
                self.left_at = flow.step
        finally:
            await self._stack.aclose()

    def _closing(self) -> tuple[str, ...]:
        flow = self._flow
        step = flow.step if flow else None
        meaning = f"It is safe: {flow.closing if flow else safe_to_close(None)}."
        if flow is None or step is None or not flow.is_durable:
            return (meaning,)
        return (meaning, f"Come back with: {self._command}")

    def _say_farewell(self) -> None:
        flow = self._flow
        self._talk.say("", "Key Wizard is closed.", *self._closing())
        if flow is not None and flow.step is not None and flow.is_durable:
            self._talk.say(f"A rotation of {flow.context.environment.name} is open at the step {flow.step}.")
