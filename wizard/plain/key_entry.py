"""The values of the Credentials step: asked for one by one, judged by shape, kept until they are stored."""

from __future__ import annotations

from wizard.core.credentials import KeyKind
from wizard.core.secret import Secret
from wizard.core.text import capitalised
from wizard.intake.paste import IntakeError, Pair, Role, pair_problem, read_key, read_pair
from wizard.plain.simulated_page import SimulatedPageMenu
from wizard.plain.talk import Command, Talk


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
