"""All areas at the same time, each with its findings. Invariant: one area's trouble hides no other's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from wizard.core import settings
from wizard.core.clock import Clock
from wizard.core.errors import WizardError
from wizard.core.settings import Paths, Settings
from wizard.core.terminal import Stream
from wizard.custody.store import Store
from wizard.diagnosis import host, outside
from wizard.diagnosis.files import files
from wizard.diagnosis.notes import note
from wizard.diagnosis.stored import stored_keys
from wizard.rotation.model import Finding, Outcome


class Area(StrEnum):
    """What can be looked at by itself, in the order in which it is shown."""

    TERMINAL = "terminal"
    KEYRING = "keyring"
    NETWORK = "network"
    CLOCK = "clock"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class Doctor:
    """Looks at this host as the process sees it."""

    paths: Paths
    environ: Mapping[str, str]
    stdin: Stream | None
    stderr: Stream | None
    open_store: Callable[[], Awaitable[Store]]
    clock: Clock

    async def look(self, areas: Collection[Area] = tuple(Area)) -> dict[Area, tuple[Finding, ...]]:
        """Return the findings of each area asked for. Trouble is a finding, never an exception."""
        known = self._settings()
        ways: dict[Area, Callable[[], Awaitable[tuple[Finding, ...]]]] = {
            Area.TERMINAL: self._terminal,
            Area.KEYRING: lambda: self._storage(known),
            Area.NETWORK: lambda: self._network(known),
            Area.CLOCK: lambda: self._clock(known),
            Area.FILES: lambda: self._files(known),
        }
        asked = [area for area in Area if area in areas]
        return dict(zip(asked, await asyncio.gather(*(ways[area]() for area in asked)), strict=True))

    def _settings(self) -> Settings | WizardError:
        try:
            return settings.load(self.paths.config_file)
        except WizardError as error:
            return error

    async def _terminal(self) -> tuple[Finding, ...]:
        return (host.terminal(self.environ, self.stdin, self.stderr, self.clock),)

    async def _storage(self, known: Settings | WizardError) -> tuple[Finding, ...]:
        place = await host.storage(self.open_store, self.clock)
        if place.outcome is Outcome.FAILED or isinstance(known, WizardError):
            return (place,)
        return place, await stored_keys(await self.open_store(), self.paths, known.environments, self.clock)

    async def _network(self, known: Settings | WizardError) -> tuple[Finding, ...]:
        if isinstance(known, WizardError):
            return (self._not_run("Network"),)
        environments = known.environments.values()
        return tuple(await asyncio.gather(*(outside.network(one, self.environ, self.clock) for one in environments)))

    async def _clock(self, known: Settings | WizardError) -> tuple[Finding, ...]:
        if isinstance(known, WizardError):
            return (self._not_run("Clock"),)
        return (await outside.skew(known.default, self.environ, self.clock),)

    async def _files(self, known: Settings | WizardError) -> tuple[Finding, ...]:
        return files(self.paths, known, self.clock)

    def _not_run(self, subject: str) -> Finding:
        advice = "Mend the settings first: key-wizard doctor --only files"
        return note(subject, Outcome.NOT_RUN, "Not run: the settings cannot be read.", self.clock, advice=advice)
