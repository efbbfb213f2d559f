"""What every step of the line mode is given, and what it says about steps, findings and reports."""

from __future__ import annotations

from collections.abc import Iterable

from wizard.core.clock import duration
from wizard.core.errors import sentences
from wizard.plain.talk import Talk
from wizard.rotation.flow import Flow
from wizard.rotation.model import TITLES, Finding, Outcome, Step
from wizard.rotation.report import Report
from wizard.steps.guide import STEPS
from wizard.steps.home import headline, seen
from wizard.steps.session import EnvironmentSession


class Stage:
    """The user before the environments, one of which may be open.

    A step returns whether to go on where the rotation stands now; else the user goes home.

    Args:
        talk: The conversation.
        session: The environments.
    """

    def __init__(self, talk: Talk, session: EnvironmentSession) -> None:
        self.talk = talk
        self.session = session

    @property
    def flow(self) -> Flow:
        """The open environment."""
        assert self.session.flow is not None  # noqa: S101 - steps are taken in an open environment
        return self.session.flow

    def introduce(self, step: Step, *lines: str) -> None:
        """Say where the user is, and what the step asks."""
        flow, environment = self.flow, self.flow.context.environment
        mode = flow.context.rotation.mode.value.replace("-", " ")
        self.talk.say(
            "",
            f"Step {flow.steps.index(step) + 1} of {len(flow.steps)}, {TITLES[step]}."
            f" Environment {environment.name} on {environment.site.name}, {mode}.",
        )
        if flow.storage:
            self.talk.say(f"Credentials are {flow.storage}.")
        if seconds := flow.retire.overlap():
            self.talk.say(f"Two keys have been alive for {duration(seconds)}.")
        self.talk.say(*(lines or (STEPS[step].question,)))

    def on(self) -> bool:
        """Go on to the next step."""
        self.flow.advance(self.flow.context.rotation.step)
        return True

    def back(self) -> bool:
        """Go back one step; from the first one, and from the last one, home."""
        step = self.flow.step
        if step is Step.RETIRE:
            self.talk.say("There is no way back after promotion: the new key is the current one.")
        return self.flow.back() is not step

    def tell_summary(self, certificate: Report) -> None:
        """Say what was proven and what was not. The journal keeps it."""
        self.talk.say(
            "",
            f"Summary. {headline(certificate)}",
            *sentences(*(f"{label}: {text}" for label, text in certificate.lines())),
        )


def evidence(finding: Finding) -> Iterable[str]:
    """Say what a check came to, what was seen, when, from where, what that leaves open, and what to do."""
    outcome = "Not asked" if finding.outcome is Outcome.NOT_APPLICABLE else finding.outcome.capitalize()
    yield f"{outcome}: {finding.subject}. {finding.observed}"
    yield f"  {seen(finding)}"
    if finding.does_not_prove:
        yield f"  Not proven: {finding.does_not_prove}."
    if finding.advice:
        yield f"  To do: {finding.advice}"


def numbered(lines: Iterable[str]) -> Iterable[str]:
    """Number what is to be done."""
    return (f"  {number}. {line}" for number, line in enumerate(lines, 1))
