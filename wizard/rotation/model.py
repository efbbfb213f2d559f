"""The words of a rotation as data: steps, slots, outcomes, evidence, records."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from wizard.credentials import KeyKind, KeyName


class Step(StrEnum):
    """Where a rotation stands. `DONE` is the summary after the last step."""

    EGRESS = "egress"
    WHITELIST = "whitelist"
    CREDENTIALS = "credentials"
    PROBE = "probe"
    RETIRE = "retire"
    DONE = "done"


TITLES = {
    Step.EGRESS: "Egress",
    Step.WHITELIST: "Whitelist",
    Step.CREDENTIALS: "Credentials",
    Step.PROBE: "Probe",
    Step.RETIRE: "Retire",
    Step.DONE: "Summary",
}
"""The steps by name, in order, for people."""


class Mode(StrEnum):
    """Why the wizard was started."""

    ROTATE = "rotate"
    """Replace the current key."""
    SET_UP = "set-up"
    """Store the first key of an environment; there is nothing to retire."""
    ADOPT = "adopt"
    """Bring a key that is in use already under the wizard's care."""


STEPS: dict[Mode, tuple[Step, ...]] = {
    Mode.ROTATE: (Step.EGRESS, Step.WHITELIST, Step.CREDENTIALS, Step.PROBE, Step.RETIRE, Step.DONE),
    Mode.SET_UP: (Step.EGRESS, Step.WHITELIST, Step.CREDENTIALS, Step.PROBE, Step.DONE),
    Mode.ADOPT: (Step.CREDENTIALS, Step.PROBE, Step.DONE),
}


class Slot(StrEnum):
    """The role of stored credentials (DESIGN section 2)."""

    DRAFT = "draft"
    """A key pair made here whose API key is not known yet."""
    PENDING = "pending"
    CURRENT = "current"
    LEGACY = "legacy"
    RETIRED = "retired"
    DISCARDED = "discarded"
    """Purged without ever having been in use: a draft that was completed, a key that was entered again."""


class Holding(StrEnum):
    """What the journal knows of a keyring item. Announced first, confirmed after."""

    ANNOUNCED = "announced"
    STORED = "stored"
    PURGING = "purging"
    PURGED = "purged"


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
    """How sure the death of the legacy key is (DESIGN section 8)."""

    PROVEN = "proven"
    STRONG = "strong"
    WEAK = "weak"
    ALIVE = "alive"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check with its evidence: no tick without it (DESIGN promise 3)."""

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
class KeyRecord:
    """What the journal knows of one key. No secret, no whole API key."""

    environment: str
    name: KeyName
    kind: KeyKind
    slot: Slot
    holding: Holding
    item: str
    """The service name of its keyring item."""
    store: str
    """Where the item lies, in words."""
    backend: str
    """The same for code: an item is looked for only where it was put."""
    stored_at: float
    version: int = 1
    """Counts up when an API key is stored again with another secret: one item per version."""
    proven_at: float | None = None
    """When it was last accepted by the exchange."""
    retired_at: float | None = None
    whitelist: str = ""
    """The list it was created with, separated by commas."""


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
    """One line of the append-only log, chained to the one before by its hash."""

    number: int
    at: float
    rotation: int | None
    kind: str
    detail: dict[str, object] = field(default_factory=dict)
