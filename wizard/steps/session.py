"""The environments, and the one that is open: what either face holds from its start to its end."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from wizard.core.errors import Exit
from wizard.rotation.model import TITLES, Mode, Step
from wizard.steps.presenter import job_name

if TYPE_CHECKING:
    from wizard.core.errors import WizardError
    from wizard.core.settings import Environment
    from wizard.environments import Environments
    from wizard.rotation.flow import Flow


NOTHING_OPEN = "No job is open."
IN_MEMORY = "This rehearsal ends now, because its keys are in memory only."


class EnvironmentSession:
    """At most one environment is open. `command` brings the user back; `environment` and `job` were named with it."""

    def __init__(
        self, environments: Environments, command: str, environment: str | None = None, job: Mode | None = None
    ) -> None:
        self.environments = environments
        self.named = environment
        self.job = job
        """Begun, or resumed, as soon as an environment is open; None after that."""
        self.flow: Flow | None = None
        """What is open."""
        self.farewell: tuple[str, ...] = ()
        """What is to be said when the wizard has closed."""
        self.problem: WizardError | None = None
        """Why the environments cannot be listed, or one of them cannot be opened."""
        self._left_with: int = Exit.FINE
        self._command = command
        self._stack = AsyncExitStack()

    @property
    def place(self) -> str:
        """The place of the credentials as a phrase within a sentence."""
        return self.flow.place if self.flow else self.environments.place

    @property
    def exit_code(self) -> int:
        """What the program ends with: by what does not open, or by the environment that was open last."""
        return self.problem.exit_code if self.problem else self._left_with

    async def open(self, environment: Environment) -> Flow:
        """Open one environment, and close the one before it. Raises WizardError, with the remedy."""
        await self.close_environment()
        self.flow = await self._stack.enter_async_context(self.environments.flow(environment))
        return self.flow

    async def close_environment(self) -> None:
        """Close the environment that is open: its lock is free for another wizard."""
        try:
            if self.flow is not None:
                self._left_with = self.flow.exit_code
                self.farewell = self.closing() if self.flow.step else ()
        finally:
            self.flow = None
            await self._stack.aclose()

    async def close(self) -> None:
        """Let go of everything. Raises WizardError where the job cannot be seen, or a rehearsal leaves a key."""
        try:
            await self.close_environment()
        finally:
            await self.environments.close()

    def closing(self) -> tuple[str, ...]:
        """Say what stays open when the wizard is closed now, and how one comes back. A command stands alone."""
        flow = self.flow
        rehearsal = self.environments.about[:1]
        if flow is None or flow.step in (None, Step.DONE):
            return (NOTHING_OPEN, *rehearsal)
        if not flow.context.vault.store.durable:
            return (*_left_open(flow, "A real job would stay open"), IN_MEMORY, *rehearsal)
        said = _left_open(flow, f"The job “{job_name(flow)}” stays open")
        return (*said, "Come back with", f"  {self._command}", *rehearsal)


def _left_open(flow: Flow, stays: str) -> tuple[str, str]:
    """Say where the open job stands and which keys are stored."""
    step, current, legacy = flow.context.rotation.step, flow.current, flow.retire.legacy
    in_use = f" {current.name} stays in use." if current else ""
    if flow.context.rotation.mode is Mode.LEAKED and current and not legacy:
        in_use = f" {current.name} has leaked. Delete it on Binance."
    if step is Step.RETIRE and legacy:
        stored = f"{legacy.name} stays stored until it is proven dead.{in_use}"
    elif flow.context.rotation.mode is Mode.WHITELIST:
        stored = in_use.strip()
    elif flow.credentials.pending is not None:
        stored = f"The new key is stored.{in_use}"
    elif step is Step.CREDENTIALS:
        stored = f"What you typed and did not save is lost.{in_use}"
    else:
        stored = f"No new key is stored yet.{in_use}"
    return f"{stays} at {TITLES[step]}.", stored
