"""The parser of the command line. What a user typed is shown without control characters, also in errors."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from wizard.core.errors import WizardError
from wizard.core.key_shape import holds_key
from wizard.core.text import printable


class KeyGiven(WizardError):
    """What was given looks like a key; it is not repeated."""


def refuse_keys(arguments: Sequence[str]) -> None:
    """Look at what a command was called with before anything can repeat it.

    Raises:
        KeyGiven: an argument looks like a key.
    """
    if any(map(holds_key, arguments)):
        raise KeyGiven(
            "An argument looks like a key, and the wizard takes no key here",
            why="It has 40 or more letters and digits in a row, or is part of a private key. Your shell may have saved"
            " it, and other programs can read it.",
            advice="Delete it from your shell's history. If it is a real key, replace it. Only the wizard takes keys.",
        )


class ArgumentParser(argparse.ArgumentParser):
    """An `argparse` parser for text from outside."""

    interleaved: str | None = None
    """The positional argument that may also stand behind and between options: `8.8.8.8 --json 9.9.9.9`."""

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:  # type: ignore[override]
        """Take words between options for the argument that is interleaved."""
        options, rest = super().parse_known_args(args, namespace)
        if self.interleaved is None:
            return options, rest
        words = [each for each in rest if each == "-" or not each.startswith("-")]
        setattr(options, self.interleaved, [*getattr(options, self.interleaved), *words])
        return options, [each for each in rest if each not in words]

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and how they are written."""
        super().error(printable(message, limit=1000))
