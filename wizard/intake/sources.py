"""Where a key in use can be read from: the environment, a `.env`, a bot's configuration. Nothing is written.

The names of the fields decide (`wizard.intake.labels`), so freqtrade's `exchange.key`, ccxt's `apiKey` and
`BINANCE_API_SECRET=` are read by one rule; where they could mean several keys nothing is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from wizard.core.errors import WizardError
from wizard.core.text import printable
from wizard.intake.files import USUAL, FileUnusable, read_text_file
from wizard.intake.labels import Role, role_of
from wizard.intake.pairs import Pair, read_pair
from wizard.intake.pasted import Refused

ENVIRONMENT = "environment"
"""What a user writes in place of a path to mean the variables of this process."""
_ENCRYPTED = re.compile(r":\s*[\"']?7b22[0-9a-f]{100,}|\"ciphertext\"\s*:\s*\"[0-9a-f]{32,}\"", re.IGNORECASE)
"""An Ethereum key file (version 3), in which Hummingbot keeps a key: as hexadecimal text in conf/connectors/NAME.yml,
before 2022 as JSON in conf/encrypted_NAME_api_key.json (its client/config/config_crypt.py)."""

_OURS = re.compile(r"BINANCE|\AFREQTRADE__EXCHANGE__", re.IGNORECASE)


class NoKeyThere(WizardError):
    """A place holds no API key with its secret that could be taken."""


class KeyEncrypted(NoKeyThere):
    """A file holds a key, and a password of the bot opens it.

    Args:
        path: Where it lies, absolute and printable.
    """

    def __init__(self, path: str) -> None:
        super().__init__(
            "The key in this file is encrypted with a password, as Hummingbot's are",
            why=f"{path} holds no key in the clear.",
            advice="Run `export keys` in Hummingbot, which asks for the password and shows them, and paste both here.",
        )
        self.path = path


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
    """Read the API key and its secret.

    Args:
        place: The path of a file, or `ENVIRONMENT`.
        environ: The variables of this process.

    Raises:
        KeyEncrypted: a password of the bot opens it.
        NoKeyThere: there is none, it is not complete, or there are several.
        wizard.intake.files.FileUnusable: the file cannot be read.
    """
    if place.strip().lower() == ENVIRONMENT:
        return _read_environment(environ)
    file = read_text_file(place)
    text = file.text.reveal()
    try:
        if is_encrypted(text):
            raise KeyEncrypted(file.path)
        return Found(_complete(read_pair(text), file.path), file.path, file.path, file.warning)
    finally:
        file.text.wipe()


def is_encrypted(text: str) -> bool:
    """Return whether a file holds a key that a password of the bot opens."""
    return bool(_ENCRYPTED.search(text))


def candidates(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the usual places that do hold a key with its secret, those of the working directory first."""
    return tuple(place for place in (*_usual_files(environ), ENVIRONMENT) if _holds_key(place, environ))


def _holds_key(place: str, environ: Mapping[str, str]) -> bool:
    try:
        read_source(place, environ).pair.wipe()
    except (NoKeyThere, FileUnusable):
        return False
    return True


def _usual_files(environ: Mapping[str, str]) -> Iterator[str]:
    if here := environ.get("PWD"):
        yield from (str(Path(here) / name) for name in USUAL)


def _read_environment(environ: Mapping[str, str]) -> Found:
    names = [name for name, value in environ.items() if value.strip() and _OURS.search(name)]
    roles = {name: role_of(name.replace("FREQTRADE__EXCHANGE__", "")) for name in names}
    used = [name for name in names if roles[name] is not Role.OTHER]
    if damaged := [name for name in used if not _is_text(name + environ[name])]:
        raise NoKeyThere(
            f"The environment variable {printable(damaged[0], 60)} is not text in UTF-8",
            why="No API key and no secret has such bytes.",
            advice="Set it again, give another place, or paste both.",
        )
    lines = "\n".join(f"{name.replace('FREQTRADE__EXCHANGE__', '')}={environ[name].strip()}" for name in used)
    place = f"the environment: {', '.join(sorted(used))}"
    return Found(_complete(read_pair(lines), "The environment"), place)


def _is_text(text: str) -> bool:
    """Whether a variable is UTF-8: other bytes come as lone surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _complete(answer: Pair | Refused | None, where: str) -> Pair:
    if isinstance(answer, Refused):
        raise NoKeyThere(f"{where} holds several keys", why=answer.reason, advice="Paste the one that is meant.")
    if answer is None or (answer.api_key is None and answer.secret is None):
        raise NoKeyThere(f"{where} holds no API key with its secret", advice="Give another place, or paste both.")
    if answer.api_key is None or answer.secret is None:
        missing = "secret" if answer.secret is None else "API key"
        raise NoKeyThere(f"{where} holds no {missing}", advice="Give another place, or paste both.")
    return answer
