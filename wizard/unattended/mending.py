"""What a user does on the simulated page, and in the wizard, who has seen in the probe what is wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wizard.core.errors import WizardError
from wizard.rehearsal.scenarios import Scenario, WayOut
from wizard.rehearsal.simulated_page import ListedKey, SimulatedPage
from wizard.rotation.flow import Flow
from wizard.rotation.model import Step
from wizard.whitelist import parse


class CannotMend(WizardError):
    """The way out is not open any more."""


@dataclass(frozen=True, slots=True)
class Mender:
    """Takes the scenario's way out."""

    flow: Flow
    simulated_page: SimulatedPage
    scenario: Scenario
    passes_after: float
    """Seconds until a fault that passes by itself is over."""

    async def mend(self) -> str:
        """Do it, and return what was done as a sentence; nothing where the drill has no way out.

        Raises:
            wizard.core.errors.WizardError: the simulated page or the flow does not accept it.
        """
        ways: dict[WayOut, Callable[[], Awaitable[str]]] = {
            WayOut.WAIT: self._wait,
            WayOut.LIST: self._correct_list,
            WayOut.PERMISSION: self._allow,
            WayOut.NEW_KEY: self._give_up_key,
        }
        way = ways.get(self.scenario.way_out)
        return await way() if way else ""

    async def _wait(self) -> str:
        await self.flow.context.pause(self.passes_after)
        return f"Waited {self.passes_after:g} s."

    async def _correct_list(self) -> str:
        rotation = self.flow.context.rotation
        listed = filter(None, self.flow.context.journal.whitelist_of(rotation).split(","))
        seen = (await self.flow.egress.detect()).verdict.addresses
        entries = dict.fromkeys((*listed, *map(str, seen)))
        self.flow.back()
        if self.flow.back() is not Step.WHITELIST:
            raise CannotMend("This rotation has no list to correct", advice="Begin the drill anew, by replacing a key.")
        self.flow.whitelist.settle(parse("\n".join(entries)))
        self.flow.advance(Step.WHITELIST)
        self.flow.advance(Step.CREDENTIALS)
        text = self.flow.context.journal.whitelist_of(self.flow.context.rotation)
        # Both keys: from an address that is not on its list the legacy key cannot be seen to die.
        for key in await self.simulated_page.keys():
            await self.simulated_page.set_whitelist(key.api_key, text)
        return f"Saved the list {text} for every key at the desk."

    async def _allow(self) -> str:
        new = await self._new_key()
        name = self.scenario.loses_permission
        await self.simulated_page.set_permissions(new.api_key, **{**new.permissions, name: True})
        return f"Switched {name} on at the desk."

    async def _give_up_key(self) -> str:
        new = await self._new_key()
        await self.simulated_page.delete(new.api_key)
        self.flow.back()
        return "Deleted the new key at the desk and went back to make another."

    async def _new_key(self) -> ListedKey:
        pending = self.flow.credentials.pending
        for key in await self.simulated_page.keys():
            if pending and key.api_key.fingerprint() == pending.name.fingerprint:
                return key
        raise CannotMend("The new key is not at the desk", advice="Make another key there and enter that one.")
