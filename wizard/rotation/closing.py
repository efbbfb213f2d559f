"""Is it safe to close now, and how does one come back? Said on every screen."""

from __future__ import annotations

from wizard.core.exit_codes import Exit
from wizard.rotation.model import Step

_NOTHING_OPEN = "nothing is open"
_FINISHED = "the rotation is finished"
_IN_MEMORY = "the rehearsal then ends for good"
_WATCHED = "both keys are stored; watched again later"
_BOTH = "both keys are stored"
_NEW = "the new key is stored"
_TYPED = "only what is not stored yet is lost"
_NOTHING_STORED = "nothing new is stored yet"


def safe_to_close(
    step: Step | None, *, durable: bool = True, has_pending: bool = False, has_current: bool = False
) -> str:
    """Return what closing now means. Closing is in fact safe at every moment.

    Args:
        step: Where the rotation stands; None when none is open.
        durable: Whether the credentials outlive this program. Only a rehearsal may lose them.
        has_pending: Whether a new key is stored.
        has_current: Whether a key is in use.
    """
    if step is None:
        return _NOTHING_OPEN
    if step is Step.DONE:
        return _FINISHED
    if not durable:
        return _IN_MEMORY
    if step is Step.RETIRE:
        return _WATCHED
    if has_pending:
        return _BOTH if has_current else _NEW
    return _TYPED if step is Step.CREDENTIALS else _NOTHING_STORED


def exit_code(step: Step | None) -> Exit:
    """Return what the wizard ends with when it is left at this step.

    Args:
        step: Where the rotation stands; None when none is open.
    """
    if step in (None, Step.DONE):
        return Exit.FINE
    return Exit.LEGACY_ALIVE if step is Step.RETIRE else Exit.ROTATION_OPEN
