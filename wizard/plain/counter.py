"""The simulated page of a rehearsal in words: what the exchange's API-management page would be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from wizard.core.clock import utc
from wizard.core.credentials import KeyKind
from wizard.plain import deadlines
from wizard.plain.answers import Choice, Command
from wizard.plain.talk import Talk
from wizard.rehearsal.simulated_page import Activity, ListedKey, NewKey, SimulatedPage, permissions_of_others

ABOUT = (
    "The desk stands in for the exchange's page. Keys are created here with the composed whitelist, restricted,"
    " given permissions, disabled and deleted. back returns to where you were."
)
ACTIVITY_LINES = 8
_CREATE = Choice("create", "create the new key with the composed whitelist and take it over.")
_CHANGES = (
    Choice("whitelist", "paste the composed whitelist into a key."),
    Choice("permissions", "switch on for a key what the other keys may do."),
    Choice("disable", "switch a key off."),
    Choice("delete", "delete a key for good; asks once more."),
)
_LOG = Choice("log", "read the activity log.")
_DONE = {
    "delete": "deleted",
    "disable": "disabled",
    "permissions": "it may do now what the other keys may do",
    "whitelist": "the whitelist was saved",
}


Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The key that the Credentials step waits for."""

    kind: KeyKind
    public_key: str
    """Empty for HMAC."""


class Counter:
    """Where the user stands before the simulated page.

    Args:
        talk: The conversation.
        simulated_page: The stand-in for the exchange's page.
        whitelist: Returns the composed list, or nothing.
    """

    def __init__(self, talk: Talk, simulated_page: SimulatedPage, whitelist: Callable[[], str]) -> None:
        self._talk = talk
        self._simulated_page = simulated_page
        self._whitelist = whitelist
        self._wanted: Wanted | None = None
        self._taken: NewKey | None = None

    @contextmanager
    def order(self, wanted: Wanted) -> Iterator[None]:
        """While this lasts, a key can be created on the simulated page and taken over."""
        self._wanted = wanted
        try:
            yield
        finally:
            self._wanted = None

    def collect(self) -> NewKey | None:
        """Hand over the key that was created, once."""
        taken, self._taken = self._taken, None
        return taken

    async def visit(self) -> bool:
        """Talk on the simulated page; return whether a key was taken over."""
        outer, self._talk.visit_simulated_page = self._talk.visit_simulated_page, None
        try:
            return await self._visit()
        finally:
            self._talk.visit_simulated_page = outer

    async def _visit(self) -> bool:
        self._talk.say("", "The desk, the stand-in for the exchange's page.")
        while True:
            keys = await self._ask(self._simulated_page.keys)
            self._talk.say(*(f"  {_described(key)}" for key in keys or ()))
            choices = (*((_CREATE,) if self._wanted else ()), *(_CHANGES if keys else ()), _LOG)
            answer = await self._talk.choose("What to do at the desk?", choices, about=ABOUT, default=Command.BACK)
            if answer == Command.BACK:
                self._talk.say("You left the desk.")
                return False
            if answer == "create" and await self._create():
                return True
            if answer == "log":
                await self._read_log()
            if answer in _DONE and keys:
                await self._change(answer, keys)

    async def _create(self) -> bool:
        wanted = self._wanted
        if wanted is None:
            return False
        self._taken = await self._ask(
            lambda: self._simulated_page.create(
                "new",
                wanted.kind,
                self._whitelist(),
                public_key=wanted.public_key,
                enableSpotAndMarginTrading=True,
            )
        )
        if self._taken is None:
            return False
        self._talk.say("The key was created and taken over into the wizard.")
        return True

    async def _change(self, action: str, keys: tuple[ListedKey, ...]) -> None:
        key = await self._which(keys)
        if key is None:
            return
        name = f"…{key.api_key.last_four()}"
        if action == "delete" and not await self._talk.confirm(f"Delete {name} for good?", "delete", about=ABOUT):
            return
        acts: dict[str, Callable[[], Awaitable[None]]] = {
            "delete": lambda: self._simulated_page.delete(key.api_key),
            "disable": lambda: self._simulated_page.disable(key.api_key),
            "permissions": lambda: self._simulated_page.set_permissions(
                key.api_key, **permissions_of_others(key, keys)
            ),
            "whitelist": lambda: self._simulated_page.set_whitelist(key.api_key, self._whitelist()),
        }
        if await self._ask(lambda: _done(acts[action]())):
            self._talk.say(f"{name}: {_DONE[action]}.")

    async def _which(self, keys: tuple[ListedKey, ...]) -> ListedKey | None:
        choices = [Choice(str(number), _described(key)) for number, key in enumerate(keys, 1)]
        answer = await self._talk.choose("Which key?", choices, about=ABOUT)
        return None if answer == Command.BACK else keys[int(answer) - 1]

    async def _read_log(self) -> None:
        activity = await self._ask(self._simulated_page.activity)
        if activity is not None:
            newest = activity[-ACTIVITY_LINES:]
            self._talk.say(*(map(_line, newest) if newest else ["No signed call yet."]))

    async def _ask(self, work: Callable[[], Awaitable[Result]]) -> Result | None:
        return await self._talk.attempt(work, "Asking the desk", deadlines.PAGE)


async def _done(act: Awaitable[None]) -> bool:
    await act
    return True


def _described(key: ListedKey) -> str:
    whitelist = "anywhere" if key.whitelist is None else ", ".join(key.whitelist) or "nobody"
    return f"{key.label}, {key.kind.label}, …{key.api_key.last_four()}, {key.state}, usable from {whitelist}"


def _line(activity: Activity) -> str:
    key = activity.api_key.last_four() or "????"
    answer = f"refused {activity.code}" if activity.code else "accepted"
    return f"  {utc(activity.at)}, …{key} from {activity.address}: {answer}, {activity.path}."
