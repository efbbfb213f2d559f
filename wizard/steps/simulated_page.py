"""The simulated Binance page of a rehearsal: its keys, and what can be done to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from wizard.core.clock import utc
from wizard.core.credentials import KeyKind
from wizard.core.text import counted
from wizard.custody.records import Holding, Slot
from wizard.rehearsal.simulated_page import Activity, ListedKey, NewKey, SimulatedPage, permissions_of_others
from wizard.rotation.findings import FOREIGN_SOURCE
from wizard.rotation.permissions import LABELS
from wizard.steps import deadlines
from wizard.steps.presenter import Face, FlowPresenter
from wizard.steps.view import PRIMARY, Action, Consent, Row, State, View

if TYPE_CHECKING:
    from wizard.core.secret import Secret
    from wizard.rotation.flow import Flow

LOG_LINES = 20
"""Of the activity history, the newest."""
_ROLES = {Slot.PENDING: "new", Slot.CURRENT: "current", Slot.LEGACY: "legacy", Slot.UNUSED: "unused"}


@dataclass(frozen=True, slots=True)
class Order:
    """The key that a step waits for."""

    kind: KeyKind
    public_key: str
    """What the page is given for a key pair; nothing for HMAC."""
    take: Callable[[NewKey], object]
    """Takes the key over, and wipes it: its secret is shown once."""


class SimulatedPagePresenter(FlowPresenter):
    """Does what a user does on Binance's page, with the list and the order of the step below."""

    TITLE = "The simulated Binance page"
    ABOUT: ClassVar[str] = (
        "In this rehearsal the page stands in for API Management on Binance. No real key is touched."
        " Keys are created and changed here as on Binance. The activity history shows who called with which key."
    )

    def __init__(self, flow: Flow, face: Face, page: SimulatedPage, whitelist: str, order: Order | None = None) -> None:
        super().__init__(flow, face)
        self._page = page
        self._whitelist = whitelist
        self._order = order
        self._keys: tuple[ListedKey, ...] = ()

    async def begin(self) -> None:
        """Read the keys."""
        keys = await self.face.attempt(self._page.keys, "Reading the keys", deadlines.PAGE)
        self._keys = self._keys if keys is None else keys

    async def create(self) -> None:
        """Create the key that the step below waits for, and hand it over."""
        order = self._order
        if order is None:
            return
        made = await self.face.attempt(
            lambda: self._page.create(
                "new", order.kind, self._whitelist, public_key=order.public_key, enableSpotAndMarginTrading=True
            ),
            "Creating the key",
            deadlines.PAGE,
        )
        if made is not None:
            name = _name(made.api_key)
            order.take(made)
            self.face.note(f"{name} was created on the simulated page. What it showed is filled in.")
            self.face.leave()
        else:
            await self.begin()

    async def paste_whitelist(self, item: str) -> None:
        """Paste the list into a key."""
        paste = self._page.set_whitelist
        done = f"has the whitelist {self._whitelist} now"
        await self._change(item, lambda key: paste(key.api_key, self._whitelist), done)

    async def grant(self, item: str) -> None:
        """Switch on for a key what the other keys may do."""

        def work(key: ListedKey) -> Awaitable[None]:
            return self._page.set_permissions(key.api_key, **permissions_of_others(key, self._keys))

        await self._change(item, work, "may do now what the other keys may do")

    async def delete(self, item: str) -> None:
        """Delete a key for good, once the word is typed."""
        if await self.face.confirm(Consent(f"Delete {_name(self._key(item).api_key)} for good?", "", "delete")):
            await self._change(item, lambda key: self._page.delete(key.api_key), "is deleted now")

    async def _change(self, item: str, work: Callable[[ListedKey], Awaitable[None]], done: str) -> None:
        key = self._key(item)

        async def change() -> tuple[ListedKey, ...]:
            await work(key)
            return await self._page.keys()

        keys = await self.face.attempt(change, "Changing the key", deadlines.PAGE)
        if keys is None:  # it was stopped or refused, and may have happened
            await self.begin()
        else:
            self._keys = keys
            self.face.note(f"{_name(key.api_key)} {done}.")

    def _key(self, item: str) -> ListedKey:
        return next(key for key in self._keys if key.api_key.fingerprint() == item)

    async def show_log(self) -> None:
        """Show from where each key was called, and the newest signed calls."""
        activity = await self.face.attempt(self._page.activity, "Reading the activity history", deadlines.PAGE)
        if activity is not None:
            newest = ("", "Newest calls", *map(_line, activity[-LOG_LINES:])) if activity else ("No call yet.",)
            await self.face.read("Activity history", FOREIGN_SOURCE, "", *_sources(activity), *newest)

    def view(self) -> View:
        """Return the keys as the page lists them. The cursor begins at the legacy key, else at the newest."""
        items = [key.api_key.fingerprint() for key in self._keys]
        legacy = self.flow.retire.legacy
        return View(
            State.EMPTY,
            f"{counted(len(self._keys), 'key')} on the simulated Binance page.",
            because=("This is a rehearsal. No real key is touched.",),
            columns=("Key", "Role", "Type", "State", "Whitelist") if self._keys else (),
            rows=tuple(map(self._row, self._keys)),
            cursor=legacy.name.fingerprint if legacy and legacy.name.fingerprint in items else "".join(items[-1:]),
            actions=self._actions(),
        )

    def _row(self, key: ListedKey) -> Row:
        whitelist = "any address" if key.whitelist is None else ", ".join(key.whitelist) or "no address"
        granted = [LABELS.get(name, name) for name, is_on in key.permissions.items() if is_on]
        return Row(
            (_name(key.api_key), self._role(key), key.kind.label, key.state, whitelist),
            item=key.api_key.fingerprint(),
            detail=(f"Whitelist: {whitelist}", f"Permissions: {', '.join(granted) or 'none'}"),
        )

    def _role(self, key: ListedKey) -> str:
        fingerprint = key.api_key.fingerprint()
        for record in reversed(self.flow.context.journal.keys(self.flow.context.environment.name)):
            if record.name.fingerprint == fingerprint:
                return _ROLES.get(record.slot, "") if record.holding is Holding.STORED else "secret deleted"
        return "not stored"

    def _actions(self) -> tuple[Action, ...]:
        create = Action("create", PRIMARY, "Create key", "Creates the key that the step waits for.", self.create)
        paste = "Pastes the whitelist of this job into the key."
        add = "Adds the permissions that the other keys have."
        delete = "Deletes the key for good, after a question."
        about_keys = (
            Action("whitelist", "w", "Paste list", paste, self.paste_whitelist, is_about_row=True),
            Action("permissions", "a", "Add permissions", add, self.grant, is_about_row=True),
            Action("delete", "d", "Delete", delete, self.delete, is_about_row=True),
        )
        return (
            *([create] if self._order else []),
            *(about_keys if self._keys else ()),
            Action("log", "v", "Activity history", "Shows who called with which key.", self.show_log),
            self.back_action(),
        )


def _name(api_key: Secret) -> str:
    return f"…{api_key.last_four() or '????'}"


def _sources(activity: Sequence[Activity]) -> list[str]:
    """Each key with each address that called with it, and how often."""
    calls = Counter((_name(line.api_key), line.address) for line in activity)
    return [f"{key}  {address:<15}  {counted(count, 'call')}" for (key, address), count in calls.items()]


def _line(activity: Activity) -> str:
    answer = f"refused {activity.code}" if activity.code else "accepted"
    return f"{utc(activity.at)[11:]}  {_name(activity.api_key)}  {activity.address}  {answer}  {activity.path}"
