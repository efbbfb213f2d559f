"""What the exchange knows about one API key, how it checks its signatures, and how keys and secrets are made.

Encodings are those of binance-spot-api-docs rest-api.md: HMAC-SHA256 as hex in either case,
RSASSA-PKCS1-v1_5 with SHA-256 and Ed25519 as base64.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import random
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from wizard.rehearsal.simulator.refusals import PageError

KEY_LENGTH = 64
_ALPHABET = string.ascii_letters + string.digits
RSA_BITS = range(2048, 4097)
"""Key lengths that are accepted (binance-spot-api-docs, testnet/general-info.md)."""
_PEM_HEADER = "-----BEGIN PUBLIC KEY-----"
_PEM_FOOTER = "-----END PUBLIC KEY-----"

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


Verifier = Callable[[bytes, str], bool]
"""What the exchange keeps of a key: says whether a signature, as the client wrote it, was made over a payload."""


def hmac_verifier(secret: str) -> Verifier:
    """Return what checks HMAC-SHA256 signatures."""

    def verify(payload: bytes, signature: str) -> bool:
        expected = hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.lower().encode(errors="replace"))

    return verify


def public_key_verifier(kind: PageKeyKind, pem: str) -> Verifier:
    """Return what checks the signatures of a public key in SPKI PEM form, or raise PageError: it is no such key."""
    key = _load(pem)
    if kind is PageKeyKind.ED25519:
        if not isinstance(key, Ed25519PublicKey):
            raise PageError("The public key is not an Ed25519 key")
        check = key.verify
    else:
        if not isinstance(key, RSAPublicKey):
            raise PageError("The public key is not an RSA key")
        if key.key_size not in RSA_BITS:
            raise PageError("An RSA key has 2048 to 4096 bits")
        check = partial(key.verify, padding=PKCS1v15(), algorithm=SHA256())

    def verify(payload: bytes, signature: str) -> bool:
        try:
            check(base64.b64decode(signature, validate=True), payload)
        except (InvalidSignature, ValueError):
            return False
        return True

    return verify


def read_public_key(text: str) -> tuple[PageKeyKind, Verifier]:
    """Return kind and verifier of an SPKI key with or without its PEM frame and lines, or raise PageError."""
    encoded = "".join(text.replace(_PEM_HEADER, "").replace(_PEM_FOOTER, "").split())
    pem = f"{_PEM_HEADER}\n{encoded}\n{_PEM_FOOTER}"
    kind = PageKeyKind.ED25519 if isinstance(_load(pem), Ed25519PublicKey) else PageKeyKind.RSA
    return kind, public_key_verifier(kind, pem)


def _load(pem: str) -> object:
    text = pem.strip()
    try:
        # "Only PKCS#8 keys are supported" (rest-api.md): the PKCS#1 form has another header.
        if text.startswith(_PEM_HEADER):
            return load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        pass
    raise PageError(f"This is not a public key in PEM form ({_PEM_HEADER})")


Networks = tuple[IPv4Network, ...] | None
"""A whitelist: None is unrestricted, an empty one lets nobody in."""


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
    whitelist: Networks
    """As the page shows it, which may not count yet."""
    counts_from: float
    """Seconds since 1970."""
    whitelist_before: Networks = ()
    """What counts until then."""
    enabled: bool = True
    account: str | None = None
    """The sub-account's email; None for a key of the master account."""
    works_from: float = 0.0
    works_until: float = math.inf
    """Seconds since 1970, like `counts_from`. A key that has such an end is deleted."""
    row_from: float = 0.0
    """When the master account can see it."""
    list_from: float = 0.0
    """When the master account can see the whitelist instead of the one before."""

    def lets_in(self, address: IPv4Address | IPv6Address, now: float) -> bool:
        """Return whether the list in force at `now` has `address`."""
        networks = self._in_force(now)
        return networks is None or any(address in network for network in networks)

    def with_whitelist(self, networks: Networks, now: float, delay: float) -> ApiKey:
        """Return the key with a list that counts `delay` seconds from `now`; until then the one in force stays."""
        return replace(self, whitelist=networks, counts_from=now + delay, whitelist_before=self._in_force(now))

    def _in_force(self, now: float) -> Networks:
        return self.whitelist if self.counts_from <= now else self.whitelist_before


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
