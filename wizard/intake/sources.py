"""Where a key in use can be read from: the environment, a `.env`, a bot's configuration. Nothing is written.

The names of the fields decide (`wizard.intake.paste.role_of`), so freqtrade's `exchange.key`, ccxt's `apiKey` and
`BINANCE_API_SECRET=` are read by one rule; where they could mean several keys nothing is taken.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wizard.core import files
from wizard.core.errors import FileError, WizardError
from wizard.core.secret import Secret
from wizard.core.settings import JOURNAL, OTHERS
from wizard.core.text import capitalised, counted, printable
from wizard.exchange.signing import KeyPair
from wizard.intake.paste import IntakeError, NamedValue, Pair, Role, name_values, read_pair, role_of
from wizard.intake.private_keys import NEEDS_PASSPHRASE, UNKNOWN, import_pem, is_seed, refuse_others

ENVIRONMENT = "environment"
"""What a user writes in place of a path to mean the variables of this process."""
_ENCRYPTED = re.compile(r":\s*[\"']?7b22[0-9a-f]{100,}|\"ciphertext\"\s*:\s*\"[0-9a-f]{32,}\"", re.IGNORECASE)
"""An Ethereum key file (version 3), in which Hummingbot keeps a key: as hexadecimal text in conf/connectors/NAME.yml,
before 2022 as JSON in conf/encrypted_NAME_api_key.json (its client/config/config_crypt.py)."""

PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----(?:(?!-----).)*-----END \1-----", re.DOTALL)
"""Up to the next frame: a search beyond it takes hours where a file holds many beginnings, and no thread gets on."""
_ATTRIBUTES = re.compile(r"^(?:Bag|Key) Attributes.*(?:\n[ \t]+.*)*", re.MULTILINE)
"""What `openssl pkcs12` writes before a key."""
_OURS = re.compile(r"BINANCE|\AFREQTRADE__EXCHANGE__", re.IGNORECASE)
_OTHER_PLACE = "Enter another place, or paste both."
SEVERAL = "intake.several"
"""The code of the error where a place holds more than one key."""

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
class ImportedKey:
    """A private key that was opened."""

    pair: KeyPair
    warning: str = ""
    """What is wrong with the file that it came from, or to be compared; empty where nothing is."""
    path: str = ""
    """That file; empty where the key was pasted."""


@dataclass(frozen=True, slots=True)
class Found:
    """A key in use and where it was."""

    pair: Pair
    """Without a secret where a private key signs; without an API key where a private key stands alone."""
    place: str
    """A path, or the names of environment variables; never a value."""
    path: str = ""
    """The path; empty for the environment."""
    warning: str = ""
    pem: Secret | None = None
    """The private key, in a file that holds one."""
    named: tuple[NamedValue, ...] = ()

    def described(self) -> str:
        """Return what was read and where, without a value."""
        what = self.pair.described() if self.pem is None else "This holds a private key."
        if self.pem is not None and self.pair.api_key:
            what = f"This holds a private key and the API key …{self.pair.api_key.last_four()}."
        return f"{what} Read from {self.place}."

    def wipe(self) -> None:
        """Overwrite what was read."""
        self.pair.wipe()
        if self.pem is not None:
            self.pem.wipe()


@dataclass(frozen=True, slots=True)
class Search:
    """What the usual places hold."""

    looked_at: tuple[str, ...]
    found: tuple[Found, ...]
    """Each place that holds one whole key, those of the working directory first."""
    listed: tuple[str, ...]
    """Each API key, masked, with its place and its name, also of places that hold several."""
    is_mixed: bool
    """Whether a place holds several."""

    def take(self) -> Found | None:
        """Return the one key that there is, wiping all else; None where there is none, or more than one."""
        is_one = not self.is_mixed and all(one.pair.api_key == self.found[0].pair.api_key for one in self.found)
        for one in self.found[1 if is_one else 0 :]:
            one.wipe()
        return self.found[0] if self.found and is_one else None


def search(environ: Mapping[str, str]) -> Search:
    """Read the usual places: those of the working directory (`PWD`), and this process's variables."""
    here = environ.get("PWD")
    places = (*([str(Path(here) / name) for name in USUAL] if here else []), ENVIRONMENT)
    found: list[Found] = []
    listed: list[str] = []
    is_mixed = False
    for place in places:
        try:
            one = read_source(place, environ)
        except WizardError as error:
            if error.code == SEVERAL and isinstance(error, IntakeError):
                is_mixed = True
                listed += name_keys(place, error.named)
            continue
        if one.pair.api_key:
            found.append(one)
            listed += name_keys(place, one.named) or (f"…{one.pair.api_key.last_four()} in {place}",)
        else:
            one.wipe()
    return Search(places, tuple(found), tuple(listed), is_mixed)


def name_keys(place: str, named: Iterable[NamedValue]) -> tuple[str, ...]:
    """Return each API key, masked, with its place and its name, as a phrase."""
    keys = (one for one in named if one.role is Role.API_KEY)
    return tuple(
        f"{one.shown.replace('API key …', '…')} in {place}, {f'line {one.line}, ' * bool(one.line)}{one.name}"
        for one in keys
    )


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
        return read_key_text(text, file.path, file.path, file.warning)


def is_encrypted(text: str) -> bool:
    """Return whether a file holds a key that a password of the bot opens."""
    return bool(_ENCRYPTED.search(text))


def unquoted(block: str) -> str:
    """Return a private key as it was before a file with names, quotes or `\\n` took it in."""
    lines = block.replace("\\r", "").replace("\\n", "\n").splitlines()
    return "\n".join(line.strip(" \t\r\"'#>|,;") for line in lines)


def _read_environment(environ: Mapping[str, str]) -> Found:
    names = {name: name.replace("FREQTRADE__EXCHANGE__", "") for name in environ if _OURS.search(name)}
    used = [
        name
        for name, own in names.items()
        if environ[name].strip() and (role_of(own) is not Role.OTHER or PRIVATE_KEY.search(unquoted(environ[name])))
    ]
    # Bytes that are not UTF-8 come as lone surrogates.
    if damaged := [name for name in used if re.search("[\ud800-\udfff]", name + environ[name])]:
        raise IntakeError(
            f"The environment variable {printable(damaged[0], 60)} is not text in UTF-8",
            why="No API key and no secret has such bytes.",
            advice=f"Set it again. {_OTHER_PLACE}",
        )
    lines = "\n".join(f"{names[name]}={environ[name].strip()}" for name in used)
    whole = {own: name for name, own in names.items()}
    named = tuple(replace(one, line=0, name=whole.get(one.name, one.name)) for one in name_values(lines))
    return read_key_text(lines, f"the environment: {', '.join(sorted(used))}", named=named)


def read_key_text(
    text: str, place: str, path: str = "", warning: str = "", named: tuple[NamedValue, ...] | None = None
) -> Found:
    """Return the one key that a text holds; an IntakeError where it holds none or several (`SEVERAL`).

    `named` is what it names, where that is known better than by its lines.
    """
    where, named = capitalised(path or place.partition(":")[0]), name_values(text) if named is None else named
    if not PRIVATE_KEY.search(text):
        refuse_others(text)
    try:
        pair, pem = _split(text)
    except IntakeError as error:
        several = IntakeError(
            f"{where} holds several keys", why=error.what, advice="Paste the one you mean.", code=SEVERAL
        )
        several.named = named
        raise several from None
    if pem is None and pair is None:
        pem = _alone(text, where)
    if pem is None and (pair is None or pair.api_key is None or pair.secret is None):
        missing = "API key with its secret" if pair is None else "API key" if pair.secret else "secret"
        raise IntakeError(f"{where} holds no {missing}", advice=_OTHER_PLACE)
    return Found(pair or Pair(None, None, is_named=False), place, path, warning, pem, named)


def _alone(text: str, where: str) -> Secret | None:
    """Return a text that is as a whole a private key; an IntakeError where it is named as what it is instead."""
    pem = Secret(text)
    if is_seed(pem) and "=" not in text:
        raise IntakeError(
            f"{where} holds one value without a name",
            why="It may be the seed of an Ed25519 key, or a key or secret of another kind.",
            advice="If it is a seed, write PRIVATE_KEY= before it.",
        )
    try:
        import_pem(pem).private_pem.wipe()
    except WizardError as error:
        if error.code == UNKNOWN:
            return None
        if error.code != NEEDS_PASSPHRASE:
            raise
    return pem


def _split(text: str) -> tuple[Pair | None, Secret | None]:
    """Return API key and secret, and the private key; an IntakeError where they are of several keys."""
    blocks = dict.fromkeys(unquoted(block[0]) for block in PRIVATE_KEY.finditer(text))
    pair = read_pair(_ATTRIBUTES.sub("", PRIVATE_KEY.sub("", text)))
    if len(blocks) > 1 or (blocks and pair and pair.secret):
        raise IntakeError(
            f"It holds {'a secret and ' if pair and pair.secret else ''}{counted(len(blocks), 'private key')}."
        )
    return pair, Secret(*blocks) if blocks else None


def read_text_file(path: str) -> TextFile:
    """Read one text file (see `read_file`), which has to be UTF-8, or UTF-16 with its mark (`file.not_text`)."""
    shown, data, mode = read_file(path, LARGEST_FILE)
    try:
        return TextFile(shown, Secret(decode(data)), _exposure(shown, mode))
    except UnicodeDecodeError:
        advice = "Enter a text file, or paste instead."
        raise FileError(f"{shown} is not text", advice=advice, code="file.not_text") from None


def _exposure(shown: str, mode: int) -> str:
    is_open = os.name == "posix" and mode & OTHERS
    advice = "Run `chmod 600`, or delete it once the key is stored."
    return f"Other users of this machine can read {shown}. {advice}" if is_open else ""


def decode(data: bytes, errors: str = "strict") -> str:
    """Return the text of a file, also as Windows' programs save it; UnicodeDecodeError where it is none."""
    return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", errors)


def open_private_key(path: str, pem: Secret, passphrase: Secret) -> ImportedKey:
    """Open the key in a file, or the one that was pasted (see `read_file` and `import_pem`), not both."""
    if path.strip() and pem:
        raise IntakeError("You entered a path and pasted a key", advice="Empty one of the two fields.")
    if pem:
        return ImportedKey(import_pem(pem, passphrase), _doubt(pem))
    if not path.strip():
        raise IntakeError("You entered nothing", advice="Enter the path of the file, or paste the key.")
    try:
        file = read_text_file(path)
    except FileError as error:
        if error.code != "file.not_text":
            raise
        shown, data, mode = read_file(path, LARGEST_FILE)
        # DER is read as its base64.
        file = TextFile(shown, Secret(base64.b64encode(data).decode("ascii")), _exposure(shown, mode))
    with file.text:
        warning = " ".join(filter(None, (file.warning, _doubt(file.text))))
        return ImportedKey(import_pem(file.text, passphrase), warning, file.path)


def _doubt(pem: Secret) -> str:
    return "It was read as an Ed25519 seed. Compare the public key with Binance's page." if is_seed(pem) else ""


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
