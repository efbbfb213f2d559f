"""The simulated page of a rehearsal in words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from wizard.core.clock import utc
from wizard.core.credentials import KeyKind
from wizard.plain.talk import Command, Result, Talk
from wizard.rehearsal.simulated_page import Activity, ListedKey, NewKey, SimulatedPage
from wizard.steps import deadlines
from wizard.steps.consents import deleting
from wizard.steps.guide import SIMULATED_PAGE
from wizard.steps.simulated_page import CHANGES, LOG_LINES, NOT_CALLED, callers, change, create, name

_CREATE = {"create": "create the new key with the composed whitelist and take it over."}
_LOG = {"log": "read the activity log."}


class SimulatedPageMenu:
    """Where the user makes and deletes keys in a rehearsal.

    Args:
        talk: The conversation.
        page: Its client.
        whitelist: Returns the composed list, or nothing.
    """

    def __init__(self, talk: Talk, page: SimulatedPage, whitelist: Callable[[], str]) -> None:
        self._talk = talk
        self.page = page
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
            with self._talk.about(SIMULATED_PAGE.about):
                return await self._visit()
        finally:
            self._talk.visit_page = outer

    async def _visit(self) -> bool:
        self._talk.say("", f"{SIMULATED_PAGE.question}.")
        while True:
            keys = await self._ask(self.page.keys) or ()
            self._talk.say(*(f"  {_described(key)}" for key in keys))
            menu = {**(_CREATE if self._wanted else {}), **(CHANGES if keys else {}), **_LOG}
            answer = await self._talk.choose("What to do at the desk?", menu, Command.BACK)
            if answer == Command.BACK:
                self._talk.say("You left the desk.")
                return False
            if answer == "create" and self._wanted and await self._is_created(*self._wanted):
                return True
            if answer == "log":
                await self._read_log()
            if answer in CHANGES:
                await self._change(answer, keys)

    async def _is_created(self, kind: KeyKind, public_key: str) -> bool:
        self._taken = await self._ask(lambda: create(self.page, kind, public_key, self._whitelist()))
        if self._taken is not None:
            self._talk.say("The key was created and taken over into the wizard.")
        return self._taken is not None

    async def _change(self, action: str, keys: tuple[ListedKey, ...]) -> None:
        menu = {str(number): _described(key) for number, key in enumerate(keys, 1)}
        answer = await self._talk.choose("Which key?", menu, "")
        if answer == Command.BACK:
            return
        key = keys[int(answer) - 1]
        if action == "delete" and not await self._talk.confirm(deleting(name(key))):
            return
        if said := await self._ask(lambda: change(self.page, action, key, keys, self._whitelist())):
            self._talk.say(said)

    async def _read_log(self) -> None:
        activity = await self._ask(self.page.activity)
        if activity is not None:
            self._talk.say(*(map(_line, activity[-LOG_LINES:]) if activity else [NOT_CALLED]))

    async def _ask(self, work: Callable[[], Awaitable[Result]]) -> Result | None:
        return await self._talk.attempt(work, "Asking the desk", deadlines.PAGE)


def _described(key: ListedKey) -> str:
    return f"{key.label}, {key.kind.label}, {name(key)}, {key.state}, usable from {callers(key)}"


def _line(activity: Activity) -> str:
    key = activity.api_key.last_four() or "????"
    answer = f"refused {activity.code}" if activity.code else "accepted"
    return f"  {utc(activity.at)}, …{key} from {activity.address}: {answer}, {activity.path}."
