"""What a person pasted as a key, a PEM or a password, read as one value or refused whole.

Nothing is accepted in part: the first line of a paste of two would be a key without its secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

MAX_LENGTH = 8192
"""Characters; an RSA key of 8192 bits is 6,400 as PKCS#8 PEM."""

_MARKERS = re.compile("\x1b?\\[20[01]~")
_REMNANTS = re.compile(r"(?:\x1b|\^\[)?\[?20[01]~|(?<=[A-Za-z0-9])~(?=\s|\Z)")
"""What is left of a bracketed paste where a part of its marks was eaten or drawn: `^[[200~`, `200~`, a `~` at the end.
No key has one."""
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»"}
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


class Shape(StrEnum):
    """What a field takes."""

    VALUE = "value"
    """One line of printable ASCII without spaces: an API key, a secret."""
    PEM = "pem"
    """One whole PEM block."""
    PASSWORD = "password"  # noqa: S105 - the name of a shape
    """One line exactly as it is, spaces and accents included."""

    def takes(self, character: str) -> bool:
        """Return whether `character` may be typed."""
        if self is Shape.PASSWORD:
            return character.isprintable()
        return character.isascii() and character.isprintable() and (self is Shape.PEM or character != " ")


@dataclass(frozen=True, slots=True)
class Pasted:
    """An accepted paste."""

    text: str = field(repr=False)
    left_out: tuple[str, ...] = ()
    """What was around the value and is not part of it, in words."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A paste of which nothing was taken."""

    reason: str
    """One sentence that shows nothing of the paste."""


def read_paste(text: str, shape: Shape) -> Pasted | Refused:
    """Return the one value that `text` holds, without what terminals, web pages and shells put around it."""
    read = {Shape.VALUE: _read_value, Shape.PEM: _read_pem, Shape.PASSWORD: _read_password}[shape]
    answer = read(text)
    if isinstance(answer, Pasted) and len(answer.text) > MAX_LENGTH:
        return Refused(f"The paste is longer than {MAX_LENGTH} characters.")
    return answer


def without_remnants(text: str) -> str:
    """Return the text of a key or secret without paste marks and invisible characters."""
    return _INVISIBLE.sub("", _REMNANTS.sub("", text))


def _read_value(text: str) -> Pasted | Refused:
    cleaned, left_out = _without_invisible(text, _REMNANTS)
    lines = [line for line in cleaned.splitlines() if line.strip()]
    if len(lines) != 1:
        return _not_one_line(len(lines))
    value = lines[0].strip()
    if value != cleaned:
        left_out.append("spaces around it")
    if value[:1] in _QUOTES and len(value) > 1 and value[-1] == _QUOTES[value[0]]:
        value = value[1:-1].strip()
        left_out.append("quotes around it")
    if not all(map(Shape.VALUE.takes, value)):
        return Refused("The paste holds spaces or signs that no key has.")
    return Pasted(value, tuple(left_out)) if value else _not_one_line(0)


def _read_password(text: str) -> Pasted | Refused:
    value = _MARKERS.sub("", text).removesuffix("\n").removesuffix("\r")
    if not value or not value.isprintable():
        return _not_one_line(len(value.splitlines()))
    return Pasted(value, () if len(value) == len(text) else ("the line end",))


def _read_pem(text: str) -> Pasted | Refused:
    cleaned, left_out = _without_invisible(text)
    lines = [line.strip() for line in cleaned.splitlines() if line.strip()]
    if not lines:
        return _not_one_line(0)
    begin = _BEGIN.fullmatch(lines[0])
    if begin is None or lines[-1] != f"-----END {begin[1]}-----":
        return Refused(
            "This is not one whole PEM block, from -----BEGIN to -----END: "
            f"the paste holds {_count(len(lines), 'line')}."
        )
    if not all(map(_BASE64.fullmatch, lines[1:-1])) or len(lines) == 2:
        return Refused("Between -----BEGIN and -----END stand lines that are not base64.")
    if any(line != line.strip() for line in cleaned.strip().splitlines()):
        left_out.append("spaces around its lines")
    return Pasted("\n".join(lines) + "\n", tuple(left_out))


def _without_invisible(text: str, marks: re.Pattern[str] = _MARKERS) -> tuple[str, list[str]]:
    unmarked = marks.sub("", text)
    visible = _INVISIBLE.sub("", unmarked)
    changes = {"paste markers": unmarked != text, "invisible characters": visible != unmarked}
    return visible, [what for what, changed in changes.items() if changed]


def _not_one_line(lines: int) -> Refused:
    if lines == 0:
        return Refused("The paste is empty, or its end was lost on the way.")
    if lines == 1:
        return Refused("The paste holds control characters.")
    return Refused(f"The paste holds {lines} lines; this field takes one value.")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
