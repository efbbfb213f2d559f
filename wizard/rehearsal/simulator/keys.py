"""What the exchange knows about one API key, and how keys and secrets are made."""

from __future__ import annotations

import random
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from wizard.rehearsal.simulator.signatures import Verifier

KEY_LENGTH = 64
_ALPHABET = string.ascii_letters + string.digits

READING = "enableReading"
SPOT_TRADING = "enableSpotAndMarginTrading"
FUTURES = "enableFutures"
WITHDRAWALS = "enableWithdrawals"
PERMISSIONS = (
    READING,
    WITHDRAWALS,
    "enableInternalTransfer",
    "enableMargin",
    FUTURES,
    "permitsUniversalTransfer",
    "enableVanillaOptions",
    "enableFixApiTrade",
    "enableFixReadOnly",
    SPOT_TRADING,
    "enablePortfolioMarginTrading",
)
"""The boolean fields of `GET /sapi/v1/account/apiRestrictions`, less `ipRestrict`."""


class PageKeyKind(StrEnum):
    """What signs for a key. A value of the page's JSON; not the client's own type on purpose."""

    HMAC = "hmac"
    ED25519 = "ed25519"
    RSA = "rsa"


Networks = tuple[IPv4Network, ...] | None
"""A whitelist: None is unrestricted, an empty one lets nobody in."""


@dataclass(frozen=True, slots=True)
class WhitelistVersion:
    """A whitelist and the moment from which it counts."""

    networks: Networks
    effective_from: float
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One API key as the exchange holds it. Its repr shows neither the key nor what verifies it."""

    api_key: str = field(repr=False)
    label: str
    kind: PageKeyKind
    verifier: Verifier = field(repr=False)
    permissions: frozenset[str]
    created: int
    """Milliseconds since 1970, the `createTime` of apiRestrictions."""
    versions: tuple[WhitelistVersion, ...]
    """Oldest first; the last is what the page shows."""
    enabled: bool = True

    @property
    def whitelist(self) -> Networks:
        """The list as the page shows it, which may not count yet."""
        return self.versions[-1].networks

    def lets_in(self, address: IPv4Address | IPv6Address, now: float) -> bool:
        """Return whether the list in force at `now` has `address`."""
        version = self._in_force(now)
        if version is None:
            return False
        return version.networks is None or any(address in network for network in version.networks)

    def with_whitelist(self, networks: Networks, now: float, delay: float) -> ApiKey:
        """Return the key with a list that counts `delay` seconds from `now`; until then the one in force stays."""
        version = self._in_force(now)
        kept = (version,) if version else ()
        return replace(self, versions=(*kept, WhitelistVersion(networks, now + delay)))

    def _in_force(self, now: float) -> WhitelistVersion | None:
        past = [version for version in self.versions if version.effective_from <= now]
        return past[-1] if past else None


def permission_flags(permissions: frozenset[str]) -> Mapping[str, bool]:
    """Return every permission with whether it is on."""
    return {name: name in permissions for name in PERMISSIONS}


def listed(networks: Networks) -> list[str] | None:
    """Return a whitelist as texts: a single address without its /32."""
    return None if networks is None else [str(network).removesuffix("/32") for network in networks]


class KeyGenerator:
    """Makes API keys, secrets and the account's number: unguessable, or the same for the same seed."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = secrets.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - tests ask for it

    def text(self) -> str:
        """Return 64 letters and digits."""
        return "".join(self._random.choices(_ALPHABET, k=KEY_LENGTH))

    def uid(self) -> int:
        """Return an account number of nine digits."""
        return self._random.randrange(100_000_000, 1_000_000_000)
