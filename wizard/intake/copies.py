"""Copies in plain text that a key still has outside of its store: in which file, in which line, never its value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from wizard.credentials import Credentials
from wizard.intake.encrypted import is_encrypted
from wizard.intake.files import USUAL, FileMissing, FileUnusable, read_file
from wizard.intake.traces import Traces
from wizard.text import printable

LARGEST_SEARCHED = 4 * 1024 * 1024
"""Bytes. A shell's start-up file has some thousand; what is larger was not written by a person."""
_AT_HOME = (".profile", ".bashrc", ".bash_profile", ".zshrc", ".zshenv", ".env")


@dataclass(frozen=True, slots=True)
class Copies:
    """What a search came to."""

    found: tuple[str, ...] = ()
    """The places that hold the key, each as a phrase."""
    unknown: tuple[str, ...] = ()
    """The places that could not be looked at, each with the reason."""

    def __bool__(self) -> bool:
        return bool(self.found or self.unknown)

    def sentences(self) -> tuple[str, ...]:
        """Return what is to be told about it."""
        held = (f"It still stands in plain text: {'; '.join(self.found)}.",) if self.found else ()
        gaps = (f"Not known, whether also elsewhere: {'; '.join(self.unknown)}.",) if self.unknown else ()
        return held + gaps


def copies_of(credentials: Credentials, environ: Mapping[str, str], noted: Iterable[str] = ()) -> Copies:
    """Return the places that hold the API key or what signs for it now.

    Looked at are the variables of this process, the usual files of the working and the home directory, and `noted`.
    A private key is recognised by its public half, in whichever form it stands there.

    Args:
        credentials: What is looked for.
        environ: The variables of this process; `PWD` and `HOME` name the two directories.
        noted: Further files.
    """
    traces = Traces(credentials)
    files = dict.fromkeys([*noted, *_usual(environ, "PWD", USUAL), *_usual(environ, "HOME", _AT_HOME)])
    found, unknown = [], []
    for file in files:
        try:
            found += _in_file(file, traces)
        except FileMissing:
            continue
        except FileUnusable as error:
            unknown.append(error.what.replace("What was given", printable(file, limit=400)))
    names = [name for name in sorted(environ) if traces.lines(environ[name])]
    found += [f"the environment variable{'s' if len(names) > 1 else ''} {', '.join(names)}"] if names else []
    return Copies(tuple(found), tuple(unknown))


def _usual(environ: Mapping[str, str], variable: str, names: tuple[str, ...]) -> list[str]:
    directory = environ.get(variable)
    return [str(Path(directory) / name) for name in names] if directory else []


def _in_file(path: str, traces: Traces) -> list[str]:
    file = read_file(path, LARGEST_SEARCHED)
    text = _text(file.data)
    if text is None:
        return [file.path] if traces.are_in(bytes(file.data)) else []
    numbers = [str(number) for number in traces.lines(text)]
    if not numbers and traces.may_be_locked_in(text):
        raise FileUnusable(f"{file.path} holds an encrypted private key, and whose it is cannot be told")
    if not numbers and is_encrypted(text):
        raise FileUnusable(f"{file.path} holds a key that a password of the bot opens, and whose it is cannot be told")
    return [f"{file.path}, line{'' if len(numbers) == 1 else 's'} {', '.join(numbers)}"] if numbers else []


def _text(data: bytes) -> str | None:
    """Return a file as text, also as Windows' editors save it; None where it is none."""
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None
