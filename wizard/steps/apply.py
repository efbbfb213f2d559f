"""The Apply page: what to paste where on Binance, as the step of a job or on top of the Probe page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from wizard.rotation.model import Step
from wizard.steps.presenter import Face, StepPresenter
from wizard.steps.view import PRIMARY, Action, Progress, Row, State, View, lines
from wizard.whitelist.rendering import render

if TYPE_CHECKING:
    from wizard.rotation.flow import Flow


LOGINS = "One article says that logins on the web and in the app are not affected."


@dataclass(frozen=True, slots=True)
class ListsToSave:
    """What the Probe page has the user save: the list of each key, by the key as it is called."""

    lists: Mapping[str, str]
    unknown: str = ""
    """The key whose list is not known here: what is pasted must not take the place of that one."""
    saved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where the user says that they are saved."""


class ApplyPresenter(StepPresenter):
    """Shows the list of each key and the way to its field: the composed list for the current key, or what is given."""

    STEP = Step.APPLY
    TITLE = "Paste the list on Binance"
    ABOUT: ClassVar[str] = (
        "Binance accepts a key from the addresses on its list only."
        " You paste the list on Binance's page. The wizard cannot do that for you."
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
        page = self.flow.context.environment.site.key_page
        where = "Open the simulated Binance page." if self.face.page else page or "Open API Management on Binance."
        names = [name.partition(",")[0] for name in self._lists]
        keys = "both keys" if len(names) > 1 else "".join(names)
        unknown = self._asked.unknown if self._asked else ""
        return View(
            State.EMPTY,
            f"Paste the list into {keys} on Binance.",
            because=(f"The wizard does not know the list of {unknown}. Add the address there, delete none.",)
            if unknown
            else (),
            rows=tuple(Row(each, item=each[0], detail=(each[1],)) for each in self._lists.items()),
            evidence_title="Where",
            evidence=lines(
                f"1  {where}",
                f"2  Choose Edit restrictions for {' and '.join(names)}.",
                "3  Choose Restrict access to trusted IPs only.",
                "4  Paste its list, save, and confirm with 2FA.",
                "" if self._asked else LOGINS,
            ),
            not_proven="" if self._asked else "what is on Binance's list, as Binance never shows it",
            actions=(
                Action("saved", PRIMARY, "Saved, try now", "Asks until Binance accepts the key.", self.go_on),
                Action("copy", "c", "Copy list", "Copies the list of a key.", self.copy, is_about_row=True),
                *self.page_actions(),
                self.back_action(),
            ),
        )
