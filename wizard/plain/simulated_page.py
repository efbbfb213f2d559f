"""The simulated page of a rehearsal in words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from wizard.core.clock import utc
from wizard.core.credentials import KeyKind
from wizard.plain import deadlines
from wizard.plain.talk import Command, Result, Talk
from wizard.rehearsal.simulated_page import Activity, ListedKey, NewKey, SimulatedPage, permissions_of_others

ABOUT = (
    "The desk stands in for the exchange's page. Keys are created here with the composed whitelist, restricted,"
    " given permissions, disabled and deleted. back returns to where you were."
)
ACTIVITY_LINES = 8
_CREATE = {"create": "create the new key with the composed whitelist and take it over."}
_CHANGES = {
    "whitelist": "paste the composed whitelist into a key.",
    "permissions": "switch on for a key what the other keys may do.",
    "disable": "switch a key off.",
    "delete": "delete a key for good; asks once more.",
}
_LOG = {"log": "read the activity log."}
_DONE = {
    "delete": "deleted",
    "disable": "disabled",
    "permissions": "it may do now what the other keys may do",
    "whitelist": "the whitelist was saved",
}


class SimulatedPageMenu:
    """Where the user makes and deletes keys in a rehearsal.

    Args:
        talk: The conversation.
        page: Its client.
        whitelist: Returns the composed list, or nothing.
    """

    def __init__(self, talk: Talk, page: SimulatedPage, whitelist: Callable[[], str]) -> None:
        self._talk = talk
        self._page = page
        self._whitelist = whitelist
        self._wanted: tuple[KeyKind, str] | None = None
        """The kind of the key that the Credentials step waits for, and its public half, which HMAC has not."""
        self._taken: NewKey | None = None

    @contextmanager
    def order(self, kind: KeyKind, public_key: str) -> Iterator[None]:
        """While this lasts, a key can be created and taken over."""
        self._wanted = kind, public_key
        try:
            yield
        finally:
            self._wanted = None

    def collect(self) -> NewKey | None:
        """Hand over the key that was created, once."""
        taken, self._taken = self._taken, None
        return taken

    async def visit(self) -> bool:
        """Ask what to do until the user is done; return whether a key was taken over."""
        outer, self._talk.visit_page = self._talk.visit_page, None
        try:
            with self._talk.about(ABOUT):
                return await self._visit()
        finally:
            self._talk.visit_page = outer

    async def _visit(self) -> bool:
        self._talk.say("", "The desk, the stand-in for the exchange's page.")
        while True:
            keys = await self._ask(self._page.keys) or ()
            self._talk.say(*(f"  {_described(key)}" for key in keys))
            menu = {**(_CREATE if self._wanted else {}), **(_CHANGES if keys else {}), **_LOG}
            answer = await self._talk.choose("What to do at the desk?", menu, Command.BACK)
            if answer == Command.BACK:
                self._talk.say("You left the desk.")
                return False
            if answer == "create" and self._wanted and await self._is_created(*self._wanted):
                return True
            if answer == "log":
                await self._read_log()
            if answer in _CHANGES:
                await self._change(answer, keys)

    async def _is_created(self, kind: KeyKind, public_key: str) -> bool:
        permissions = {"enableSpotAndMarginTrading": True}
        self._taken = await self._ask(
            lambda: self._page.create("new", kind, self._whitelist(), public_key=public_key, **permissions)
        )
        if self._taken is not None:
            self._talk.say("The key was created and taken over into the wizard.")
        return self._taken is not None

    async def _change(self, action: str, keys: tuple[ListedKey, ...]) -> None:
        menu = {str(number): _described(key) for number, key in enumerate(keys, 1)}
        answer = await self._talk.choose("Which key?", menu, "")
        if answer == Command.BACK:
            return
        key = keys[int(answer) - 1]
        name = f"…{key.api_key.last_four()}"
        if action == "delete" and not await self._talk.confirm(f"Delete {name} for good?", "delete"):
            return
        acts: dict[str, Callable[[], Awaitable[None]]] = {
            "delete": lambda: self._page.delete(key.api_key),
            "disable": lambda: self._page.disable(key.api_key),
            "permissions": lambda: self._page.set_permissions(key.api_key, **permissions_of_others(key, keys)),
            "whitelist": lambda: self._page.set_whitelist(key.api_key, self._whitelist()),
        }
        if await self._talk.succeeds(acts[action], "Asking the desk", deadlines.PAGE):
            self._talk.say(f"{name}: {_DONE[action]}.")

    async def _read_log(self) -> None:
        activity = await self._ask(self._page.activity)
        if activity is not None:
            self._talk.say(*(map(_line, activity[-ACTIVITY_LINES:]) if activity else ["No signed call yet."]))

    async def _ask(self, work: Callable[[], Awaitable[Result]]) -> Result | None:
        return await self._talk.attempt(work, "Asking the desk", deadlines.PAGE)


def _described(key: ListedKey) -> str:
    whitelist = "anywhere" if key.whitelist is None else ", ".join(key.whitelist) or "nobody"
    return f"{key.label}, {key.kind.label}, …{key.api_key.last_four()}, {key.state}, usable from {whitelist}"


def _line(activity: Activity) -> str:
    key = activity.api_key.last_four() or "????"
    answer = f"refused {activity.code}" if activity.code else "accepted"
    return f"  {utc(activity.at)}, …{key} from {activity.address}: {answer}, {activity.path}."
