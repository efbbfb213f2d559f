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
from wizard.core.secret import Secret, Wipeable
from wizard.core.text import printable

MAX_LENGTH = 8192
"""Characters; an RSA key of 8192 bits is 6,400 as PKCS#8 PEM."""
MAX_PASTE = 8 * MAX_LENGTH
SHORTEST_UNNAMED = 48
"""Characters; half of a wrapped key is shorter, and must not be taken for a whole one."""
USUAL_LENGTH = 64
LONGEST_LABEL = 40
"""Characters; keys and secrets are longer."""

_MARKERS = re.compile("\x1b?\\[20[01]~")
_REMNANTS = re.compile(r"(?:\x1b|\^\[)?\[?20[01]~|(?<=[A-Za-z0-9])~(?=\s|\Z)")
"""What is left of a bracketed paste where a part of its marks was eaten or drawn: `^[[200~`, `200~`, a `~` at the end.
No key has one."""
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
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

_NAMED = re.compile(
    rf"""(?<![A-Za-z0-9])(?:\$env:)?["']?(?P<label>[A-Za-z][\w. -]{{0,{LONGEST_LABEL - 1}}}?)["']?\s*(?:=>|[:=])\s*"""
    r"""["'`“‘]?(?P<value>[^\s,;{}()\[\]"'`“”‘’]+)["'`”’]?(?=$|[\s,;{}()\[\]])"""
)
_UNNAMED = re.compile(rf"[A-Za-z0-9]{{{SHORTEST_UNNAMED},}}")
_BETWEEN = re.compile(r"[\s,;:|{}()\[\]\"'`“”‘’]+")
_COMMENT = re.compile(r"\s*(?:#|//)")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORDS = re.compile(r"[a-z]+")
_RUN_TOGETHER = {"apikey": ("api", "key"), "apisecret": ("api", "secret"), "secretkey": ("secret", "key")}
_OTHER = frozenset(
    {"id", "jwt", "label", "listen", "name", "passphrase", "password", "path", "pem", "private", "public", "time"}
    | {"token", "type", "uid", "url", "webhook"}
)
"""Words of names that mean neither, whatever else they say: `jwt_secret_key`, `public_key`, `api_url`."""


class IntakeError(WizardError):
    """What was pasted, or stands in a file, is not one key that could be taken. It shows nothing of it."""

    path = ""
    """The file of which the user is to be reminded; empty where there is none."""
    named: tuple[NamedValue, ...] = ()
    """What a file names that holds several keys."""


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


@dataclass(frozen=True, slots=True)
class Pair(Wipeable):
    """An API key and its secret; at least one of the two."""

    api_key: Secret | None
    secret: Secret | None
    is_named: bool
    """Whether names decided which is which; else it was their order."""

    def described(self) -> str:
        """Return what was read, in words that show no more than lengths and the API key's last four."""
        parts = [f"an API key of {len(self.api_key)} characters, …{self.api_key.last_four()}"] if self.api_key else []
        parts += [f"a secret of {len(self.secret)} characters"] if self.secret else []
        order = "" if self.is_named or len(parts) == 1 else " The first value is taken as the API key."
        return f"This holds {' and '.join(parts)}.{order}"


@dataclass(frozen=True, slots=True)
class NamedValue:
    """Where a text names an API key or a secret. Of the value it holds its length, and the last four of an API key."""

    line: int
    """From 1; 0 where there are no lines, as in the environment."""
    name: str
    """Fit to be shown."""
    role: Role
    length: int
    last_four: str = ""
    """Empty for a secret."""

    @property
    def shown(self) -> str:
        """The value, masked."""
        return f"{self.role} …{self.last_four}" if self.last_four else f"{self.role} of {self.length} characters"


_Value = tuple[Role | None, str]
"""What it is by its name, None where it has none; and its text."""


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
    pasted = read_paste(text, Shape.VALUE)
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


def read_pair(text: str) -> Pair | None:
    """Return the API key and the secret in a paste, or raise IntakeError where it holds several keys.

    None where nothing is named and there are not two values that look like keys: a single value, a PEM block, or
    something else that its field judges.
    """
    cleaned = _INVISIBLE.sub("", _REMNANTS.sub("", text))
    if len(cleaned) > MAX_PASTE or "-----BEGIN" in cleaned:
        return None
    values = _values(cleaned)
    # The same one twice is one.
    api_keys, secrets = (
        list(dict.fromkeys(value for role, value in values if role is wanted)) for wanted in (Role.API_KEY, Role.SECRET)
    )
    unnamed = [value for role, value in values if role is None and _UNNAMED.fullmatch(value)]
    if api_keys or secrets:
        return _by_name(api_keys, secrets, unnamed)
    if len(values) != len(unnamed) or len(unnamed) < 2:
        return None
    if len(unnamed) > 2:
        raise IntakeError(f"The paste holds {len(unnamed)} values. An API key and its secret are two.")
    return Pair(Secret(unnamed[0]), Secret(unnamed[1]), is_named=False)


def name_values(text: str) -> tuple[NamedValue, ...]:
    """Return each API key and each secret that a text names, in its order."""
    found = []
    for number, line in enumerate(_INVISIBLE.sub("", text).splitlines(), 1):
        for named in () if _COMMENT.match(line) else _NAMED.finditer(line):
            role, value = _role(named), Secret(named["value"])
            if role is not Role.OTHER:
                end = value.last_four() if role is Role.API_KEY and named["value"].isalnum() else ""
                found.append(NamedValue(number, printable(named["label"], 60), role, len(value), end))
            value.wipe()
    return tuple(found)


def role_of(label: str) -> Role:
    """Return what a value of this name is; a name that says both is a secret's (`BINANCE_API_SECRET_KEY`)."""
    found = _WORDS.findall(_CAMEL.sub(" ", label).lower())
    words = {part for word in found for part in _RUN_TOGETHER.get(word, (word,))}
    if len(label) > LONGEST_LABEL or words & _OTHER:
        return Role.OTHER
    if "secret" in words:
        return Role.SECRET
    return Role.API_KEY if words & {"key", "api"} else Role.OTHER


def _read_value(text: str) -> Pasted:
    cleaned, left_out = _without_invisible(text, _REMNANTS)
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
    return _INVISIBLE.sub("", _MARKERS.sub("", text))


def _without_invisible(text: str, marks: re.Pattern[str]) -> tuple[str, list[str]]:
    unmarked = marks.sub("", text)
    visible = _INVISIBLE.sub("", unmarked)
    left_out = ["paste markers"] if unmarked != text else []
    return visible, left_out + (["invisible characters"] if visible != unmarked else [])


def _not_one_line(lines: int) -> IntakeError:
    few = ("The paste is empty, or its end is missing.", "The paste holds control characters.")
    return IntakeError(few[lines] if lines < 2 else f"The paste holds {lines} lines. This field takes one value.")


def _by_name(api_keys: list[str], secrets: list[str], unnamed: list[str]) -> Pair:
    if len(api_keys) > 1 or len(secrets) > 1:
        raise IntakeError(f"The paste names {len(api_keys)} API keys and {len(secrets)} secrets. Paste one of each.")
    if len(unnamed) == 1 and not (api_keys and secrets):
        # One of the two has a name: the other one is the other.
        api_keys, secrets = api_keys or unnamed, secrets or unnamed
    api_key, secret = (Secret(found[0]) if found else None for found in (api_keys, secrets))
    return Pair(api_key, secret, is_named=True)


def _values(text: str) -> list[_Value]:
    values: list[_Value] = []
    above: Role | None = None
    for line in text.splitlines():
        if not line.strip() or _COMMENT.match(line):
            continue
        heading = _heading(line)
        if heading is None:
            found = _of_line(line)
            is_below = above is not None and len(found) == 1 and found[0][0] is None
            values += [(above, found[0][1])] if is_below else found
        above = heading
    return values


def _role(named: re.Match[str]) -> Role:
    """Return what a value is by its name; a private key is no API key, as in `ED25519_KEY=`."""
    is_private = any(half == "PRIVATE" and start.match(named["value"]) for start, half in _FRAMELESS)
    return Role.OTHER if is_private else role_of(named["label"])


def _heading(line: str) -> Role | None:
    """Return what a line that is a name alone says of the value below it, as on a web page."""
    name = line.strip().rstrip(":：").strip()
    role = role_of(name)
    return None if role is Role.OTHER or "=" in name or ":" in name else role


def _of_line(line: str) -> list[_Value]:
    named: list[_Value] = [(_role(found), found["value"]) for found in _NAMED.finditer(line)]
    return named or [(None, part) for part in _BETWEEN.split(line) if part]
