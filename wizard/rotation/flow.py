"""The flow of a rotation: pure data in, evidence out. Screens, lines and rehearsals are its clients.

Where a rotation stands is in the journal alone; a `Flow` made after a crash goes on where the one
before it ended.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from wizard.rotation.certificate import Certificate, write_certificate
from wizard.rotation.context import Context
from wizard.rotation.model import STEPS, Finding, KeyRecord, Mode, RotationRecord, Slot, Step
from wizard.rotation.retirement import Death
from wizard.rotation.steps.credentials import CredentialsStep
from wizard.rotation.steps.egress import EgressStep
from wizard.rotation.steps.probe import ProbeReport, ProbeStep
from wizard.rotation.steps.retire import RetireStep
from wizard.rotation.steps.whitelist import WhitelistStep

CERTIFIED = "rotation.certified"


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was checked before the user touches the exchange."""

    keyring: Finding
    recovered: tuple[str, ...] = ()
    """What an interrupted run had left, and what was done about it."""


class Flow:
    """One environment under the wizard's hands."""

    def __init__(self, context: Context, preflight: Preflight) -> None:
        self.context = context
        self.preflight = preflight
        self.egress = EgressStep(context)
        self.whitelist = WhitelistStep(context)
        self.credentials = CredentialsStep(context)
        self.probe = ProbeStep(context)
        self.retire = RetireStep(context)

    @property
    def rotation(self) -> RotationRecord | None:
        """The open rotation, or None."""
        return self.context.journal.open_rotation(self.context.environment.name)

    @property
    def step(self) -> Step | None:
        """Where the open rotation stands."""
        return self.rotation.step if self.rotation else None

    @property
    def current(self) -> KeyRecord | None:
        """The key in use."""
        return self.context.journal.key_in(self.context.environment.name, Slot.CURRENT)

    @property
    def is_durable(self) -> bool:
        """Whether the credentials outlive this program."""
        return self.context.keeping.vault.store.durable

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps of the open rotation, in order."""
        return STEPS[self.context.rotation.mode]

    def begin(self, mode: Mode) -> RotationRecord:
        """Open a rotation at its first step."""
        return self.context.journal.begin_rotation(self.context.environment.name, mode, STEPS[mode][0])

    def settle(self) -> None:
        """Take the step that an interrupted run had earned but not taken any more."""
        if self.step is Step.PROBE and self.credentials.pending is None and self._was_promoted():
            if Step.RETIRE in self.steps:
                self.advance()
            else:
                self._finish(None, None, "stored")
        if self.step is Step.RETIRE and self.retire.legacy is None:
            death = self.retire.death()
            self._finish(self.retire.buried, death, death.grade)

    def _was_promoted(self) -> bool:
        current = self.current
        return current is not None and current.stored_at >= self.context.rotation.started_at

    def advance(self) -> Step:
        """Move to the next step and return it."""
        return self._move(+1)

    def back(self) -> Step:
        """Move to the step before, where that is possible, and return where we are.

        After promotion there is no way back: the new key is the current one.
        """
        return self.context.rotation.step if self.step is Step.RETIRE else self._move(-1)

    def complete(self, report: ProbeReport) -> Certificate | None:
        """Promote the proven key, then go on to retirement, or finish where there is nothing to retire."""
        self.probe.promote(report)
        if Step.RETIRE in self.steps:
            self.advance()
            return None
        return self._finish(None, None, "stored")

    async def purge(self, last_four: str | None = None) -> Certificate:
        """Purge the legacy secret and close the rotation with its certificate.

        Args:
            last_four: What the user typed to give a weakly proven key up; None where the death is proven.

        Raises:
            wizard.errors.WizardError: the legacy key is not proven dead, or the keyring refused.
        """
        legacy, death = self.retire.legacy, self.retire.death()
        await (self.retire.purge() if last_four is None else self.retire.purge_on_word(last_four))
        return self._finish(legacy, death, death.grade)

    async def abandon(self) -> None:
        """Give the rotation up before promotion: the current key stays, the new one is purged."""
        for record in self.context.journal.keys(self.context.environment.name):
            if record.slot in (Slot.PENDING, Slot.DRAFT):
                await self.context.keeping.purge(record, "the rotation was abandoned")
        self.context.journal.finish(self.context.rotation, "abandoned")

    @property
    def can_be_abandoned(self) -> bool:
        """Whether nothing was promoted yet."""
        return self.step not in (None, Step.RETIRE, Step.DONE)

    def _move(self, by: int) -> Step:
        steps = self.steps
        position = steps.index(self.context.rotation.step) + by
        step = steps[max(0, min(position, len(steps) - 1))]
        self.context.journal.move(self.context.rotation, step)
        return step

    def _finish(self, legacy: KeyRecord | None, death: Death | None, outcome: str) -> Certificate:
        rotation, current = self.context.rotation, self.current
        assert current is not None  # noqa: S101 - a rotation is finished only after a promotion
        now, egress = self.context.clock(), self.context.egress
        certificate = write_certificate(rotation, current, legacy, death, egress=egress, now=now)
        self.context.journal.record(rotation, CERTIFIED, asdict(certificate))
        self.context.journal.finish(rotation, outcome)
        return certificate
