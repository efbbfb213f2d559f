"""The two fields of the Credentials step, with what stands around them.

A value leaves its field only when it is cleared: what is read here is a copy, and the reader wipes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from wizard.core.credentials import KeyKind
from wizard.core.secret import Secret
from wizard.core.text import Glyphs
from wizard.intake.paste import IntakeError, Role, pair_problem, read_key
from wizard.tui.widgets.secret_field import SecretField


@dataclass(frozen=True, slots=True)
class Entered:
    """What was read from the fields. Whoever has it wipes it."""

    api_key: Secret
    secret: Secret | None
    """None where a key pair signs."""
    notes: str = ""
    """What is unusual about them; empty where nothing is."""

    def wipe(self) -> None:
        """Overwrite both values in memory."""
        for value in (self.api_key, self.secret):
            if value is not None:
                value.wipe()


class CredentialsForm(Vertical):
    """An API key and, for HMAC, its secret; for a key pair, the public half above or below them.

    Args:
        glyphs: The signs of the fields.
    """

    def __init__(self, glyphs: Glyphs, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._kind = KeyKind.HMAC

    def compose(self) -> ComposeResult:
        """Lay out both fields; `show` hides what does not apply."""
        yield Static("", id="instructions", classes="hint", markup=False)
        yield Static("", id="public-key", classes="paste", markup=False)
        yield Static("API key", classes="label", id="api-key-label")
        yield self._field("api-key", show_last_four=True)
        yield Static("Secret", classes="label", id="secret-label")
        yield self._field("secret")
        yield Static("", id="enter", classes="hint", markup=False)

    def _field(self, name: str, *, show_last_four: bool = False) -> SecretField:
        return SecretField(show_last_four=show_last_four, takes_pair=True, glyphs=self._glyphs, id=name)

    def show(self, kind: KeyKind, instructions: str) -> None:
        """Show what a key of this kind needs, and focus the API key."""
        self._kind = kind
        is_hmac = kind is KeyKind.HMAC
        self.query_one("#secret").display = self.query_one("#secret-label").display = is_hmac
        self.query_one("#public-key").display = not is_hmac
        self.query_one("#instructions", Static).update(instructions)
        where, swap = (" in the last field", "\nF5 exchanges the two.") if is_hmac else ("", "")
        self.say(f"Enter{where} stores, reads back and compares.{swap}")
        self._get("api-key").focus()

    def say(self, text: str) -> None:
        """Say below the fields what Enter does, or is doing."""
        self.query_one("#enter", Static).update(text)

    def show_public_key(self, pem: str) -> None:
        """Show the public half above the field, or below it where it has a dozen lines and would push the field off."""
        public_key = self.query_one("#public-key", Static)
        if self._kind is KeyKind.RSA:
            self.move_child(public_key, after=self.query_one("#enter"))
        else:
            self.move_child(public_key, before=self.query_one("#api-key-label"))
        public_key.update(pem.strip())

    def await_public_key(self, doing: str) -> None:
        """Say in the place of the public half what is done about it."""
        self.query_one("#public-key", Static).update(doing)

    def fill(self, api_key: Secret | None, secret: Secret | None) -> None:
        """Put each value into its own field, and focus the first that is empty."""
        for name, value in (("api-key", api_key), ("secret", secret)):
            if value:
                self._get(name).fill(value)
        self.focus_what_is_missing()

    def swap(self) -> None:
        """Exchange what stands in the two fields."""
        api_key, secret = (self._get(name).take() for name in ("api-key", "secret"))
        self.fill(secret, api_key)
        api_key.wipe()
        secret.wipe()

    def clear(self) -> None:
        """Overwrite and empty both fields."""
        for field in self.query(SecretField):
            field.clear()

    def read(self) -> Entered:
        """Return copies of what was entered.

        Raises:
            IntakeError: a value cannot be one of its kind; its field has the focus.
        """
        api_key, notes = self._read("api-key", Role.API_KEY)
        if self._kind is not KeyKind.HMAC:
            return Entered(api_key, None, notes)
        try:
            secret, more = self._read("secret", Role.SECRET)
        except IntakeError:
            api_key.wipe()
            raise
        entered = Entered(api_key, secret, f"{notes} {more}".strip())
        if problem := pair_problem(api_key, secret):
            entered.wipe()
            raise IntakeError(problem)
        return entered

    def _read(self, name: str, role: Role) -> tuple[Secret, str]:
        field = self._get(name)
        copy = field.peek()
        try:
            value, notes = read_key(copy.reveal(), role)
        except IntakeError:
            field.focus()
            raise
        finally:
            copy.wipe()
        return value, " ".join(notes)

    def focus_what_is_missing(self) -> None:
        """Focus the first field that is empty, or the last."""
        fields = [field for field in self.query(SecretField) if field.display]
        next((field for field in fields if not field.length), fields[-1]).focus()

    def _get(self, name: str) -> SecretField:
        return self.query_one(f"#{name}", SecretField)
