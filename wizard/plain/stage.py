"""What every step of the line mode is given, and where it can lead."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from wizard.custody.custodian import Custodian
from wizard.plain.counter import Counter
from wizard.plain.talk import Talk
from wizard.plain.words import introduction
from wizard.rotation.flow import Flow
from wizard.rotation.model import Step


class Way(Enum):
    """Where a step leads."""

    ON = "on"
    """To the step at which the journal says that the rotation stands."""
    HOME = "home"


@dataclass(frozen=True, slots=True)
class Stage:
    """One open environment and the user before it."""

    talk: Talk
    flow: Flow
    counter: Counter | None
    """The simulated page of a rehearsal; None where the exchange's page is a real one."""
    custodian: Custodian | None = None
    """What opens the place of the credentials; None in a rehearsal."""

    def introduce(self, step: Step, *lines: str) -> None:
        """Say where the user is."""
        self.talk.say(*introduction(self.flow, step), *lines)

    def about(self, text: str) -> str:
        """Return the help of a step; `{place}` in it is the place of the credentials."""
        return text.format(place=self.flow.place)

    def on(self) -> Way:
        """Go on to the next step."""
        self.flow.advance(self.flow.context.rotation.step)
        return Way.ON

    def back(self) -> Way:
        """Go back one step; from the first one, and from the last one, home."""
        step = self.flow.step
        if step is Step.RETIRE:
            self.talk.say("There is no way back after promotion: the new key is the current one.")
        return Way.HOME if self.flow.back() is step else Way.ON
