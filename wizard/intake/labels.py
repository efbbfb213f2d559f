"""What a name in front of a value says about it: `BINANCE_API_SECRET=`, `"key":`, `API Key`. Pure."""

from __future__ import annotations

import re
from enum import StrEnum

LONGEST_LABEL = 40
"""Characters; keys and secrets are longer."""

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORDS = re.compile(r"[a-z]+")
_RUN_TOGETHER = {"apikey": ("api", "key"), "apisecret": ("api", "secret"), "secretkey": ("secret", "key")}
_OTHER = frozenset(
    {"id", "jwt", "label", "listen", "name", "passphrase", "password", "path", "pem", "private", "public", "time"}
    | {"token", "type", "uid", "url", "webhook"}
)
"""Words of names that mean neither, whatever else they say: `jwt_secret_key`, `public_key`, `api_url`."""


class Role(StrEnum):
    """What a named value is."""

    API_KEY = "API key"
    SECRET = "secret"  # noqa: S105 - the name of a role
    OTHER = "other"


def role_of(label: str) -> Role:
    """Return what a value of this name is; a name that says both is a secret's (`BINANCE_API_SECRET_KEY`)."""
    found = _WORDS.findall(_CAMEL.sub(" ", label).lower())
    words = {part for word in found for part in _RUN_TOGETHER.get(word, (word,))}
    if len(label) > LONGEST_LABEL or words & _OTHER:
        return Role.OTHER
    if "secret" in words:
        return Role.SECRET
    return Role.API_KEY if words & {"key", "api"} else Role.OTHER
