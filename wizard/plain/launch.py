"""From the command line to the line mode, and back to an exit code."""

from __future__ import annotations

import asyncio
import signal
import sys

from wizard.core import settings
from wizard.core.errors import Exit, UsageError, WizardError
from wizard.core.safety import redacted_report
from wizard.core.settings import Paths
from wizard.core.shutdown import HANG_UP, Shutdown
from wizard.core.threads import use_daemon_threads
from wizard.environments import Environments, RealEnvironments, RehearsalEnvironments
from wizard.plain.interrupts import Interrupts
from wizard.plain.talk import Talk
from wizard.plain.terminal import TerminalConsole
from wizard.plain.walk import Walk
from wizard.rehearsal.scenarios import SMOOTH, Scenario
from wizard.rotation.model import exit_code


def open_wizard(paths: Paths, environment: str | None, shutdown: Shutdown) -> int:
    """Open the line mode on the user's own environments.

    Raises:
        wizard.core.errors.WizardError: the settings cannot be used.
    """
    known = settings.load(paths.config_file)
    if environment is not None:
        known.environment(environment)
    named = f" --env {environment}" if environment else ""
    return _run(RealEnvironments(paths, known), environment, f"key-wizard{named} --plain", shutdown)


def open_rehearsal(paths: Paths, source_address: str, shutdown: Shutdown, scenario: Scenario = SMOOTH) -> int:
    """Open the line mode on a rehearsal.

    Raises:
        wizard.core.errors.WizardError: the rehearsal's files cannot be used.
    """
    environments = RehearsalEnvironments(paths, source_address, scenario)
    return _run(environments, None, "key-wizard rehearse --plain", shutdown, is_rehearsal=True)


def _run(
    environments: Environments, environment: str | None, command: str, shutdown: Shutdown, *, is_rehearsal: bool = False
) -> int:
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
            may_pipe_secrets=is_rehearsal,
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
        return 128 + HANG_UP if console.is_gone() else exit_code(visit.left_at)

    try:
        return asyncio.run(walk())
    except WizardError:
        raise
    except Exception as error:
        print(redacted_report(error), file=sys.stderr)
        return Exit.INTERNAL_ERROR
