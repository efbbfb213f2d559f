"""Is it safe to close now, and how does one come back? Said on every screen (DESIGN promise 6)."""

from __future__ import annotations

from wizard.exit_codes import Exit
from wizard.rotation.model import Step

_SAID: dict[Step | None, str] = {
    None: "nothing is open",
    Step.EGRESS: "nothing is stored yet",
    Step.WHITELIST: "nothing is stored yet",
    Step.CREDENTIALS: "only what is not stored yet is lost",
    Step.PROBE: "both keys are stored",
    Step.RETIRE: "both keys are stored; watched again later",
    Step.DONE: "the rotation is finished",
}
_IN_MEMORY = "the rehearsal ends, its keys are in memory only"


def safe_to_close(step: Step | None, *, durable: bool = True) -> str:
    """Return what closing at this step means. Closing is in fact safe at every moment.

    Args:
        step: Where the rotation stands; None when none is open.
        durable: Whether the credentials outlive this program. Only a rehearsal may lose them.
    """
    return _SAID[step] if durable or step in (None, Step.DONE) else _IN_MEMORY


def exit_code(step: Step | None) -> Exit:
    """Return what the wizard ends with when it is left at this step.

    Args:
        step: Where the rotation stands; None when none is open.
    """
    if step in (None, Step.DONE):
        return Exit.FINE
    return Exit.LEGACY_ALIVE if step is Step.RETIRE else Exit.ROTATION_OPEN
