"""One visit to the wizard: open the environments, choose, walk from step to step, let go of everything.

Where a rotation stands is in the journal alone, so that a visit can end at any prompt.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from wizard.core.errors import Exit, UsageError, WizardError
from wizard.core.safety import redacted_report
from wizard.core.shutdown import HANG_UP, Shutdown
from wizard.core.threads import use_daemon_threads
from wizard.environments import Environments, RehearsalEnvironments
from wizard.plain import forms
from wizard.plain.interrupts import EndOfInputError, Interrupts
from wizard.plain.lines import Lines
from wizard.plain.talk import Talk
from wizard.plain.terminal import TerminalConsole
from wizard.rotation.model import Mode
from wizard.steps.home import HomePresenter
from wizard.steps.pages import PAGES
from wizard.steps.passwords import remedying
from wizard.steps.presenter import Face, Presenter
from wizard.steps.session import EnvironmentSession


class Walk:
    """A user's way through the environments."""

    def __init__(self, session: EnvironmentSession, talk: Talk) -> None:
        self._session = session
        self._talk = talk
        talk.closing = session.closing
        talk.is_remedied = self._is_remedied

    async def run(self) -> None:
        """Walk until the user leaves."""
        try:
            while True:
                await self._speak(partial(HomePresenter, self._session))
                await self._take_steps()
        except EndOfInputError:
            with suppress(EndOfInputError):
                self._talk.say("", "Key Wizard is closed.", *self._session.closing())
        finally:
            end = asyncio.ensure_future(self._session.close())
            try:
                await asyncio.shield(end)
            except asyncio.CancelledError:  # a signal came meanwhile
                await end
                raise

    async def _speak(self, make: Callable[[Face], Presenter]) -> bool:
        return await Lines(self._talk, self._session, make).run()

    async def _take_steps(self) -> None:
        """Take step after step of the open job, until there is none or the user goes home."""
        goes_on = True
        while goes_on and (flow := self._session.flow) and (page := PAGES.get(flow.step)):
            try:
                goes_on = await self._speak(partial(page, flow))
            except WizardError as error:
                self._talk.tell(error)
                goes_on = False

    async def _is_remedied(self, error: WizardError) -> bool:
        """Offer to unlock what was locked while the environment was open; before that, the home page does."""
        form = remedying(self._session.environments.custodian, error) if self._session.flow else None
        return form is not None and await forms.fill(self._talk, form)


def open_wizard(
    environments: Environments, environment: str | None, command: str, shutdown: Shutdown, job: Mode | None = None
) -> int:
    """Open the line mode on these environments and return its exit code. Raises WizardError where that cannot be."""
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
        session = EnvironmentSession(environments, command, environment, job)
        visit = Walk(session, Talk(console, interrupts))

        def ask_what_is_meant() -> None:
            # A question that cannot be written is never answered: then the signal ends the program.
            if console.takes_output() and shutdown.cancel():
                interrupts.fire()

        def told(number: int) -> None:
            loop.call_soon_threadsafe(ask_what_is_meant if number == signal.SIGINT else this.cancel)

        with console, shutdown.handled_by(told):
            await visit.run()
        return 128 + HANG_UP if console.is_gone() else session.exit_code

    try:
        return asyncio.run(walk())
    except WizardError:
        raise
    except Exception as error:
        print(redacted_report(error), file=sys.stderr)
        return Exit.INTERNAL_ERROR
