"""All areas at the same time, each with its findings. Invariant: one area's trouble hides no other's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

from wizard.checks.files import check_files
from wizard.checks.network import check_clock, check_network
from wizard.checks.storage import compare_stored_keys, try_place
from wizard.core import settings
from wizard.core.clock import Clock
from wizard.core.errors import WizardError
from wizard.core.settings import Paths, Settings
from wizard.core.terminal import inspect_terminal
from wizard.custody.store import Store
from wizard.rotation.findings import FindingWriter
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
    stdin: TextIO | None
    stderr: TextIO | None
    open_store: Callable[[], Awaitable[Store]]
    clock: Clock

    @property
    def writer(self) -> FindingWriter:
        """What is seen on this host is seen from no address."""
        return FindingWriter(self.clock, "")

    async def look(self, areas: Collection[Area] = tuple(Area)) -> dict[Area, tuple[Finding, ...]]:
        """Return the findings of each area asked for. Trouble is a finding, never an exception."""
        known = self._settings()
        ways: dict[Area, Callable[[], Awaitable[tuple[Finding, ...]]]] = {
            Area.TERMINAL: self._check_terminal,
            Area.KEYRING: lambda: self._check_storage(known),
            Area.NETWORK: lambda: self._check_network(known),
            Area.CLOCK: lambda: self._check_clock(known),
            Area.FILES: lambda: self._check_files(known),
        }
        asked = [area for area in Area if area in areas]
        return dict(zip(asked, await asyncio.gather(*(ways[area]() for area in asked)), strict=True))

    def _settings(self) -> Settings | WizardError:
        try:
            return settings.load(self.paths.config_file)
        except WizardError as error:
            return error

    async def _check_terminal(self) -> tuple[Finding, ...]:
        """Say whether full screens can be drawn. Where they cannot, everything else still works."""
        report = inspect_terminal(self.environ, self.stdin, self.stderr)
        if problem := report.problem():
            return (self.writer.error("Terminal", Outcome.WARNING, problem),)
        size = f"{report.columns}x{report.lines}" if report.columns and report.lines else "size not told"
        observed = f"Full screens can be drawn: {report.term}, {size}."
        return (self.writer.note("Terminal", Outcome.PASSED, observed),)

    async def _check_storage(self, known: Settings | WizardError) -> tuple[Finding, ...]:
        place = await try_place(self.open_store, self.writer)
        if place.outcome is Outcome.FAILED or isinstance(known, WizardError):
            return (place,)
        return place, await compare_stored_keys(await self.open_store(), self.paths, known.environments, self.writer)

    async def _check_network(self, known: Settings | WizardError) -> tuple[Finding, ...]:
        if isinstance(known, WizardError):
            return (self._not_run("Network"),)
        environments = known.environments.values()
        return tuple(await asyncio.gather(*(check_network(one, self.environ, self.writer) for one in environments)))

    async def _check_clock(self, known: Settings | WizardError) -> tuple[Finding, ...]:
        if isinstance(known, WizardError):
            return (self._not_run("Clock"),)
        return (await check_clock(known.default, self.environ, self.writer),)

    async def _check_files(self, known: Settings | WizardError) -> tuple[Finding, ...]:
        return check_files(self.paths, known, self.writer)

    def _not_run(self, subject: str) -> Finding:
        advice = "Mend the settings first: key-wizard doctor --only files"
        return self.writer.note(subject, Outcome.NOT_RUN, "Not run: the settings cannot be read.", advice=advice)
