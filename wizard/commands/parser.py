"""The parser of the command line. What a user typed is shown without control characters, also in errors."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from wizard.text import printable


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
