"""A rotation as data: steps, outcomes, evidence, records, and what leaving it means."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from wizard.core.errors import Exit

SWAP_WORD = "swap"
"""What is typed before API key and secret are exchanged."""


class Step(StrEnum):
    """Where a rotation stands. `DONE` is the summary after the last step."""

    DELETE = "delete"
    """A leaked key is deleted on Binance before anything else."""
    EGRESS = "egress"
    WHITELIST = "whitelist"
    APPLY = "apply"
    """The list is pasted into the key in use."""
    CREDENTIALS = "credentials"
    PROBE = "probe"
    RETIRE = "retire"
    DONE = "done"


TITLES = {step: {"egress": "Egress IP", "done": "Summary"}.get(step, step.capitalize()) for step in Step}
"""The steps by name, in order, for people."""


class Mode(StrEnum):
    """Which job it is."""

    ROTATE = "rotate"
    """Replace the current key."""
    SET_UP = "set-up"
    """Create the first key of an environment; there is nothing to retire."""
    ADOPT = "adopt"
    """Import a key that is in use already."""
    WHITELIST = "whitelist"
    """Change the whitelist of the current key."""
    LEAKED = "leaked"
    """Delete the current key on Binance first, then replace it."""
    RETIRE = "retire"
    """Prove that the keys are dead which earlier jobs left."""


JOB_NAMES = {
    Mode.ROTATE: "replace",
    Mode.SET_UP: "create",
    Mode.ADOPT: "import",
    Mode.WHITELIST: "whitelist",
    Mode.LEAKED: "leaked",
    Mode.RETIRE: "retire",
}
"""What people call a job, also on the command line."""


class Outcome(StrEnum):
    """What one check came to. Inconclusive is neither success nor failure."""

    PASSED = "passed"
    WARNING = "warning"
    """It passed, and there is something to look at."""
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not run"
    NOT_APPLICABLE = "not applicable"


class Grade(StrEnum):
    """How sure the death of the legacy key is."""

    PROVEN = "proven"
    STRONG = "strong"
    WEAK = "weak"
    ALIVE = "alive"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check with its evidence: no tick without it."""

    subject: str
    outcome: Outcome
    observed: str
    """What was seen, as a sentence."""
    at: float
    """When, in seconds since 1970."""
    from_address: str = ""
    """The egress address it was seen from; empty where no connection was made."""
    does_not_prove: str = ""
    advice: str = ""
    milliseconds: float | None = None

    @property
    def passed(self) -> bool:
        """Whether this check may be shown with a tick."""
        return self.outcome is Outcome.PASSED


@dataclass(frozen=True, slots=True)
class RotationRecord:
    """One rotation, open or finished."""

    number: int
    environment: str
    mode: Mode
    step: Step
    started_at: float
    finished_at: float | None = None
    outcome: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it can be resumed."""
        return self.finished_at is None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the append-only log."""

    number: int
    at: float
    rotation: int | None
    kind: str
    detail: dict[str, object] = field(default_factory=dict)


def exit_code(step: Step | None, probed: Outcome | None = None, mode: Mode | None = None) -> Exit:
    """Return what the wizard ends with when it is left at this step, None for no open job, after this probe."""
    if step in (None, Step.DONE):
        return Exit.FINE
    if step is Step.RETIRE or mode is Mode.LEAKED:
        return Exit.LEGACY_ALIVE
    is_open_question = step is Step.PROBE and probed is Outcome.INCONCLUSIVE
    return Exit.INCONCLUSIVE if is_open_question else Exit.ROTATION_OPEN
