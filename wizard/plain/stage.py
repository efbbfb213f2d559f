"""What every step of the line mode is given, and how a step is introduced."""

from __future__ import annotations

from wizard.core.clock import duration
from wizard.plain.talk import Talk
from wizard.rotation.flow import Flow
from wizard.rotation.model import TITLES, Step
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

    def introduce(self, step: Step, title: str) -> None:
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
        self.talk.say(title)
