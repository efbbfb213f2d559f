"""What one page says, shows and offers, as data: the screens draw it, the lines speak it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wizard.rotation.model import Outcome, Step

PRIMARY, BACK, TOGGLE = "enter", "escape", "space"
"""The keys that mean the same on every page: the one primary action, the way back, the tick of a row."""


class State(StrEnum):
    """What something comes to. Each has its own sign and colour, and no sign stands without its words."""

    EMPTY = "empty"
    """Neutral."""
    WAITING = "waiting"
    """Its turn has not come."""
    WORKING = "working"
    GOOD = "good"
    LOOK = "look"
    """It needs a look."""
    STOP = "stop"
    """It stops the user."""
    UNSURE = "unsure"
    """Inconclusive: neither good nor bad."""

    @classmethod
    def of(cls, outcome: Outcome) -> State:
        """Return the state that shows the outcome of a check."""
        shown = {"passed": cls.GOOD, "warning": cls.LOOK, "failed": cls.STOP, "inconclusive": cls.UNSURE}
        return shown.get(outcome.value, cls.EMPTY)


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done now. On screens it is one key, in lines one word."""

    word: str
    key: str
    label: str
    """Verb and noun, for the footer and the menu: `Ask Binance`."""
    about: str
    """What it does, as one sentence, for help and the menu."""
    run: Callable[..., Awaitable[object]]
    """Does it. It is given the row's item, where it is about a row, and then the text, where it asks for one."""
    is_about_row: bool = False
    asks_for: str = ""
    """What the user types first, as a phrase: `Address or block`. Empty where nothing is typed."""
    text: str = ""
    """What stands in that field at first."""
    takes_lines: bool = False
    """Whether that may be several lines."""
    also: str = ""
    """A second key, where Enter runs what has a letter of its own on other pages."""
    is_in_footer: bool = True
    """Whether the footer has it; help lists all."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list or of the evidence."""

    cells: tuple[str, ...]
    """A single cell is a sentence, which may take several lines."""
    state: State = State.EMPTY
    sign_before: int = 0
    """The number of the cell that the sign of the state stands before."""
    is_ticked: bool | None = None
    """None where there is nothing to tick."""
    item: str = ""
    """By what actions know the row."""
    detail: tuple[str, ...] = ()
    """What is said of the row under the cursor, the advice first."""
    offers: tuple[tuple[str, str], ...] = ()
    """What actions make of the row: the word of each, and a phrase."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One thing that the user does elsewhere. Instructions are numbered."""

    text: str
    exact: tuple[str, ...] = ()
    """What is pasted there, line for line."""
    key: str = ""
    """The key of the action that helps with it, such as copying."""
    does: str = ""
    """What that one does, as one word."""
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """The steps of a job, and where it stands."""

    steps: tuple[Step, ...]
    step: Step
    skipped: frozenset[Step] = frozenset()
    """Steps that were left without what they are for: they are never ticked."""


@dataclass(frozen=True, slots=True)
class View:
    """A page as it is now: verdict, cause, fix, list, evidence, and what can be done."""

    state: State
    verdict: str
    because: tuple[str, ...] = ()
    """The cause, as sentences."""
    fix: tuple[str, ...] = ()
    """What to do about it."""
    corner: str = ""
    """A few words at the end of the rule above the verdict: `4 of 20 used`."""
    corner_state: State = State.EMPTY
    instructions: tuple[Instruction, ...] = ()
    list_title: str = ""
    columns: tuple[str, ...] = ()
    """The heads of the list's columns; none where they speak for themselves."""
    rows: tuple[Row, ...] = ()
    cursor: str = ""
    """The item that the cursor goes to when it is not on any row yet."""
    evidence_title: str = "Evidence"
    evidence: tuple[Row, ...] = ()
    not_proven: str = ""
    """What the evidence leaves open, as a phrase."""
    actions: tuple[Action, ...] = ()
    """In the order of the footer."""

    def action(self, key: str) -> Action | None:
        """Return the action behind a key of the screens."""
        return next((action for action in self.actions if key in (action.key, action.also)), None)


@dataclass(frozen=True, slots=True)
class Consent:
    """A question, what will happen and what will not, and the word that has to be typed for it."""

    title: str
    text: str
    word: str


def lines(*sentences: str) -> tuple[Row, ...]:
    """Return sentences as evidence."""
    return tuple(Row((sentence,)) for sentence in sentences if sentence)


def split_verdict(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the first sentence of a text, and the others."""
    first, *others = re.split(r"(?<=[.!?]) (?=\S)", text)
    return first, tuple(others)
