"""What the unattended rehearsal saw, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wizard.core.errors import WizardError
from wizard.rotation.model import Finding, Outcome


class Shortfall(WizardError):
    """A step of the rehearsal did not pass.

    Args:
        evidence: Everything that the step showed, at least one finding.
        outcome: Failed, or inconclusive.
    """

    def __init__(self, evidence: Sequence[Finding], outcome: Outcome) -> None:
        super().__init__(evidence[-1].observed)
        self.evidence = tuple(evidence)
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class PlayedStep:
    """One step with what it showed."""

    step: str
    outcome: Outcome
    evidence: tuple[Finding, ...]
    seconds: float
    mending: str = ""
    """What the user did about what the step showed; empty where nothing."""

    @property
    def sentence(self) -> str:
        """The finding that says most, in one line."""
        worst = (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.WARNING)
        bad = sorted(
            (each for each in self.evidence if each.outcome in worst), key=lambda each: worst.index(each.outcome)
        )
        speaking = bad[0] if bad else self.evidence[-1]
        return speaking.observed

    def as_json(self) -> dict[str, Any]:
        """Return the step as JSON shapes."""
        return {
            "step": self.step,
            "outcome": self.outcome,
            "seconds": round(self.seconds, 3),
            "mending": self.mending,
            "evidence": [
                {
                    "subject": finding.subject,
                    "outcome": finding.outcome,
                    "observed": finding.observed,
                    "at": finding.at,
                    "from": finding.from_address,
                    "does_not_prove": finding.does_not_prove,
                    "advice": finding.advice,
                    "milliseconds": finding.milliseconds,
                }
                for finding in self.evidence
            ],
        }
