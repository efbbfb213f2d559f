"""Under which names bots read a key, and which variables of a shell may hold another one: a table, no code per bot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret

API_KEY = "BINANCE_API_KEY"
API_SECRET = "BINANCE_API_SECRET"  # noqa: S105 - the name of a variable
PRIVATE_KEY = "BINANCE_PRIVATE_KEY"


@dataclass(frozen=True, slots=True)
class Names:
    """The variables in which a bot looks for a key."""

    key: str
    secret: str
    """Holds the secret of an HMAC key."""
    private_key: str
    """Holds the private key of an Ed25519 or RSA key. Only one of the two is set, and they may be the same."""

    def signing(self, kind: KeyKind) -> str:
        """Return the variable that holds what signs for a key of this kind."""
        return self.secret if kind is KeyKind.HMAC else self.private_key

    def variables(self, credentials: Credentials) -> dict[str, str]:
        """Return credentials as environment variables for one program. Keep the result nowhere else."""
        signing = self.signing(credentials.kind)
        return {self.key: credentials.api_key.reveal(), signing: credentials.signing.reveal()}


OWN = Names(API_KEY, API_SECRET, PRIVATE_KEY)
PROGRAMS: Mapping[str, Names] = {
    # Documented: https://www.freqtrade.io/en/stable/configuration/#environment-variables. It hands both to ccxt.
    "freqtrade": Names("FREQTRADE__EXCHANGE__KEY", "FREQTRADE__EXCHANGE__SECRET", "FREQTRADE__EXCHANGE__SECRET"),
    # Documented for its command line: https://github.com/ccxt/ccxt/blob/master/cli/README.md. The library reads no
    # variable. Its `secret` may be a PEM: https://github.com/ccxt/ccxt/blob/master/python/ccxt/binance.py
    "ccxt": Names("BINANCE_APIKEY", "BINANCE_SECRET", "BINANCE_SECRET"),
    # The first two as in the examples of https://github.com/binance/binance-connector-python. No example reads a
    # private key from a variable, so that name is a choice. The SDKs read no variable by themselves.
    "binance": Names("API_KEY", "API_SECRET", "PRIVATE_KEY"),
}
RIVALS = (
    *(API_KEY, API_SECRET, PRIVATE_KEY),
    *("BINANCE_KEY", "BINANCE_APIKEY", "BINANCE_SECRET", "BINANCE_SECRET_KEY", "BINANCE_APISECRET"),
    *("BINANCE_API_SECRET_KEY", "FREQTRADE__EXCHANGE__KEY", "FREQTRADE__EXCHANGE__SECRET"),
)
"""Names under which bots look for a Binance key. `API_KEY` and its like may belong to another service."""
_API_KEY = re.compile(r"[A-Za-z0-9]{64}")


def parse_names(text: str) -> Names:
    """Return the names that `--as` stands for, or raise ValueError."""
    if text in PROGRAMS:
        return PROGRAMS[text]
    given = re.fullmatch(r"KEY=([A-Za-z_]\w{0,99}),SECRET=([A-Za-z_]\w{0,99})", text, re.ASCII)
    if given is None or given[1] == given[2]:
        raise ValueError
    return Names(given[1], given[2], given[2])


def rivals(environ: Mapping[str, str], given: Mapping[str, str], legacy: Iterable[str]) -> list[str]:
    """Return the variables that may hold another key than the one that is `given`.

    Args:
        legacy: The fingerprints of other keys of the environment: a variable that holds one is found by its value.
    """
    known = set(legacy)

    def is_rival(name: str, value: str) -> bool:
        if name in RIVALS or name in given:
            return value not in ("", *given.values())
        return bool(known and _API_KEY.fullmatch(value)) and Secret(value).fingerprint() in known

    return [name for name, value in environ.items() if is_rival(name, value)]
