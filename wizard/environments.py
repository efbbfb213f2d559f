"""What screens and line mode open: the user's own environments, or a rehearsal. The one seam between the two."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from wizard.core.clock import Clock
from wizard.core.settings import Environment, Paths, Settings
from wizard.core.threads import in_daemon_thread
from wizard.custody.custodian import Custodian
from wizard.custody.store import NOT_KNOWN, PHRASES
from wizard.rotation.journal import Overview, read_journal

REHEARSAL = "This is a rehearsal. Binance is simulated. No money is touched."

if TYPE_CHECKING:
    from wizard.rehearsal.scenarios import Scenario
    from wizard.rehearsal.session import Rehearsal
    from wizard.rehearsal.simulated_page import SimulatedPage
    from wizard.rotation.flow import Flow


class RealEnvironments:
    """The user's own environments, with the place of credentials that the settings name and no other."""

    about: tuple[str, ...] = ()
    """What a rehearsal says of itself."""
    simulated_page = None
    """The page is a real one."""
    clock: Clock = staticmethod(time.time)

    def __init__(self, paths: Paths, settings: Settings) -> None:
        self.paths = paths
        self._settings = settings
        self.custodian = Custodian(settings.custody, paths.encrypted_file, paths.config_file)

    @property
    def place(self) -> str:
        """The place that the settings name."""
        return PHRASES[self.custodian.custody.place]

    async def open(self) -> None:
        """Nothing is needed, here and in `close`."""

    close = open

    def overviews(self) -> tuple[Overview, ...]:
        """Return each environment at a glance."""
        return _look(self.paths, tuple(self._settings.environments.values()))

    @asynccontextmanager
    async def flow(self, environment: Environment) -> AsyncIterator[Flow]:
        """Open one environment (see `wizard.rotation.opening.open_flow`)."""
        opening = await _load("wizard.rotation.opening")
        async with opening.open_flow(environment, self.paths, self.custodian.open) as flow:
            yield flow


class RehearsalEnvironments:
    """One environment whose exchange is embedded."""

    custodian = None
    """Nothing is opened for it: it uses the keyring, or its own memory."""
    place = NOT_KNOWN
    clock: Clock = staticmethod(time.time)

    def __init__(self, paths: Paths, source_address: str, scenario: Scenario) -> None:
        self._stack = AsyncExitStack()
        self._paths = paths
        self._source_address = source_address
        self._scenario = scenario
        self._rehearsal: Rehearsal | None = None

    @property
    def about(self) -> tuple[str, ...]:
        """What this is; in a fire drill, what will go wrong, what is seen of it and the way out."""
        from wizard.rehearsal.scenarios import SMOOTH  # noqa: PLC0415 - loaded for a rehearsal alone

        scenario = self._rehearsal.scenario if self._rehearsal else self._scenario
        drill = () if scenario is SMOOTH else (f"Fire drill {scenario.name}.", *scenario.sentences)
        return (REHEARSAL, *drill)

    @property
    def paths(self) -> Paths:
        """Where the rehearsal keeps its records."""
        return self._rehearsal.paths if self._rehearsal else self._paths

    @property
    def simulated_page(self) -> SimulatedPage | None:
        """The simulated page, once the rehearsal has begun."""
        return self._rehearsal.simulated_page if self._rehearsal else None

    async def open(self) -> None:
        """Start the embedded exchange, or find the one that an open rotation left running."""
        session = await _load("wizard.rehearsal.session")
        self._rehearsal = await self._stack.enter_async_context(
            session.rehearse(self._paths, source_address=self._source_address, scenario=self._scenario)
        )

    async def close(self) -> None:
        """End the embedded exchange and remove its keys, unless a rotation is open.

        Raises:
            wizard.core.errors.WizardError: a key is still in the keyring.
        """
        with suppress(ProcessLookupError):
            await self._stack.aclose()

    def overviews(self) -> tuple[Overview, ...]:
        """Return the one environment."""
        return _look(self._rehearsal.paths, (self._rehearsal.environment,)) if self._rehearsal else ()

    def flow(self, environment: Environment) -> AbstractAsyncContextManager[Flow]:  # noqa: ARG002 - there is one
        """Open the environment, with a key in use."""
        assert self._rehearsal is not None  # noqa: S101 - the screens open it first
        return self._rehearsal.flow()


Environments = RealEnvironments | RehearsalEnvironments


async def _load(module: str) -> Any:
    """Return a module of what an open environment needs: HTTP, cryptography, all steps. The screens are there first."""
    return await in_daemon_thread(lambda: import_module(module))


def _look(paths: Paths, environments: tuple[Environment, ...]) -> tuple[Overview, ...]:
    with read_journal(paths) as journal:
        return journal.overview(environments)
