"""One visit to the wizard: open the environments, choose, walk from step to step, let go of everything.

Where a rotation stands is in the journal alone, so that a visit can end at any prompt.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial

from wizard.core.clock import duration
from wizard.core.errors import Exit, UsageError, WizardError
from wizard.core.safety import redacted_report
from wizard.core.settings import Environment
from wizard.core.shutdown import HANG_UP, Shutdown
from wizard.core.threads import use_daemon_threads
from wizard.custody.errors import CustodyError
from wizard.environments import Environments, RehearsalEnvironments
from wizard.plain import custody, probe
from wizard.plain.interrupts import EndOfInputError, Interrupts
from wizard.plain.lines import Lines
from wizard.plain.stage import Stage, evidence
from wizard.plain.talk import Command, Talk
from wizard.plain.terminal import TerminalConsole
from wizard.rotation.flow import Flow
from wizard.rotation.journal import Overview
from wizard.rotation.model import Mode, Step
from wizard.steps import deadlines
from wizard.steps.consents import FORGET, abandoning
from wizard.steps.credentials import credentials_presenter
from wizard.steps.egress import EgressPresenter
from wizard.steps.guide import HOME, STEPS
from wizard.steps.home import ABANDONED, FORGOTTEN, closing, is_left_open, offers
from wizard.steps.retire import RetirePresenter
from wizard.steps.whitelist import WhitelistPresenter

_STEPS: dict[Step | None, Callable[[Stage], Awaitable[bool]]] = {
    Step.EGRESS: lambda stage: Lines(stage, partial(EgressPresenter, stage.flow)).run(),
    Step.WHITELIST: lambda stage: Lines(stage, partial(WhitelistPresenter, stage.flow)).run(),
    Step.CREDENTIALS: lambda stage: Lines(stage, partial(credentials_presenter, stage.flow)).run(),
    Step.PROBE: probe.take,
    Step.RETIRE: lambda stage: Lines(stage, partial(RetirePresenter, stage.flow)).run(),
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
        self._stack = AsyncExitStack()
        self.left_at: Step | None = None
        """The step at which an open rotation was left."""
        self.exit_code: int = Exit.FINE
        talk.closing = self._closing
        talk.offer_remedy = self._offer_remedy

    async def run(self) -> None:
        """Walk until the user leaves."""
        try:
            await self._open_environments()
            while True:
                await self._visit(await self._open_environment())
        except EndOfInputError:
            with suppress(EndOfInputError):
                self._say_farewell()
        finally:
            end = asyncio.ensure_future(self._close())
            try:
                await asyncio.shield(end)
            except asyncio.CancelledError:  # a signal came meanwhile
                await end
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
            if not await self._talk.succeeds(self._environments.open, "Opening", deadlines.CUSTODY):
                with self._talk.about(HOME.about.format(place=self._environments.place)):
                    await self._talk.choose("What next?", {"again": "try once more."}, "")
        if self._environments.lede != lede:
            # A rehearsal that was left open goes on with its own fire drill, which is known only now.
            self._talk.say(self._environments.lede)

    async def _open_environment(self) -> Stage | None:
        """Let go of the environment that is open and open one; None when it could not be opened, which is told."""
        await self._let_go()
        overview = await self._choose()
        while (flow := await self._open_flow(overview.environment)) is None:
            custodian = self._environments.custodian
            if custodian is None or self._problem is None:
                return None
            with self._talk.about(custody.ABOUT):
                if not await custody.offer(self._talk, custodian, self._problem, overview.environment.name):
                    return None
        stage = Stage(self._talk, flow, self._environments.simulated_page, self._environments.custodian)
        self._talk.say(*evidence(flow.preflight.storage), *flow.preflight.recovered, *flow.preflight.losses())
        return stage

    async def _open_flow(self, environment: Environment) -> Flow | None:
        """Open one environment; keep the problem with the place of the credentials, where it is one."""
        self._problem = None

        async def work() -> Flow:
            try:
                return await self._stack.enter_async_context(self._environments.flow(environment))
            except CustodyError as error:
                self._problem = error
                raise

        what = f"Opening {environment.name} and trying {self._environments.place} with a canary"
        self._flow = await self._talk.attempt(work, what, deadlines.CUSTODY)
        return self._flow

    async def _offer_remedy(self, error: WizardError) -> None:
        """Offer to unlock what was locked while the environment was open; before that, `custody.offer` does."""
        custodian = self._environments.custodian
        if self._flow is not None and custodian is not None and isinstance(error, CustodyError) and error.remedy:
            with self._talk.about(custody.ABOUT):
                await custody.unlock(self._talk, custodian, error.remedy)

    async def _choose(self) -> Overview:
        """Take the environment that there is no choice about, once; ask otherwise."""
        overviews = self._environments.overviews()
        wished = overviews[0].environment.name if len(overviews) == 1 and self._wished is None else self._wished
        self._wished = ""
        for one in overviews:
            if one.environment.name == wished:
                return one
        with self._talk.about(HOME.about.format(place=self._environments.place)):
            return await _choose_environment(self._talk, overviews, self._environments.clock())

    async def _visit(self, stage: Stage | None) -> None:
        """Walk in an open environment until the user goes back to the others."""
        while stage is not None and await _begin(stage):
            goes_on = True
            while goes_on and (step := stage.flow.step) and (take := _STEPS.get(step)):
                try:
                    with self._talk.about(STEPS[step].about.format(place=stage.flow.place)):
                        goes_on = await take(stage)
                except WizardError as error:
                    self._talk.tell(error)
                    goes_on = False

    async def _let_go(self) -> None:
        flow, self._flow = self._flow, None
        try:
            if flow is not None:
                self.left_at, self.exit_code = flow.step, flow.exit_code
        finally:
            await self._stack.aclose()

    def _closing(self) -> tuple[str, ...]:
        return closing(self._flow, self._command)

    def _say_farewell(self) -> None:
        flow = self._flow
        self._talk.say("", "Key Wizard is closed.", *self._closing())
        if flow is not None and is_left_open(flow):
            self._talk.say(f"A rotation of {flow.context.environment.name} is open at the step {flow.step}.")


async def _choose_environment(talk: Talk, overviews: Sequence[Overview], now: float) -> Overview:
    """Ask for one of the environments."""
    named = {one.environment.name: one for one in overviews}
    menu = {name: _row(one, now) for name, one in named.items()}
    while (answer := await talk.choose("Which environment?", menu)) not in named:
        talk.say("There is nothing to go back to. quit closes the wizard.")
    return named[answer]


async def _begin(stage: Stage) -> bool:
    """Ask what to do, until a rotation is open; False leads back to the environments."""
    flow, talk = stage.flow, stage.talk
    with talk.about(HOME.about.format(place=flow.place)):
        while (answer := await talk.choose(HOME.question, offers(flow, stage.custodian))) != Command.BACK:
            if answer == "forget":
                await _forget(stage)
            elif answer == "passphrase" and stage.custodian is not None:
                await custody.change_passphrase(talk, stage.custodian)
            elif answer == "abandon":
                await _abandon(stage)
            elif answer == "resume" or await talk.succeeds(
                partial(flow.begin, Mode(answer)), "Opening the rotation", deadlines.CUSTODY
            ):
                return True
        return False


async def _forget(stage: Stage) -> None:
    what = "Looking once more, then striking off"
    if await stage.talk.confirm(FORGET) and await stage.talk.succeeds(
        stage.flow.forget_missing, what, deadlines.CUSTODY
    ):
        stage.talk.say(FORGOTTEN)


async def _abandon(stage: Stage) -> None:
    what = "Deleting the new credentials"
    if await stage.talk.confirm(abandoning(stage.flow.place)) and await stage.talk.succeeds(
        stage.flow.abandon, what, deadlines.CUSTODY
    ):
        stage.talk.say(ABANDONED)


def _row(one: Overview, now: float) -> str:
    key = one.current
    stored = f"current key {key.name}, stored {duration(now - key.stored_at)} ago" if key else "no key yet"
    parts = [one.environment.site.name, stored]
    if one.legacy:
        parts.append(f"legacy key {one.legacy.name} is not proven dead")
    return f"{', '.join(parts)}; next: {one.next_step}."


def open_wizard(environments: Environments, environment: str | None, command: str, shutdown: Shutdown) -> int:
    """Open the line mode on these environments and return its exit code.

    Raises:
        wizard.core.errors.WizardError: the environments cannot be used, or there is nowhere to write to.
    """
    # Either is None in a process that was started without it.
    source, target = sys.__stdin__, sys.__stdout__
    if target is None:
        raise UsageError("There is nowhere to write to", why="Standard output is closed.", code="output.unwritable")

    async def walk() -> int:
        use_daemon_threads()
        loop, this, interrupts = asyncio.get_running_loop(), asyncio.current_task(), Interrupts()
        assert this is not None  # noqa: S101 - asyncio runs it
        console = TerminalConsole(
            interrupts,
            source=None if source is None else source.fileno(),
            target=target.fileno(),
            encoding=target.encoding,
            may_pipe_secrets=isinstance(environments, RehearsalEnvironments),
        )
        visit = Walk(environments, Talk(console, interrupts), environment=environment, command=command)

        def ask_what_is_meant() -> None:
            # A question that cannot be written is never answered: then the signal ends the program.
            if console.takes_output() and shutdown.cancel():
                interrupts.fire()

        def told(number: int) -> None:
            loop.call_soon_threadsafe(ask_what_is_meant if number == signal.SIGINT else this.cancel)

        with console, shutdown.handled_by(told):
            await visit.run()
        return 128 + HANG_UP if console.is_gone() else visit.exit_code

    try:
        return asyncio.run(walk())
    except WizardError:
        raise
    except Exception as error:
        print(redacted_report(error), file=sys.stderr)
        return Exit.INTERNAL_ERROR
