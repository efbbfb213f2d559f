"""What the home screen and `key-wizard status` show: each environment in one record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wizard.core.settings import Environment
from wizard.custody.records import KeyRecord, Slot
from wizard.rotation.journal import Journal
from wizard.rotation.model import RotationRecord


@dataclass(frozen=True, slots=True)
class Overview:
    """One environment at a glance."""

    environment: Environment
    current: KeyRecord | None
    legacy: KeyRecord | None
    open_rotation: RotationRecord | None

    @property
    def next_step(self) -> str:
        """What one would do here, in a few words."""
        if self.open_rotation:
            return f"resume at {self.open_rotation.step}"
        return "rotate" if self.current else "set up"


def overview(journal: Journal, environments: Iterable[Environment]) -> tuple[Overview, ...]:
    """Read the journal for each environment."""
    return tuple(
        Overview(
            environment,
            journal.key_in(environment.name, Slot.CURRENT),
            journal.key_in(environment.name, Slot.LEGACY),
            journal.open_rotation(environment.name),
        )
        for environment in environments
    )
