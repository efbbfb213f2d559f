"""Where a key in use can be read from: the environment, a `.env`, a bot's configuration. Nothing is written.

What a text holds is read by `wizard.intake.candidates`; where that could mean several keys nothing is taken.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from wizard.core import files
from wizard.core.errors import FileError, WizardError
from wizard.core.secret import Secret
from wizard.core.settings import JOURNAL, OTHERS
from wizard.core.text import capitalised, printable
from wizard.exchange.signing import KeyPair
from wizard.intake.candidates import HeldKey, HeldKeys, choose, find_candidates
from wizard.intake.formats import NamedValue
from wizard.intake.paste import IntakeError
from wizard.intake.private_keys import NEEDS_PASSPHRASE, UNKNOWN, import_pem, is_seed
from wizard.intake.refusals import refusal

ENVIRONMENT = "environment"
"""What a user writes in place of a path to mean the variables of this process."""
_ENCRYPTED = re.compile(r":\s*[\"']?7b22[0-9a-f]{100,}|\"ciphertext\"\s*:\s*\"[0-9a-f]{32,}\"", re.IGNORECASE)
"""An Ethereum key file (version 3), in which Hummingbot keeps a key: as hexadecimal text in conf/connectors/NAME.yml,
before 2022 as JSON in conf/encrypted_NAME_api_key.json (its client/config/config_crypt.py)."""

HUMMINGBOT = f"7b22{'0' * 100}"
"""The beginning of every key that it encrypts."""
_OURS = re.compile(r"BINANCE|\AFREQTRADE__EXCHANGE__", re.IGNORECASE)
_BARE_NAMES = frozenset({"API_KEY", "API_SECRET", "PRIVATE_KEY"})
"""Names of Binance's examples, which `exec --as binance` sets. Longer ones without BINANCE are another service's."""
_OTHER_PLACE = "Enter another place, or paste both."
SEVERAL = "intake.several"
"""The code of the error where a place holds more than one key."""

LARGEST_FILE = 8 * 1024 * 1024
"""Bytes. A configuration has some thousand; a dump of a whole cluster a few million."""
USUAL = (
    *(".env", ".env.local", "config.json", "user_data/config.json"),
    *(f"conf/connectors/{name}.yml" for name in ("binance", "binance_perpetual", "binance_us")),
)
"""Where bots keep their keys, seen from their own directory: a `.env`, freqtrade, Hummingbot."""
NOT_NAMED = "this path"
"""Stands for a path that may be a key, pasted in the wrong place."""


@dataclass(frozen=True, slots=True)
class ImportedKey:
    """A private key that was opened."""

    pair: KeyPair
    warning: str = ""
    """What is wrong with the file that it came from, or to be compared; empty where nothing is."""
    path: str = ""
    """That file; empty where the key was pasted."""


def search(environ: Mapping[str, str]) -> HeldKeys:
    """Read the usual places: those of the working directory (`PWD`), then this process's variables.

    Where they hold no key, a note names them.
    """
    places = (*usual_files(environ, "PWD", USUAL), ENVIRONMENT)
    found: list[HeldKey] = []
    for place in places:
        with suppress(WizardError):
            found += (one for one in read_source(place, environ).found if one.api_key or one.refused)
    looked = f"Looked in {', '.join(printable(place) for place in places)}."
    return HeldKeys(tuple(found), notes=() if found else (looked,), place="The usual places")


def usual_files(environ: Mapping[str, str], variable: str, names: Sequence[str]) -> list[str]:
    """Return the files of these names in the directory that a variable names; none where it names none."""
    directory = environ.get(variable)
    return [str(Path(directory) / name) for name in names] if directory else []


def read_source(place: str, environ: Mapping[str, str]) -> HeldKeys:
    """Read the keys in a file, or in this process's variables (`ENVIRONMENT`).

    IntakeError: a variable is damaged. FileError: see `read_file`; also where the file is not text (`file.not_text`).
    """
    if place.strip().lower() == ENVIRONMENT:
        return _read_environment(environ)
    shown, data, mode = read_file(place, LARGEST_FILE)
    try:
        text = decode(data)
    except UnicodeDecodeError:
        advice = "Enter a text file, or paste instead."
        raise FileError(f"{shown} is not text", advice=advice, code="file.not_text") from None
    return read_key_text(text, shown, shown, _exposure(shown, mode))


def read_key_text(text: str, place: str, path: str = "", warning: str = "") -> HeldKeys:
    """Return the keys that a text holds, each with its place. A private key may be all of it."""
    held, problem = find_candidates(text), None
    found = held.found
    if not held.left_out and not any(one.api_key or one.pem or one.refused for one in found):
        alone, problem = _private_key_alone(text)
        found = alone or found
    if not found and is_encrypted(text):
        found = (HeldKey(None, None, refused=f"The key is {refusal(HUMMINGBOT)}"),)
    placed = tuple(
        replace(one, place=place, path=path, warning=" ".join(filter(None, (warning, one.warning)))) for one in found
    )
    return replace(held, found=placed, place=capitalised(place), path=path, problem=problem)


def take(held: HeldKeys, site: str, name: str = "") -> HeldKey:
    """Return the one key that is meant (see `choose`), and overwrite the others.

    IntakeError: there is none, it is no value, or there are several (`SEVERAL`).
    """
    chosen = choose(held.found, site, name)
    for one in held.found:
        if one is not chosen:
            one.wipe()
    if chosen is None:
        error = held.problem if isinstance(held.problem, IntakeError) else _why_none(held, name)
        error.path = held.path
        raise error
    return chosen


def _why_none(held: HeldKeys, name: str) -> IntakeError:
    usable = [one for one in held.found if not one.refused]
    listed = "\n".join(f"{one.listed}." for one in held.found)
    if name:
        return IntakeError(f"{held.place} holds no key of this name", why=listed, advice=_OTHER_PLACE, code=SEVERAL)
    if len(usable) > 1 or (usable and not usable[0].missing):
        whose = "a key that may be another service's" if usable[0].is_doubtful else "the key of another site"
        what = f"{held.place} holds {'several keys' if len(usable) > 1 else whose}"
        return IntakeError(what, why=listed, advice="Choose the one you mean.", code=SEVERAL)
    if usable or not held.found:
        lacks = "API key with its secret" if not usable else "secret" if usable[0].missing == "secret" else "API key"
        return IntakeError(f"{held.place} holds no {lacks}", why=held.left_out_said, advice=_OTHER_PLACE)
    if any(refusal(HUMMINGBOT) in one.refused for one in held.found):
        advice = "Run `export keys` in Hummingbot, type its password, and paste both values here."
        return IntakeError("A password encrypts the key in this file, as in Hummingbot", why=listed, advice=advice)
    return IntakeError(f"{held.place} holds no key", why=listed, advice=_OTHER_PLACE)


def _private_key_alone(text: str) -> tuple[tuple[HeldKey, ...], WizardError | None]:
    """Return a text that is as a whole a private key; the error where it is named as what it is instead."""
    pem = Secret(text)
    try:
        import_pem(pem).private_pem.wipe()
    except WizardError as error:
        if error.code == UNKNOWN:
            return (), None
        if error.code != NEEDS_PASSPHRASE:
            return (HeldKey(None, None, refused=f"{error.what}. {error.advice}".rstrip()),), error
    return (HeldKey(None, None, pem, is_named=False, warning=_doubt(pem)),), None


def is_encrypted(text: str) -> bool:
    """Return whether a file holds a key that a password of the bot opens."""
    return bool(_ENCRYPTED.search(text))


def _read_environment(environ: Mapping[str, str]) -> HeldKeys:
    used = [name for name in environ if (_OURS.search(name) or name in _BARE_NAMES) and environ[name].strip()]
    # Bytes that are not UTF-8 come as lone surrogates.
    if damaged := [name for name in used if re.search("[\ud800-\udfff]", name + environ[name])]:
        raise IntakeError(
            f"The environment variable {printable(damaged[0], 60)} is not text in UTF-8",
            why="No API key and no secret has such bytes.",
            advice=f"Set it again. {_OTHER_PLACE}",
        )
    held = find_candidates("", [NamedValue((name,), environ[name]) for name in used])
    found = tuple(replace(one, place="the environment") for one in held.found)
    return replace(held, found=found, place="The environment")


def _exposure(shown: str, mode: int) -> str:
    is_open = os.name == "posix" and mode & OTHERS
    advice = "Run `chmod 600`, or delete it once the key is stored."
    return f"Other users of this machine can read {shown}. {advice}" if is_open else ""


def open_private_key(path: str, pem: Secret, passphrase: Secret) -> ImportedKey:
    """Open the key in a file, or the one that was pasted (see `read_file` and `import_pem`), not both."""
    if path.strip() and pem:
        raise IntakeError("You entered a path and pasted a key", advice="Empty one of the two fields.")
    if pem:
        return ImportedKey(import_pem(pem, passphrase), _doubt(pem))
    if not path.strip():
        raise IntakeError("You entered nothing", advice="Enter the path of the file, or paste the key.")
    shown, data, mode = read_file(path, LARGEST_FILE)
    try:
        pem = Secret(decode(data))
    except UnicodeDecodeError:  # DER is read as its base64
        pem = Secret(base64.b64encode(data).decode("ascii"))
    del data  # a traceback with locals would show it
    with pem:
        warning = " ".join(filter(None, (_exposure(shown, mode), _doubt(pem))))
        return ImportedKey(import_pem(pem, passphrase), warning, shown)


def _doubt(pem: Secret) -> str:
    return "It was read as an Ed25519 seed. Compare the public key with Binance's page." if is_seed(pem) else ""


def decode(data: bytes, errors: str = "strict") -> str:
    """Return the text of a file, also as Windows' programs save it; UnicodeDecodeError where it is none."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors)
    if data[1:2] == b"\0" and data[3:4] == b"\0":
        return data.decode("utf-16-le", errors)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Latin-1 has a letter for each byte. What has control characters is no text.
        if errors == "strict" and re.search(rb"[\0-\x08\x0e-\x1a\x7f]", data):
            raise
        return data.decode("latin-1")


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
