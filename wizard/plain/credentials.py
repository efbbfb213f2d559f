"""The Credentials step: what to do on the exchange's page, and where the result goes in.

The values are asked for one by one, judged by their shape, and let go only once they were read back unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing

from wizard.core.credentials import KeyKind
from wizard.core.secret import Secret
from wizard.core.text import capitalised
from wizard.intake.paste import IntakeError, Pair, Role, pair_problem, read_key, read_pair
from wizard.plain.outside_keys import find_key, import_key
from wizard.plain.simulated_page import SimulatedPageMenu
from wizard.plain.stage import Stage, evidence, numbered
from wizard.plain.talk import Command, Talk
from wizard.rotation.model import Finding, Step
from wizard.steps import credentials, deadlines
from wizard.steps.guide import STEPS

_READ = "from the environment, a .env, freqtrade's, Hummingbot's or another file; nothing is changed there."
_NEXT = {"next": "go on with the key that is stored already."}
_AFTER_FAILURE = {"store": "try again to store what was entered.", "enter": "enter the values again."}


async def take(stage: Stage) -> bool:
    """Ask for the kind, then for the values."""
    stage.introduce(Step.CREDENTIALS, credentials.where_to_create(stage.flow, "desk opens it" if stage.page else ""))
    while True:
        pending = stage.flow.credentials.pending
        if pending:
            stage.talk.say(f"{pending.name} is stored already. Another one takes its place.")
        kinds = {kind: f"{title}. {text}" for kind, (title, text) in credentials.choices(stage.flow).items()}
        read = {"read": _READ} if credentials.is_adopting(stage.flow) else {}
        menu = {**kinds, **read, **(_NEXT if pending else {})}
        answer = await stage.talk.choose(STEPS[Step.CREDENTIALS].question, menu, "next" if pending else None)
        if answer == Command.BACK:
            return stage.back()
        if answer == "next" or await _take(stage, answer):
            return stage.on()


async def _take(stage: Stage, answer: str) -> bool:
    """Have the pair ready where a pair signs, then take the values in; return whether they were stored."""
    if answer == credentials.IMPORT:
        given = await import_key(stage)
        return given is not None and await _enter(stage, given.kind, given.public_pem)
    if answer == "read":
        found = await find_key(stage)
        return found is not None and await _enter(stage, KeyKind.HMAC, "", found=found)
    kind = KeyKind(answer)
    public_key: str | None = ""
    if kind is not KeyKind.HMAC:
        what = f"Making the pair and storing it in {stage.flow.place}"
        public_key = await stage.talk.attempt(lambda: stage.flow.credentials.public_key(kind), what, deadlines.CUSTODY)
    return public_key is not None and await _enter(stage, kind, public_key)


async def _enter(stage: Stage, kind: KeyKind, public_key: str, *, found: Pair | None = None) -> bool:
    """Take the values in and store them; return whether that was done."""
    stage.talk.say("", *numbered(_instructions(stage, kind)), *public_key.splitlines())
    with closing(KeyEntry(stage.talk, stage.page, kind, public_key)) as entry:
        if found is not None:
            entry.take(found)
        while found is not None or await entry.fill():
            found = None
            if await _store_or_leave(stage, entry, public_key):
                return True
    return False


async def _store_or_leave(stage: Stage, entry: KeyEntry, public_key: str) -> bool:
    """Store, as often as the user wants to try; return False to enter the values again."""
    while True:
        finding = await _store(stage, entry, public_key)
        if finding is not None:
            stage.talk.say(*evidence(finding))
            return True
        stage.talk.say("Nothing was lost: what was entered is still here.")
        if await stage.talk.choose("What next?", _AFTER_FAILURE, "") != "store":
            return False


async def _store(stage: Stage, entry: KeyEntry, public_key: str) -> Finding | None:
    """Store what was entered; `public_key` is the public half where a pair signs."""
    api_key = entry.api_key
    if api_key is None:
        return None
    return await stage.talk.attempt(
        lambda: credentials.store(stage.flow, api_key, entry.secret, public_key),
        f"Writing to {stage.flow.place}, reading back, comparing",
        deadlines.CUSTODY,
    )


def _instructions(stage: Stage, kind: KeyKind) -> Iterable[str]:
    if credentials.is_adopting(stage.flow):
        return ["Enter the key that your software uses now."]
    pair = "Choose “Self-generated”, paste the public key below, and enter the API key that the page shows."
    last = "Enter here what the page shows once." if kind is KeyKind.HMAC else pair
    return credentials.instructions(stage.flow, last)


class KeyEntry:
    """An API key and, for HMAC, its secret, until it is closed.

    Args:
        talk: The conversation.
        page: In a rehearsal, from where a new key can be taken over.
        kind: What is entered.
        public_key: The public half, which the page is to be given; empty for HMAC.
    """

    def __init__(self, talk: Talk, page: SimulatedPageMenu | None, kind: KeyKind, public_key: str) -> None:
        self._talk = talk
        self._page = page
        self.kind = kind
        self._public_key = public_key
        self.api_key: Secret | None = None
        self.secret: Secret | None = None

    def close(self) -> None:
        """Wipe both."""
        self._keep(None, None)

    def _keep(self, api_key: Secret | None, secret: Secret | None) -> None:
        """Hold these two and wipe what they take the place of."""
        before, self.api_key, self.secret = (self.api_key, self.secret), api_key, secret
        for value in before:
            if value is not None and value is not api_key and value is not secret:
                value.wipe()

    def take(self, found: Pair) -> None:
        """Take over what was read elsewhere."""
        self._keep(found.api_key, found.secret)

    async def fill(self) -> bool:
        """Ask for what is needed, keeping on an empty answer what was entered before; False when the user goes back."""
        if self._page is None:
            return await self._ask_all()
        with self._page.order(self.kind, self._public_key):
            return await self._ask_all()

    async def _ask_all(self) -> bool:
        roles = (Role.API_KEY, Role.SECRET) if self.kind is KeyKind.HMAC else (Role.API_KEY,)
        place = 0
        while place < len(roles):
            asked = await self._ask(roles[place], self.secret if place else self.api_key)
            if asked is Command.PAGE:
                return self._take_over()
            if isinstance(asked, Command):
                place -= 1
                if place < 0:
                    return False
            elif isinstance(asked, Pair):
                self.take(asked)
                return True
            elif not place:
                self._keep(asked, self.secret)
                place = 1
            elif problem := pair_problem(self.api_key or Secret(), asked):
                self._keep(self.api_key, None)
                asked.wipe()
                self._talk.say(f"Problem: {problem} back goes to the API key.")
            else:
                self._keep(self.api_key, asked)
                return True
        return True

    async def _ask(self, role: Role, kept: Secret | None) -> Secret | Pair | Command:
        """Ask for one value; return it, both where one paste held both, or a command."""
        while True:
            typed = await self._talk.secret(capitalised(role), is_kept=bool(kept))
            if isinstance(typed, Command):
                return typed
            if not typed and kept:
                return kept
            try:
                return self._judge(typed.reveal(), role)
            except IntakeError as error:
                self._talk.say(f"Problem: {error.what}", "Nothing was taken.")
            finally:
                typed.wipe()

    def _judge(self, text: str, role: Role) -> Secret | Pair:
        """Return what a paste is where `role` is asked for.

        Raises:
            IntakeError: nothing of it.
        """
        found = read_pair(text)
        if found is not None:
            if problem := self._problem(found, role):
                found.wipe()
                raise IntakeError(problem)
            if found.api_key and found.secret:
                self._talk.say(found.described())
                return found
            text = "".join(value.reveal() for value in (found.api_key, found.secret) if value)
            found.wipe()
        value, notes = read_key(text, role)
        self._talk.say(*notes, _received(role, value))
        return value

    def _problem(self, found: Pair, wanted: Role) -> str:
        """Return what is wrong with a paste that has names or two values where `wanted` is asked for, or nothing."""
        if found.secret and self.kind is not KeyKind.HMAC:
            return "This holds a secret: that is an HMAC key. back leads to the kind of key."
        if found.api_key and found.secret:
            return pair_problem(found.api_key, found.secret)
        role = Role.SECRET if found.secret else Role.API_KEY
        return "" if role is wanted else f"This is named as the {role}, not as the {wanted}."

    def _take_over(self) -> bool:
        made = self._page.collect() if self._page else None
        if made is None:
            return False
        self._keep(made.api_key, made.secret if self.kind is KeyKind.HMAC else None)
        return True


def _received(role: Role, value: Secret) -> str:
    count = len(value)
    last_four = f", the last four are {value.last_four()}" if role is Role.API_KEY and value.last_four() else ""
    return f"{capitalised(role)} received: {count} character{'' if count == 1 else 's'}{last_four}."
