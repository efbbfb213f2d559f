"""From the command line to the screens, and back to an exit code."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from wizard.core import settings
from wizard.core.settings import Paths
from wizard.core.shutdown import Shutdown
from wizard.core.terminal import inspect_terminal
from wizard.core.text import glyphs_for
from wizard.environments import Environments, RealEnvironments, RehearsalEnvironments
from wizard.rehearsal.scenarios import SMOOTH, Scenario
from wizard.rotation.model import exit_code
from wizard.tui.app import WizardApp


def open_wizard(paths: Paths, environment: str | None, shutdown: Shutdown) -> int:
    """Open the wizard on the user's own environments.

    Raises:
        wizard.core.errors.WizardError: the terminal or the settings cannot be used.
    """
    known = settings.load(paths.config_file)
    if environment is not None:
        known.environment(environment)
    return _run(RealEnvironments(paths, known), environment, "key-wizard", shutdown)


def open_rehearsal(paths: Paths, source_address: str, shutdown: Shutdown, scenario: Scenario = SMOOTH) -> int:
    """Open the wizard on a rehearsal.

    Raises:
        wizard.core.errors.WizardError: the terminal cannot be used.
    """
    return _run(RehearsalEnvironments(paths, source_address, scenario), None, "key-wizard rehearse", shutdown)


def _run(environments: Environments, environment: str | None, command: str, shutdown: Shutdown) -> int:
    problem = inspect_terminal(os.environ, sys.__stdin__, sys.__stderr__).problem()
    if problem is not None:
        raise problem
    app = WizardApp(environments, glyphs_for(os.environ), environment=environment, command=command)
    code = app.run_safely(shutdown)
    if app.problem is not None and not code:
        raise app.problem
    with suppress(OSError):  # the terminal is gone
        for line in app.farewell:
            print(line)
    return code or exit_code(app.left_at)
