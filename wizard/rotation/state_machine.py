"""Every job, every move in it, and what a move needs, as two tables. What they do not hold, nobody can do.

`transition` is the only maker of a `Transition`, and the journal takes no other word for where a job goes. A move is
one durable transaction: a crash leaves the job at the step before it or after it, never in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from wizard.core.errors import UsageError
from wizard.custody.records import KeyRecord
from wizard.rotation.model import JOB_NAMES, TITLES, Mode, RotationRecord, Step


class Move(StrEnum):
    """What takes a job from one step to another."""

    NEXT = "next"
    BACK = "back"
    SWITCH = "switch"
    """The new key becomes the current one, the current one the legacy key."""
    RECORD = "record"
    """The list in use is now the one that was composed."""
    UNDO = "undo"
    FINISH = "finish"
    GIVE_UP = "give up"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when a move is wished for."""

    has_list: bool = False
    """A valid whitelist was composed in this job."""
    has_new_key: bool = False
    """A new key is stored and was read back."""
    is_proven: bool = False
    """The probe proved the key, and Binance accepted it once more just now."""
    has_legacy: bool = False
    """A legacy key is not retired yet."""
    accepts_legacy: bool = False
    """Binance accepted the legacy key when both keys were asked last, or the current key is refused or not stored."""


class Job(NamedTuple):
    """The steps of a job, in order, and whether it needs a current key or needs that there is none."""

    steps: tuple[Step, ...]
    has_current: bool


class Rule(NamedTuple):
    """One row of the table."""

    at: frozenset[Step]
    move: Move
    guard: Callable[[Facts], bool]
    to: Step | int
    """A step, or how many steps of the job further."""
    jobs: frozenset[Mode] = frozenset(Mode)


@dataclass(frozen=True, slots=True)
class Transition:
    """A move that a job may take now. Only `transition` makes one."""

    rotation: RotationRecord
    move: Move
    to: Step


_S = Step
_NEW_KEY = (_S.EGRESS, _S.WHITELIST, _S.CREDENTIALS, _S.PROBE)
JOBS: Mapping[Mode, Job] = {
    Mode.ROTATE: Job((*_NEW_KEY, _S.RETIRE, _S.DONE), has_current=True),
    Mode.SET_UP: Job((*_NEW_KEY, _S.DONE), has_current=False),
    Mode.ADOPT: Job((_S.CREDENTIALS, _S.PROBE, _S.DONE), has_current=False),
    Mode.WHITELIST: Job((_S.EGRESS, _S.WHITELIST, _S.APPLY, _S.PROBE, _S.DONE), has_current=True),
    Mode.LEAKED: Job((_S.DELETE, *_NEW_KEY, _S.RETIRE, _S.DONE), has_current=True),
    Mode.RETIRE: Job((_S.RETIRE, _S.DONE), has_current=True),
}

_OPEN = frozenset({_S.DELETE, _S.EGRESS, _S.APPLY})
_BEFORE_SWITCH = frozenset({_S.DELETE, _S.APPLY, *_NEW_KEY})
_LIST_ONLY = frozenset({Mode.WHITELIST})
_RETIRE_ONLY = frozenset({Mode.RETIRE})
# fmt: off
RULES = (
    #    at                              move           needs                                               leads to
    Rule(_OPEN,                          Move.NEXT,     lambda _: True,                                     +1),
    Rule(frozenset({_S.WHITELIST}),      Move.NEXT,     lambda now: now.has_list,                           +1),
    Rule(frozenset({_S.CREDENTIALS}),    Move.NEXT,     lambda now: now.has_new_key,                        +1),
    Rule(frozenset({_S.PROBE}),          Move.SWITCH,   lambda now: now.is_proven and now.has_new_key,      +1,
         frozenset(Mode) - _LIST_ONLY),
    Rule(frozenset({_S.PROBE}),          Move.RECORD,   lambda now: now.is_proven and now.has_list,         _S.DONE,
         _LIST_ONLY),
    Rule(frozenset({_S.RETIRE}),         Move.UNDO,     lambda now: now.has_legacy and now.accepts_legacy,  _S.PROBE,
         frozenset(Mode) - _RETIRE_ONLY),
    Rule(frozenset({_S.RETIRE}),         Move.FINISH,   lambda now: not now.has_legacy,                     _S.DONE),
    Rule(frozenset({_S.DONE}),           Move.FINISH,   lambda _: True,                                     _S.DONE),
    Rule(_BEFORE_SWITCH,                 Move.BACK,     lambda _: True,                                     -1),
    Rule(_BEFORE_SWITCH,                 Move.GIVE_UP,  lambda _: True,                                     _S.DONE),
    Rule(frozenset({_S.RETIRE}),         Move.GIVE_UP,  lambda now: not now.has_legacy,                     _S.DONE,
         _RETIRE_ONLY),
)
# fmt: on


def transition(rotation: RotationRecord, move: Move, now: Facts) -> Transition | None:
    """Return where a move leads from where a job stands; None where the tables do not allow it."""
    steps = JOBS[rotation.mode].steps
    for rule in RULES:
        fits = rotation.mode in rule.jobs and rotation.step in rule.at and rule.move is move
        if fits and rule.guard(now):
            if isinstance(rule.to, Step):
                return Transition(rotation, move, rule.to)
            position = steps.index(rotation.step) + rule.to
            return Transition(rotation, move, steps[max(0, min(position, len(steps) - 1))])
    return None


def refuse_misfit(mode: Mode, current: KeyRecord | None, is_open: RotationRecord | None) -> None:
    """Raise `UsageError` where a job cannot begin: one is open, or it needs a key in use, or that there is none."""
    what = why = advice = ""
    if is_open is not None:
        what, advice = "A job is open already", "Resume it, or give it up first."
        why = f"It is {JOB_NAMES[is_open.mode]}, and it stands at {TITLES[is_open.step]}."
    elif current is not None and not JOBS[mode].has_current:
        what, why, advice = "A key is in use already", f"It is {current.name}.", "Replace it."
    elif current is None and JOBS[mode].has_current:
        what, advice = "No key is in use yet", "Create one, or import the one you use."
    if what:
        raise UsageError(what, why=why, advice=advice, code="rotation.out-of-place")
