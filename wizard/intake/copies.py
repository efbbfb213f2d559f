"""Copies in plain text that a key still has outside of its store: in which file, in which line, never its value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import FileError, WizardError
from wizard.core.secret import Secret
from wizard.core.text import printable
from wizard.exchange.signing import public_pem
from wizard.intake.candidates import PRIVATE_KEY
from wizard.intake.private_keys import import_pem
from wizard.intake.sources import NOT_NAMED, USUAL, decode, is_encrypted, read_file, usual_files

LARGEST_SEARCHED = 4 * 1024 * 1024
"""Bytes. A shell's start-up file has some thousand; what is larger was not written by a person."""
MOST_BLOCKS = 32
"""Private keys that are opened in one file; each may take a tenth of a second."""
_AT_HOME = (".profile", ".bashrc", ".bash_profile", ".zshrc", ".zshenv", ".env")
_LOCKED = re.compile(r"-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED")


@dataclass(frozen=True, slots=True)
class Copies:
    """What a search came to."""

    found: tuple[str, ...] = ()
    """The places that hold the key, each as a phrase."""
    unknown: tuple[str, ...] = ()
    """Why each other place could not be looked at, as a sentence without its full stop."""

    def __bool__(self) -> bool:
        return bool(self.found or self.unknown)

    def sentences(self) -> tuple[str, ...]:
        """Return the places, one a sentence."""
        held = (f"It is still in plain text in {place}." for place in self.found)
        return (*held, *(f"{reason}. The key may be there too." for reason in self.unknown))


def copies_of(credentials: Credentials, environ: Mapping[str, str], noted: Iterable[str] = ()) -> Copies:
    """Return the places that hold the API key or what signs for it now.

    Looked at are the variables of this process, the usual files of the working and the home directory (`PWD` and
    `HOME`), and the files `noted`. A private key is looked for between PEM frames and recognised by its public half.
    """
    traces = _Traces(credentials)
    files = dict.fromkeys([*noted, *usual_files(environ, "PWD", USUAL), *usual_files(environ, "HOME", _AT_HOME)])
    found, unknown = [], []
    for file in files:
        try:
            found += _in_file(file, traces)
        except FileError as error:
            if error.code not in ("file.missing", "file.impossible"):
                unknown.append(error.what.replace(NOT_NAMED, printable(file, limit=400)))
    names = [printable(name) for name in sorted(environ) if traces.lines(environ[name])]
    found += [f"the environment variable{'s' if len(names) > 1 else ''} {', '.join(names)}"] if names else []
    return Copies(tuple(found), tuple(unknown))


class _Traces:
    """What one key is recognised by in a text: its values, or its public half."""

    def __init__(self, credentials: Credentials) -> None:
        self._values = [credentials.api_key.reveal()]
        self._public = ""
        if credentials.kind is KeyKind.HMAC:
            self._values.append(credentials.signing.reveal())
        else:
            self._public = public_pem(credentials.signing)

    def lines(self, text: str) -> tuple[int, ...]:
        """Return the numbers, from 1, of the lines in which the key or the beginning of its private key stands."""
        rows = enumerate(text.splitlines(), 1)
        found = {number for number, row in rows if any(value in row for value in self._values)}
        blocks = list(PRIVATE_KEY.finditer(text))[:MOST_BLOCKS] if self._public else []
        found |= {text.count("\n", 0, block.start()) + 1 for block in blocks if self._is_own(block[0])}
        return tuple(sorted(found))

    def may_be_locked_in(self, text: str) -> bool:
        """Return whether an encrypted private key stands there, of which nobody can tell whose it is."""
        return bool(self._public) and bool(_LOCKED.search(text))

    def _is_own(self, block: str) -> bool:
        with suppress(WizardError):
            return import_pem(Secret(block)).public_pem == self._public
        return False


def _in_file(path: str, traces: _Traces) -> list[str]:
    shown, data, _ = read_file(path, LARGEST_SEARCHED)
    # Also as Windows' editors save it. A value stands between other bytes as well.
    text = decode(data, "replace")
    numbers = [str(number) for number in traces.lines(text)]
    if not numbers and traces.may_be_locked_in(text):
        raise FileError(f"{shown} holds an encrypted private key")
    if not numbers and is_encrypted(text):
        raise FileError(f"{shown} holds a key that only the bot's password opens")
    return [f"{shown}, line{'' if len(numbers) == 1 else 's'} {', '.join(numbers)}"] if numbers else []
