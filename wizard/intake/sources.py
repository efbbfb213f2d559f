"""Where a key in use can be read from: the environment, a `.env`, a bot's configuration. Nothing is written.

The names of the fields decide (`wizard.intake.paste.role_of`), so freqtrade's `exchange.key`, ccxt's `apiKey` and
`BINANCE_API_SECRET=` are read by one rule; where they could mean several keys nothing is taken.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from wizard.core import files
from wizard.core.errors import FileError, WizardError
from wizard.core.secret import Secret
from wizard.core.settings import JOURNAL, OTHERS
from wizard.core.text import printable
from wizard.intake.paste import IntakeError, Pair, Role, read_pair, role_of

ENVIRONMENT = "environment"
"""What a user writes in place of a path to mean the variables of this process."""
_ENCRYPTED = re.compile(r":\s*[\"']?7b22[0-9a-f]{100,}|\"ciphertext\"\s*:\s*\"[0-9a-f]{32,}\"", re.IGNORECASE)
"""An Ethereum key file (version 3), in which Hummingbot keeps a key: as hexadecimal text in conf/connectors/NAME.yml,
before 2022 as JSON in conf/encrypted_NAME_api_key.json (its client/config/config_crypt.py)."""

_OURS = re.compile(r"BINANCE|\AFREQTRADE__EXCHANGE__", re.IGNORECASE)
_OTHER_PLACE = "Enter another place, or paste both."

LARGEST_FILE = 65536
"""Bytes. An RSA key of 4096 bits has 3,268; a freqtrade configuration a few thousand."""
USUAL = (
    *(".env", ".env.local", "config.json", "user_data/config.json"),
    *(f"conf/connectors/{name}.yml" for name in ("binance", "binance_perpetual", "binance_us")),
)
"""Where bots keep their keys, seen from their own directory: a `.env`, freqtrade, Hummingbot."""
NOT_NAMED = "this path"
"""Stands for a path that may be a key, pasted in the wrong place."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """What a file holds, and where it lies, absolute and printable."""

    path: str
    text: Secret
    warning: str = ""
    """What is wrong with its permissions; empty where nothing is."""


@dataclass(frozen=True, slots=True)
class Found:
    """A key in use and where it was."""

    pair: Pair
    place: str
    """A path, or the names of environment variables; never a value."""
    path: str = ""
    """The path; empty for the environment."""
    warning: str = ""


def read_source(place: str, environ: Mapping[str, str]) -> Found:
    """Read the API key and its secret from a file, or from this process's variables (`ENVIRONMENT`).

    IntakeError: there are none or several, or a password of the bot opens it, then with the path. FileError: see
    `read_file`.
    """
    if place.strip().lower() == ENVIRONMENT:
        return _read_environment(environ)
    file = read_text_file(place)
    with file.text:
        text = file.text.reveal()
        if is_encrypted(text):
            error = IntakeError(
                "A password encrypts the key in this file, as in Hummingbot",
                why=f"{file.path} holds no key in the clear.",
                advice="Run `export keys` in Hummingbot, type its password, and paste both values here.",
            )
            error.path = file.path
            raise error
        return Found(_read_whole_pair(text, file.path), file.path, file.path, file.warning)


def is_encrypted(text: str) -> bool:
    """Return whether a file holds a key that a password of the bot opens."""
    return bool(_ENCRYPTED.search(text))


def candidates(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the usual places that do hold a key with its secret, those of the working directory first."""
    here = environ.get("PWD")
    files = [str(Path(here) / name) for name in USUAL] if here else []
    found = []
    for place in (*files, ENVIRONMENT):
        with suppress(WizardError):
            read_source(place, environ).pair.wipe()
            found.append(place)
    return tuple(found)


def _read_environment(environ: Mapping[str, str]) -> Found:
    names = {name: name.replace("FREQTRADE__EXCHANGE__", "") for name in environ if _OURS.search(name)}
    used = [name for name, own in names.items() if environ[name].strip() and role_of(own) is not Role.OTHER]
    # Bytes that are not UTF-8 come as lone surrogates.
    if damaged := [name for name in used if re.search("[\ud800-\udfff]", name + environ[name])]:
        raise IntakeError(
            f"The environment variable {printable(damaged[0], 60)} is not text in UTF-8",
            why="No API key and no secret has such bytes.",
            advice=f"Set it again. {_OTHER_PLACE}",
        )
    lines = "\n".join(f"{names[name]}={environ[name].strip()}" for name in used)
    return Found(_read_whole_pair(lines, "The environment"), f"the environment: {', '.join(sorted(used))}")


def _read_whole_pair(text: str, where: str) -> Pair:
    try:
        pair = read_pair(text)
    except IntakeError as error:
        raise IntakeError(f"{where} holds several keys", why=error.what, advice="Paste the one you mean.") from None
    if pair is None or pair.api_key is None or pair.secret is None:
        missing = "API key with its secret" if pair is None else "API key" if pair.secret else "secret"
        raise IntakeError(f"{where} holds no {missing}", advice=_OTHER_PLACE)
    return pair


def read_text_file(path: str) -> TextFile:
    """Read one text file (see `read_file`), which has to be UTF-8 (`file.not_text`)."""
    shown, data, mode = read_file(path, LARGEST_FILE)
    warning = ""
    if os.name == "posix" and mode & OTHERS:
        warning = f"Other users of this machine can read {shown}. Run `chmod 600`, or delete it once the key is stored."
    try:
        return TextFile(shown, Secret(data.decode("utf-8-sig")), warning)
    except UnicodeDecodeError:
        advice = "Enter a text file, or paste instead."
        raise FileError(f"{shown} is not text", advice=advice, code="file.not_text") from None


def read_file(path: str, largest: int) -> tuple[str, bytes, int]:
    """Return where one file lies, what it holds, and its mode; its path may have quotes and `~`. No device is waited
    for.

    FileError: see `wizard.core.files`; also for a journal of this program (`file.journal`). Only the path of what
    exists is repeated.
    """
    try:
        file = Path(path.strip().strip("'\"")).expanduser().absolute()
    except (RuntimeError, OSError) as error:
        is_user = isinstance(error, RuntimeError)
        why = "There is no user of that name." if is_user else "The current directory no longer exists."
        raise _unreadable(why, "file.missing") from None
    try:
        is_journal = file.resolve().name.startswith(JOURNAL)
    except (OSError, ValueError, RuntimeError):  # links in a circle, or a name that no file can have
        raise _unreadable("No file can have this name.", "file.unreadable") from None
    shown = printable(str(file), limit=400)
    if is_journal:
        # Closing it again would drop the locks of the wizard that reads this.
        advice = "Enter the file that holds the key."
        raise FileError(f"{shown} holds the wizard's records, not a key", advice=advice, code="file.journal")
    try:
        data, found = files.read(file, largest)
    except FileError as error:
        if error.code in ("file.missing", "file.impossible", "file.unreadable"):
            raise _unreadable(error.why, error.code) from None
        raise
    return shown, data, found.st_mode


def _unreadable(why: str, code: str) -> FileError:
    advice = "Correct the path, or paste instead."
    return FileError(f"The wizard cannot read {NOT_NAMED}", why=why, advice=advice, code=code)
