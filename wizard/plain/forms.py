"""Asks what a form asks, one question after the other. Hidden answers are not shown, and are wiped afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.text import counted
from wizard.intake.candidates import HeldKey, read_pair
from wizard.intake.paste import IntakeError, Shape, read_paste
from wizard.plain.talk import Command, Talk
from wizard.steps.form import Field, FieldKind, Form


async def fill(talk: Talk, form: Form) -> bool:
    """Ask until it is done; return False where the user goes back."""
    filling = _Filling(talk, form)
    try:
        return await filling.run()
    finally:
        filling.wipe(only_passwords=False)


class _Filling:
    def __init__(self, talk: Talk, form: Form) -> None:
        self._talk = talk
        self._form = form
        self._texts: dict[str, str] = {}
        self._hidden = form.kept
        self._pasted: set[str] = set()
        """The fields that one paste has filled."""

    async def run(self) -> bool:
        self._talk.say("", self._form.title, self._form.text)
        at_once = [field for field in self._form.fields if not field.after]
        asked = [field for field in at_once if field.name not in self._hidden]
        while await self._ask(asked):
            error = await self._try()
            if error is None:
                return True
            self.wipe(only_passwords=True)
            asked = [field for field in self._form.fields if error.code and field.after == error.code] or at_once
            if self._hidden:
                self._talk.say("Nothing was lost. Enter alone keeps what you entered.")
        return False

    def wipe(self, *, only_passwords: bool) -> None:
        passwords = {field.name for field in self._form.fields if field.kind is FieldKind.PASSWORD}
        for name in list(self._hidden):
            if name in passwords or not only_passwords:
                self._hidden.pop(name).wipe()

    async def _try(self) -> WizardError | None:
        """Return why it was not done, which the user knows then."""
        fields = [field for field in self._form.fields if not field.is_repeat]
        empty = {field.name: "" if field.kind is FieldKind.TEXT else Secret() for field in fields}
        waits_for = {field.after for field in self._form.fields if field.after}

        async def work() -> WizardError | bool:
            try:
                await self._form.act(**{**empty, **self._texts, **self._hidden})
            except WizardError as error:
                if error.code not in waits_for:
                    raise
                return error
            return True

        answer = await self._talk.attempt(work, self._form.doing, self._form.at_most)
        if isinstance(answer, WizardError):
            self._talk.tell(answer)
            return answer
        return None if answer else WizardError("It was not done")

    async def _ask(self, fields: Sequence[Field]) -> bool:
        """Ask each; `back` leads to the question before. Return False where there is none."""
        self._pasted.clear()
        place = 0
        while 0 <= place < len(fields):
            field = fields[place]
            is_answered = bool(field.instead_of and self._texts.get(field.instead_of))
            if is_answered and (needless := self._hidden.pop(field.name, None)):
                needless.wipe()
            is_needless = is_answered or field.name in self._pasted
            place += 1 if is_needless else await self._ask_one(field, fields)
        return place >= 0

    async def _ask_one(self, field: Field, fields: Sequence[Field]) -> int:
        """Ask one question; return by how many questions to go on."""
        if field.kind is FieldKind.TEXT:
            text = await self._talk.line(field.label)
            self._texts[field.name] = "" if text == Command.BACK else text
            return -1 if text == Command.BACK else 1
        typed = await self._talk.secret(field.label, is_kept=field.name in self._hidden)
        if isinstance(typed, Command):
            return -1
        try:
            return self._take(field, typed, fields)
        except WizardError as error:
            typed.wipe()
            self._talk.tell(error)
            self._talk.say("Nothing was taken.")
            return 0

    def _take(self, field: Field, typed: Secret, fields: Sequence[Field]) -> int:
        """Keep what was typed; return by how many questions to go on. Raises WizardError where it cannot be right."""
        if not typed and field.name in self._hidden:
            return 1
        if field.is_repeat:
            before = fields[fields.index(field) - 1].name
            is_same = typed == self._hidden[before]
            typed.wipe()
            if not is_same:
                self._hidden.pop(before).wipe()
                self._talk.say("The two are not the same. Nothing was done.")
            return 1 if is_same else -1
        if field.kind is FieldKind.KEY and (pair := read_pair(typed.reveal(), field.site)):
            typed.wipe()
            return self._take_pair(pair, field)
        if field.check is not None:
            field.check(typed)
        if field.kind is FieldKind.KEY:
            typed = self._cleaned(field, typed)
        self._keep(field.name, typed)
        return 1

    def _cleaned(self, field: Field, typed: Secret) -> Secret:
        """Return a key without what clings to it, and say what was understood."""
        pasted = read_paste(typed.reveal(), Shape.VALUE)
        typed.wipe()
        key = Secret(pasted.text)
        end = f", the last four are {key.last_four()}" if field.name == "api_key" and key.last_four() else ""
        self._talk.say(*pasted.notes(), f"{field.label} received: {counted(len(key), 'character')}{end}.")
        return key

    def _take_pair(self, pair: HeldKey, field: Field) -> int:
        if pair.secret and all(each.name != "secret" for each in self._form.fields):
            pair.wipe()
            raise IntakeError("This holds a secret, so it is an HMAC key", advice="Go back and change the key type.")
        self._talk.say(pair.described())
        for name, value in (("api_key", pair.api_key), ("secret", pair.secret)):
            if value is not None:
                self._keep(name, value)
                self._pasted.add(name)
        return 1 if field.name in self._pasted else 0

    def _keep(self, name: str, value: Secret) -> None:
        if name in self._hidden:
            self._hidden[name].wipe()
        self._hidden[name] = value
