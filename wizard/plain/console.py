"""What the line mode needs of the outside: a way to write a line, to ask for one, and to ask for a secret."""

from __future__ import annotations

from typing import Protocol

from wizard.core.errors import WizardError
from wizard.core.secret import Secret


class Interrupted(Exception):
    """Ctrl-C was pressed."""


class EndOfInput(Exception):
    """Nobody answers any more: the input has ended, or the terminal is gone."""


class SecretEntryRefused(WizardError):
    """A secret cannot be typed here without being seen or kept by others."""


class Console(Protocol):
    """Where the conversation takes place. It is given printable text only."""

    def write(self, line: str) -> None:
        """Write one line.

        Raises:
            EndOfInput: nobody can read it any more.
        """
        ...

    async def ask(self, prompt: str) -> str:
        """Write the prompt and return the line that answers it, without its end.

        On a terminal a line that holds a key is not shown, and what comes right after it is dropped.

        Raises:
            Interrupted: Ctrl-C was pressed.
            EndOfInput: there is no answer, and there will be none.
        """
        ...

    async def has_more(self) -> bool:
        """Return whether more of a paste, a further line or the beginning of one, stands in a terminal's input already.

        Never of a pipe: its lines are answers, one by one.
        """
        ...

    def forget_typed(self) -> None:
        """Drop what was typed at a terminal before now: it answers no question that comes after this."""
        ...

    async def ask_secret(self, prompt: str) -> Secret:
        """Write the prompt and return what was typed or pasted, all that came in one go; nothing of it is shown.

        Raises:
            Interrupted: Ctrl-C was pressed.
            EndOfInput: there is no answer, and there will be none.
            SecretEntryRefused: a secret cannot be taken here.
        """
        ...
