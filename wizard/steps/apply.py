"""What to paste where on Binance, so that a key has the list that was composed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from wizard.rotation.model import Step
from wizard.steps.presenter import Face, StepPresenter
from wizard.steps.view import PRIMARY, Action, Row, State, View, lines

if TYPE_CHECKING:
    from wizard.rotation.flow import Flow


class ApplyPresenter(StepPresenter):
    """Shows the list of each key and the way to its field. It sets `saved` where the user says that they are saved."""

    STEP = Step.PROBE
    TITLE = "Paste the list on Binance"
    ABOUT: ClassVar[str] = (
        "Binance accepts a key from the addresses on its list only."
        " You paste the list on Binance's page. The wizard cannot do that for you."
        " A saved list may need a few minutes."
    )

    def __init__(self, flow: Flow, face: Face, *, lists: Mapping[str, str], saved: asyncio.Event) -> None:
        super().__init__(flow, face)
        self._lists = lists
        self._saved = saved

    async def go_on(self) -> None:
        """Take the user's word that the lists are saved."""
        self._saved.set()
        self.face.leave()

    async def back(self) -> None:
        """Leave the lists."""
        self.face.leave()

    async def copy(self, name: str) -> None:
        """Copy the list of a key."""
        await self.face.copy(self._lists[name], f"the list for {name}")

    def view(self) -> View:
        """Return the lists and the way to their fields."""
        page = self.flow.context.environment.site.key_page
        where = "Open the simulated Binance page." if self.face.page else page or "Open API Management on Binance."
        keys = "both keys" if len(self._lists) > 1 else next(iter(self._lists))
        return View(
            State.EMPTY,
            f"Paste the list into {keys} on Binance.",
            rows=tuple(Row(each, item=each[0], detail=(each[1],)) for each in self._lists.items()),
            evidence_title="Where",
            evidence=lines(
                f"1  {where}",
                "2  Edit the restrictions of the key.",
                "3  Choose Restrict access to trusted IPs only.",
                "4  Paste its list, save, and confirm with 2FA.",
            ),
            actions=(
                Action("saved", PRIMARY, "Saved, try now", "Asks until Binance accepts the key.", self.go_on),
                Action("copy", "c", "Copy list", "Copies the list of a key.", self.copy, is_about_row=True),
                *self.page_actions(),
                self.back_action(),
            ),
        )
