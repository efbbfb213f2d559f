"""What a person pasted: one key, PEM block or password, or an API key with its secret. Pure.

Nothing is accepted in part: the first line of a paste of two would be a key without its secret. Where there are
names (`BINANCE_API_SECRET=`, `"key":`, a heading on a copied web page) they decide which value is which; without
them the first one is taken as the API key, and that is said. A length other than 64 is said and taken: Binance
documents no rule (docs/binance.md). Nothing that is said shows more of a value than its length and an API key's last
four.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.intake.refusals import refusal

MAX_LENGTH = 8192
"""Characters; an RSA key of 8192 bits is 6,400 as PKCS#8 PEM."""
MAX_PASTE = 8 * MAX_LENGTH
USUAL_LENGTH = 64

_MARKERS = re.compile("\x1b?\\[20[01]~")
REMNANTS = re.compile(r"(?:\x1b|\^\[)?\[?20[01]~|(?<=[A-Za-z0-9])~(?=\s|\Z)")
"""What is left of a bracketed paste where a part of its marks was eaten or drawn: `^[[200~`, `200~`, a `~` at the end.
No key has one."""
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»"}

_FRAME = re.compile(r"-----(?:BEGIN|END)[A-Z0-9 ]*?(PUBLIC|PRIVATE) ?KEY-----")
"""Of a key; a field for one value leaves the spaces out."""
_FRAMELESS = (
    (re.compile("MCowBQYDK2VwAyEA"), "PUBLIC"),
    (re.compile("MC4CAQAwBQYDK2Vw"), "PRIVATE"),
    (re.compile("MII.{1,8}ANBgkqhkiG9w0BAQEFAAOC"), "PUBLIC"),
    (re.compile("MII.{1,12}ANBgkqhkiG9w0BAQEFAAS"), "PRIVATE"),
)
"""How the base64 of an Ed25519 or RSA key begins when its frame was left out."""


class IntakeError(WizardError):
    """What was pasted, or stands in a file, is not one key that could be taken. It shows nothing of it."""

    path = ""
    """The file of which the user is to be reminded; empty where there is none."""


class Shape(StrEnum):
    """What a field takes."""

    VALUE = "value"
    """One line of printable ASCII without spaces: an API key, a secret."""
    PEM = "pem"
    """A private key in any form, of as many lines as it has."""
    PASSWORD = "password"  # noqa: S105 - the name of a shape
    """One line exactly as it is, spaces and accents included."""

    def takes(self, character: str) -> bool:
        """Return whether `character` may be typed."""
        if self is Shape.PASSWORD:
            return character.isprintable()
        return character.isascii() and character.isprintable() and (self is Shape.PEM or character != " ")


class Role(StrEnum):
    """What a value is by its name."""

    API_KEY = "API key"
    SECRET = "secret"  # noqa: S105 - the name of a role
    OTHER = "other"


_INSTEAD = {
    (Role.API_KEY, "PUBLIC"): "This is a public key. Paste it on Binance's page. The page then shows the API key.",
    (Role.API_KEY, "PRIVATE"): "This is a private key. Never paste it on a web page. Binance's page shows the API key.",
    (Role.SECRET, "PUBLIC"): "This is a public key, which has no secret. Choose Ed25519 or RSA as the kind of key.",
    (Role.SECRET, "PRIVATE"): "This is a private key. Choose Ed25519 or RSA as the kind of key, not HMAC.",
}


@dataclass(frozen=True, slots=True)
class Pasted:
    """One value."""

    text: str = field(repr=False)
    left_out: tuple[str, ...] = ()
    """What was around the value and is not part of it, in words."""

    def notes(self) -> tuple[str, ...]:
        """Return what was left out as a sentence."""
        return (f"Left out: {', '.join(self.left_out)}.",) if self.left_out else ()


def read_paste(text: str, shape: Shape) -> Pasted:
    """Return the one value in `text`, without what terminals, pages and shells put around it, or raise IntakeError."""
    pasted = {Shape.VALUE: _read_value, Shape.PEM: _read_pem, Shape.PASSWORD: _read_password}[shape](text)
    if len(pasted.text) > (limit := MAX_PASTE if shape is Shape.PEM else MAX_LENGTH):
        raise IntakeError(f"The paste is longer than {limit} characters.")
    return pasted


def read_key(text: str, role: Role) -> tuple[Secret, tuple[str, ...]]:
    """Return the API key or the secret, and what was left out or looks unusual as sentences, or raise IntakeError."""
    if not text.strip():
        raise IntakeError(f"This holds no {role}. Copy it again.")
    framed = _FRAME.search(text)
    bare = next((half for start, half in _FRAMELESS if start.match(text.strip())), "")
    if half := framed[1] if framed else bare:
        raise IntakeError(_INSTEAD[role, half])
    if what := refusal(text):
        raise IntakeError(f"This is {what}. It is no {role}.", advice=f"Enter the {role} itself.")
    pasted = read_paste(text, Shape.VALUE)
    if what := refusal(pasted.text):
        raise IntakeError(f"This is {what}. It is no {role}.", advice=f"Enter the {role} itself.")
    notes = list(pasted.notes())
    if not (pasted.text.isascii() and pasted.text.isalnum()):
        notes.append(f"This {role} has characters other than letters and digits. Compare it with Binance's page.")
    if (length := len(pasted.text)) != USUAL_LENGTH:
        notes.append(f"This {role} has {length} characters. Nearly all have {USUAL_LENGTH}, so compare it.")
    return Secret(pasted.text), tuple(notes)


def pair_problem(api_key: Secret, secret: Secret) -> str:
    """Return what is wrong with an API key and a secret taken together, or nothing."""
    if api_key == secret:
        return "The API key and the secret are the same text. Copy the other one again."
    return ""


def _read_value(text: str) -> Pasted:
    unmarked = REMNANTS.sub("", text)
    cleaned = INVISIBLE.sub("", unmarked)
    left_out = ["paste markers"] if unmarked != text else []
    left_out += ["invisible characters"] if cleaned != unmarked else []
    lines = [line for line in cleaned.splitlines() if line.strip()]
    if len(lines) != 1:
        raise _not_one_line(len(lines))
    value = lines[0].strip()
    if value != cleaned:
        left_out.append("spaces around it")
    if value[:1] in _QUOTES and len(value) > 1 and value[-1] == _QUOTES[value[0]]:
        value = value[1:-1].strip()
        left_out.append("quotes around it")
    if not value:
        raise _not_one_line(0)
    if not all(map(Shape.VALUE.takes, value)):
        raise IntakeError("The paste holds spaces or signs that no key has.")
    return Pasted(value, tuple(left_out))


def _read_password(text: str) -> Pasted:
    value = _MARKERS.sub("", text).removesuffix("\n").removesuffix("\r")
    if not value or not value.isprintable():
        raise _not_one_line(len(value.splitlines()))
    return Pasted(value, () if len(value) == len(text) else ("the line end",))


def _read_pem(text: str) -> Pasted:
    """Take a private key in whatever form: `wizard.intake.private_keys` reads it, from a file alike."""
    lines = clean(text).strip().splitlines()
    if not lines:
        raise _not_one_line(0)
    cleaned = "\n".join(lines) + "\n"
    if "-----BEGIN" in cleaned and "-----END" not in cleaned:
        raise IntakeError("The private key is cut off. Copy all of it, from BEGIN to END.")
    return Pasted(cleaned)


def clean(text: str) -> str:
    """Return a text without invisible characters and the marks of a terminal's paste."""
    return INVISIBLE.sub("", _MARKERS.sub("", text))


def _not_one_line(lines: int) -> IntakeError:
    few = ("The paste is empty, or its end is missing.", "The paste holds control characters.")
    return IntakeError(few[lines] if lines < 2 else f"The paste holds {lines} lines. This field takes one value.")
