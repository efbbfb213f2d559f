"""The values of the Credentials step: asked for one by one, judged by shape, kept until they are stored."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from wizard.core.credentials import KeyKind
from wizard.core.secret import Secret
from wizard.intake.key_text import KeyText, pair_problem, read_api_key, read_hmac_secret
from wizard.intake.pairs import Pair, read_pair
from wizard.intake.pasted import Refused
from wizard.plain.answers import Command
from wizard.plain.console import SecretEntryRefused
from wizard.plain.counter import Counter, Wanted
from wizard.plain.talk import Talk


class Intake:
    """An API key and, for HMAC, its secret. Wiped when the `with` block ends.

    Args:
        talk: The conversation.
        counter: The simulated page of a rehearsal, from which a new key can be taken over.
        kind: What is entered.
        public_key: For Ed25519, what the simulated page is to be given.
        about: The help text.
    """

    def __init__(self, talk: Talk, counter: Counter | None, kind: KeyKind, public_key: str, *, about: str) -> None:
        self._talk = talk
        self._counter = counter
        self.kind = kind
        self._wanted = Wanted(kind, public_key)
        self._about = about
        self.api_key: Secret | None = None
        self.secret: Secret | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keep(None, None)

    def _keep(self, api_key: Secret | None, secret: Secret | None) -> None:
        """Hold these two and wipe what they take the place of."""
        before, self.api_key, self.secret = (self.api_key, self.secret), api_key, secret
        for value in before:
            if value is not None and value is not api_key and value is not secret:
                value.wipe()

    def take(self, found: Pair) -> bool:
        """Take over what was read elsewhere; return whether it is complete."""
        self._keep(found.api_key, found.secret)
        return self.api_key is not None and self.secret is not None

    async def fill(self) -> bool:
        """Ask for what is needed, keeping on an empty answer what was entered before; False when the user goes back."""
        try:
            if self._counter is None:
                return await self._ask_all()
            with self._counter.order(self._wanted):
                return await self._ask_all()
        except SecretEntryRefused as error:
            self._talk.tell(error)
            return False

    async def _ask_all(self) -> bool:
        while True:
            asked = await self._ask("API key", read_api_key, self.api_key)
            if isinstance(asked, Command):
                return asked is Command.PAGE and self._take_over()
            if isinstance(asked, Pair):
                self._keep(asked.api_key, asked.secret)
                return True
            self._keep(asked, self.secret)
            if self.kind is not KeyKind.HMAC:
                return True
            answer = await self._ask_secret(asked)
            if answer is not Command.BACK:
                return answer is None or self._take_over()

    async def _ask_secret(self, api_key: Secret) -> Command | None:
        """Ask for the secret that belongs to the API key; return a command that was given instead."""
        while True:
            asked = await self._ask("Secret", read_hmac_secret, self.secret)
            if isinstance(asked, Command):
                return asked
            if isinstance(asked, Pair):
                self._keep(asked.api_key, asked.secret)
                return None
            problem = pair_problem(api_key, asked)
            self._keep(api_key, None if problem else asked)
            if not problem:
                return None
            asked.wipe()
            self._talk.say(f"Problem: {problem} back goes to the API key.")

    async def _ask(self, name: str, read: Callable[[str], KeyText], kept: Secret | None) -> Secret | Pair | Command:
        """Ask for one value; return it, both where one paste held both, or a command."""
        while True:
            typed = await self._talk.secret(name, about=self._about, is_kept=bool(kept))
            if isinstance(typed, Command):
                return typed
            if not typed and kept:
                return kept
            found = read_pair(typed.reveal())
            problem = self._problem(found, name)
            if problem:
                typed.wipe()
                if isinstance(found, Pair):
                    found.wipe()
                self._talk.say(f"Problem: {problem}", "Nothing was taken.")
                continue
            if isinstance(found, Pair) and found.api_key and found.secret:
                typed.wipe()
                self._talk.say(found.described())
                return found
            judged = read(typed.reveal())
            typed.wipe()
            if isinstance(found, Pair):
                if judged.value is None and (alone := found.api_key or found.secret):
                    # Its name stands on a line of its own, or among other things.
                    judged = read(alone.reveal())
                found.wipe()
            self._talk.say(*judged.notes)
            if judged.value is not None:
                self._talk.say(_received(name, judged.value))
                return judged.value
            self._talk.say(f"Problem: {judged.problem}", "Nothing was taken.")

    def _problem(self, found: Pair | Refused | None, name: str) -> str:
        """Return what is wrong with a paste for the field `name`, or nothing."""
        if isinstance(found, Refused):
            return found.reason
        if found is None:
            return ""
        if found.secret and self.kind is not KeyKind.HMAC:
            return "This holds a secret: that is an HMAC key. back leads to the kind of key."
        if found.api_key and found.secret:
            return pair_problem(found.api_key, found.secret)
        role = "secret" if found.secret else "API key"
        return "" if role.lower() == name.lower() else f"This is named as the {role}, not as the {name}."

    def _take_over(self) -> bool:
        made = self._counter.collect() if self._counter else None
        if made is None:
            return False
        self._keep(made.api_key, made.secret if self.kind is KeyKind.HMAC else None)
        return True


def _received(name: str, value: Secret) -> str:
    count = len(value)
    last_four = f", the last four are {value.last_four()}" if name == "API key" and value.last_four() else ""
    return f"{name} received: {count} character{'' if count == 1 else 's'}{last_four}."
