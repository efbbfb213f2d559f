"""The Apply page: what to paste where on Binance, as the step of a job or on top of the Probe page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from wizard.core.errors import WizardError
from wizard.rotation.model import Step
from wizard.steps.by_api import ApiPresenter
from wizard.steps.presenter import Face
from wizard.steps.view import PRIMARY, Action, Consent, Progress, Row, State, View, lines
from wizard.whitelist.rendering import render

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from wizard.custody.records import KeyRecord
    from wizard.rotation.flow import Flow
    from wizard.rotation.sub_account_keys import SubAccountKeys


LOGINS = "One article says that logins on the web and in the app are not affected."


@dataclass(frozen=True, slots=True)
class ListsToSave:
    """What the Probe page has the user save: the list of each key, by the key as it is called."""

    lists: Mapping[str, str]
    unknown: str = ""
    """The key whose list is not known here: what is pasted must not take the place of that one."""
    saved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where the user says that they are saved."""


class ApplyPresenter(ApiPresenter):
    """Shows the list of each key and the way to its field: the composed list for the current key, or what is given."""

    STEP = Step.APPLY
    TITLE = "Change the list on Binance"
    ABOUT: ClassVar[str] = (
        "Binance accepts a key from the addresses on its list only."
        " You paste the list on Binance's page. Only for a sub-account can the wizard do that for you."
        f" A saved list may need a few minutes. {LOGINS}"
    )

    def __init__(self, flow: Flow, face: Face, asked: ListsToSave | None = None) -> None:
        super().__init__(flow, face)
        self._asked = asked
        composed = {f"{flow.current.name}, the current key": render(flow.context.whitelist)} if flow.current else {}
        self._lists = asked.lists if asked else composed

    @property
    def progress(self) -> Progress:
        """The steps of the job, and the one that this page belongs to."""
        return replace(super().progress, step=Step.PROBE if self._asked else self.STEP)

    async def go_on(self) -> None:
        """Take the user's word that the lists are saved."""
        if self._asked is None:
            await self.advance()
        else:
            self._asked.saved.set()
            self.face.leave()

    async def change(self) -> None:
        """Change the list by API, once that is confirmed, and go on to the probe."""
        api, current = self._api, self.flow.current
        if api is None or current is None:
            return
        listed = await self.by_api(lambda: _listed(api, current), f"Reading the list of {current.name}")
        if listed is None:
            return
        wanted = self.flow.context.whitelist
        removed = [str(address) for address in listed if not any(address in block for block in wanted)]
        text = f"It becomes {', '.join(render(wanted).split(','))}."
        if removed:
            text += f" Binance refuses {', '.join(removed)} from then on."
        title = f"Change the list of {current.name} by API?"
        if await self.face.confirm(Consent(title, text, "change")):
            done = await self.by_api(api.apply, f"Changing the list of {current.name}")
            if done is not None:
                self.face.note(done.observed)
                await self.advance()

    async def back(self) -> None:
        """Leave the lists."""
        if self._asked is None:
            await super().back()
        else:
            self.face.leave()

    async def copy(self, name: str) -> None:
        """Copy the list of a key."""
        await self.face.copy(self._lists[name], f"the list for {name}")

    def view(self) -> View:
        """Return the lists and the way to their fields."""
        names = [name.partition(",")[0] for name in self._lists]
        keys = "both keys" if len(names) > 1 else "".join(names)
        unknown = self._asked.unknown if self._asked else ""
        verdict, api = f"Paste the list into {keys} on Binance.", self._api
        if api:
            verdict = f"Change the list of {keys} in {api.settings.email} by API."
        return self.with_problem(
            View(
                State.EMPTY,
                verdict,
                because=(f"The wizard does not know the list of {unknown}. Add the address there, delete none.",)
                if unknown
                else (),
                rows=tuple(Row(each, item=each[0], detail=(each[1],)) for each in self._lists.items()),
                evidence_title="Or by hand" if api else "Where",
                evidence=lines(
                    f"1  {self.where('Open API Management on Binance.')}",
                    f"2  Choose Edit restrictions for {' and '.join(names)}.",
                    "3  Choose Restrict access to trusted IPs only.",
                    "4  Paste its list, save, and confirm with 2FA.",
                    "" if self._asked else LOGINS,
                ),
                not_proven="" if self._asked or api else "what is on Binance's list, as Binance never shows it",
                actions=self._actions(),
            )
        )

    @property
    def _api(self) -> SubAccountKeys | None:
        """What changes the list of the current key; lists that the Probe page has saved are pasted."""
        return None if self._asked else self.api

    def _actions(self) -> tuple[Action, ...]:
        saved = Action("saved", "s", "Saved, try now", "Asks until Binance accepts the key.", self.go_on)
        change = Action("change", "a", "Change the list by API", "Changes it, after a question.", self.change)
        first = [change, saved] if self.is_api_first else [saved, change]
        first = first if self._api else [saved]
        return (
            replace(first[0], key=PRIMARY, also=first[0].key if self._api else ""),
            *first[1:],
            Action("copy", "c", "Copy list", "Copies the list of a key.", self.copy, is_about_row=True),
            *self.page_actions(),
            self.back_action(),
        )


async def _listed(api: SubAccountKeys, current: KeyRecord) -> tuple[IPv4Address, ...]:
    """Return the list that Binance has; empty where the key is open to every address."""
    await api.check_master()  # a list that is not found may be too new, and would be waited for
    try:
        return await api.listed(current)
    except WizardError as error:
        if error.code != "sub-account.open":
            raise
    return ()
