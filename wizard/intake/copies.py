"""Copies in plain text that a key still has outside the keyring: in which file, in which line, never its value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from wizard.credentials import Credentials
from wizard.intake.files import FileUnusable, read_text_file

_HERE = (".env", ".env.local", "config.json", "user_data/config.json")
_AT_HOME = (".profile", ".bashrc", ".bash_profile", ".zshrc", ".zshenv", ".env")


def copies_of(credentials: Credentials, environ: Mapping[str, str], noted: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the places that hold the API key or its secret now, each as a phrase.

    Looked at are the variables of this process, the usual files of the working and the home directory, and `noted`.

    Args:
        credentials: What is looked for.
        environ: The variables of this process; `PWD` and `HOME` name the two directories.
        noted: Further files.
    """
    values = tuple(value.reveal() for value in (credentials.api_key, credentials.signing) if value)
    files = dict.fromkeys([*noted, *_usual(environ, "PWD", _HERE), *_usual(environ, "HOME", _AT_HOME)])
    found = [phrase for file in files if (phrase := _in_file(file, values))]
    names = sorted(name for name, held in environ.items() if any(value in held for value in values))
    return (*found, *(f"the environment variable {name}" for name in names))


def _usual(environ: Mapping[str, str], variable: str, names: tuple[str, ...]) -> list[str]:
    directory = environ.get(variable)
    return [str(Path(directory) / name) for name in names] if directory else []


def _in_file(path: str, values: tuple[str, ...]) -> str:
    try:
        file = read_text_file(path)
    except FileUnusable:
        return ""
    lines = file.text.reveal().splitlines()
    file.text.wipe()
    # A private key stands over several lines, of which none is the whole: the first one of its body tells it.
    marks = [value.splitlines()[1] if value.startswith("-----BEGIN") else value for value in values]
    numbers = [str(number) for number, line in enumerate(lines, 1) if any(mark in line for mark in marks)]
    if not numbers:
        return ""
    return f"{file.path}, line{'' if len(numbers) == 1 else 's'} {', '.join(numbers)}"
