"""An API key and its secret in one paste: two lines, `KEY=…`, JSON, YAML, a copied web page. Pure.

Names decide where there are names; without them the first value is taken as the API key. Both are
64 letters and digits, so nothing else can tell them apart, and what was taken for what is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from wizard.core.secret import Secret
from wizard.intake.labels import LONGEST_LABEL, Role, role_of
from wizard.intake.pasted import MAX_LENGTH, Refused, without_remnants

SHORTEST_UNNAMED = 48
"""Characters; half of a wrapped key is shorter, and must not be taken for a whole one."""
MAX_PASTE = 8 * MAX_LENGTH

_NAMED = re.compile(
    rf"""(?<![A-Za-z0-9])(?:\$env:)?["']?(?P<label>[A-Za-z][\w. -]{{0,{LONGEST_LABEL - 1}}}?)["']?\s*(?:=>|[:=])\s*"""
    r"""["'`“‘]?(?P<value>[^\s,;{}()\[\]"'`“”‘’]+)["'`”’]?(?=$|[\s,;{}()\[\]])"""
)
_UNNAMED = re.compile(rf"[A-Za-z0-9]{{{SHORTEST_UNNAMED},}}")
_BETWEEN = re.compile(r"[\s,;:|{}()\[\]\"'`“”‘’]+")
_COMMENT = re.compile(r"\s*(?:#|//)")


@dataclass(frozen=True, slots=True)
class Pair:
    """What was found; at least one of the two."""

    api_key: Secret | None
    secret: Secret | None
    is_named: bool
    """Whether names told which is which; else it was their order."""

    def described(self) -> str:
        """Return what was understood, in words that show no more than lengths and the API key's last four."""
        parts = [f"an API key of {len(self.api_key)} characters, …{self.api_key.last_four()}"] if self.api_key else []
        parts += [f"a secret of {len(self.secret)} characters"] if self.secret else []
        told = "by their names" if self.is_named else "by their order: the API key first"
        return f"Understood: {' and '.join(parts)}{f', told apart {told}' if len(parts) > 1 else ''}."

    def wipe(self) -> None:
        """Overwrite both values in memory."""
        for value in (self.api_key, self.secret):
            if value is not None:
                value.wipe()


@dataclass(frozen=True, slots=True)
class _Value:
    role: Role | None
    """None where it has no name."""
    text: str = field(repr=False)


def read_pair(text: str) -> Pair | Refused | None:
    """Return the API key and the secret in a paste.

    Returns:
        None where nothing is named and there are not two values that look like keys: a single
        value, a PEM block, or something else that its field judges.
    """
    cleaned = without_remnants(text)
    if len(cleaned) > MAX_PASTE or "-----BEGIN" in cleaned:
        return None
    values = _values(cleaned)
    named = [value for value in values if value.role is not None]
    unnamed = [value.text for value in values if value.role is None and _UNNAMED.fullmatch(value.text)]
    api_keys, secrets = (_texts(named, role) for role in (Role.API_KEY, Role.SECRET))
    if api_keys or secrets:
        return _by_name(api_keys, secrets, unnamed)
    if len(values) != len(unnamed) or len(unnamed) < 2:
        return None
    if len(unnamed) > 2:
        return Refused(f"The paste holds {len(unnamed)} values; an API key and its secret are two.")
    return Pair(Secret(unnamed[0]), Secret(unnamed[1]), is_named=False)


def _by_name(api_keys: list[str], secrets: list[str], unnamed: list[str]) -> Pair | Refused:
    if len(api_keys) > 1 or len(secrets) > 1:
        return Refused(
            f"The paste names {len(api_keys)} API keys and {len(secrets)} secrets; one of each belongs together."
        )
    if len(unnamed) == 1 and not (api_keys and secrets):
        # One of the two has a name: the other one is the other.
        api_keys, secrets = api_keys or unnamed, secrets or unnamed
    api_key, secret = (Secret(found[0]) if found else None for found in (api_keys, secrets))
    return Pair(api_key, secret, is_named=True)


def _texts(values: list[_Value], role: Role) -> list[str]:
    """Return the different values of one role, in order; the same one twice is one."""
    return list(dict.fromkeys(value.text for value in values if value.role is role))


def _values(text: str) -> list[_Value]:
    values: list[_Value] = []
    above: Role | None = None
    for line in text.splitlines():
        if not line.strip() or _COMMENT.match(line):
            continue
        heading = _heading(line)
        if heading is not None:
            above = heading
            continue
        found = _of_line(line)
        if above is not None and len(found) == 1 and found[0].role is None:
            found = [_Value(above, found[0].text)]
        above = None
        values += found
    return values


def _heading(line: str) -> Role | None:
    """Return what a line that is a name alone says of the value below it, as on a web page."""
    name = line.strip().rstrip(":：").strip()
    role = role_of(name)
    return (
        role if role is not Role.OTHER and len(name) <= LONGEST_LABEL and "=" not in name and ":" not in name else None
    )


def _of_line(line: str) -> list[_Value]:
    named = [_Value(role_of(found["label"]), found["value"]) for found in _NAMED.finditer(line)]
    if named:
        return named
    return [_Value(None, part) for part in _BETWEEN.split(line) if part]
