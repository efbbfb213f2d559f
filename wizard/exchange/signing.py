"""Requests and their signatures, as binance-spot-api-docs describes them (docs/binance.md).

Pure but for the keys that are made: the same parameters give the same bytes. What is signed is
exactly what is sent. Of a key pair only the public half ever leaves.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote, unquote

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import WizardError
from wizard.core.key_shape import mask_keys
from wizard.core.secret import MASK, Secret
from wizard.exchange.responses import Scrub

Parameter = str | int | bool | Secret
PrivateKey = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
RECEIVE_WINDOW_MS = 5000
"""The exchange's default: a longer one would hide a wrong clock (CONFIRMED, rest-api.md)."""
RSA_BITS = range(2048, 4097)
"""Sizes that the exchange takes (CONFIRMED, testnet/general-info.md of binance-spot-api-docs)."""
_SENDABLE = re.compile(r"[!-~]{1,512}")


class SigningKeyError(WizardError):
    """The secret or private key cannot sign. The message never shows any of it."""


def is_sendable(credentials: Credentials) -> bool:
    """Return whether an HTTP header can carry the API key."""
    return _SENDABLE.fullmatch(credentials.api_key.reveal()) is not None


def stamped(params: Mapping[str, Parameter], now: float) -> dict[str, Parameter]:
    """Return the parameters with the time at which they are sent, `now` in seconds since 1970."""
    return {**params, "recvWindow": RECEIVE_WINDOW_MS, "timestamp": int(now * 1000)}


def scrubbing(
    credentials: Credentials | None, signature: str, params: Mapping[str, Parameter] = MappingProxyType({})
) -> Scrub:
    """Return what takes the keys and the signature of a request, and what looks like a key, out of an answer's text."""

    def scrub(text: str) -> str:
        if credentials is None:
            return text
        secrets = (credentials.api_key, *(value for value in params.values() if isinstance(value, Secret)))
        known = (unquote(signature), *(secret.reveal() for secret in secrets))
        return mask_keys(text, MASK, (*known, *(quote(each, safe="") for each in known)))

    return scrub


def rest_query(params: Mapping[str, Parameter]) -> str:
    """Return the query string of a REST call, percent-encoded, in the order given.

    The encoded text is what is signed: since 2026-01-15 the exchange refuses anything else with
    -1022 (CONFIRMED, CHANGELOG of binance-spot-api-docs).
    """
    return "&".join(f"{quote(name, safe='')}={quote(_spelled(value), safe='')}" for name, value in params.items())


def websocket_payload(params: Mapping[str, Parameter]) -> str:
    """Return what is signed for the WebSocket API, `apiKey` included: sorted by name, not percent-encoded."""
    return "&".join(f"{name}={_spelled(params[name])}" for name in sorted(params))


def signed_query(credentials: Credentials, params: Mapping[str, Parameter]) -> str:
    """Return the query of a signed REST call, the signature percent-encoded and last; it raises as `sign` does."""
    query = rest_query(params)
    return f"{query}&{rest_query({'signature': sign(credentials, query)})}"


def sign(credentials: Credentials, payload: str) -> str:
    """Return the signature over `payload`: 64 hex digits for HMAC-SHA256, else base64.

    RSA is RSASSA-PKCS1-v1_5 with SHA-256. Raises `SigningKeyError` where the secret is empty, or the private key cannot
    be read or is of another kind.
    """
    data = payload.encode("utf-8")
    if credentials.kind is KeyKind.HMAC:
        if not credentials.signing:
            raise SigningKeyError("The secret is empty", advice="Enter the API key and its secret again.")
        return hmac.new(credentials.signing.reveal().encode("utf-8"), data, hashlib.sha256).hexdigest()
    key = read_private_key(credentials.signing)
    if kind_of(key) is not credentials.kind:
        why = f"It is an {kind_of(key).label} key."
        advice = "Choose that kind of key, or give another private key."
        raise SigningKeyError(f"The private key is not an {credentials.kind.label} key", why=why, advice=advice)
    signature = key.sign(data, padding.PKCS1v15(), SHA256()) if isinstance(key, rsa.RSAPrivateKey) else key.sign(data)
    return base64.b64encode(signature).decode("ascii")


def read_private_key(pem: Secret) -> PrivateKey:
    """Return the private key in a PEM text as `pair_of` writes it; a `SigningKeyError` where it is none."""
    try:
        key = load_pem_private_key(pem.reveal().encode("utf-8"), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Their texts are the library's own and may quote what was read.
        key = None
    if key is None:
        raise SigningKeyError(
            "The private key cannot be read",
            why="It is not a whole private key in PEM form (PKCS#8).",
            advice="Give the whole file, from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----.",
        )
    return _taken(key)


def kind_of(key: PrivateKey) -> KeyKind:
    """Return which kind of API key a private key signs for."""
    return KeyKind.RSA if isinstance(key, rsa.RSAPrivateKey) else KeyKind.ED25519


def _spelled(value: Parameter) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _taken(key: object) -> PrivateKey:
    if isinstance(key, (ed25519.Ed25519PrivateKey, rsa.RSAPrivateKey)):
        return key
    kind = type(key).__name__.partition("Private")[0].removeprefix("_")
    kind = {"EC": "elliptic-curve", "EllipticCurve": "elliptic-curve"}.get(kind, kind)
    raise SigningKeyError(
        f"Binance does not take {kind} keys",
        advice="Use an Ed25519 key, or an RSA key of 2048 to 4096 bits.",
    )


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and the public key to give to the exchange's page."""

    private_pem: Secret
    """PKCS#8, not encrypted: the keyring is what protects it."""
    public_pem: str
    """SPKI, from `-----BEGIN PUBLIC KEY-----`."""
    kind: KeyKind = KeyKind.ED25519


def generate_ed25519() -> KeyPair:
    """Make a new Ed25519 key pair, the kind that Binance recommends (CONFIRMED, faqs/api_key_types.md)."""
    return pair_of(ed25519.Ed25519PrivateKey.generate())


def generate_rsa() -> KeyPair:
    """Make a new RSA key pair of 4096 bits. It takes up to a few seconds: call it in a thread."""
    return pair_of(rsa.generate_private_key(public_exponent=65537, key_size=4096))


def pair_of(key: object) -> KeyPair:
    """Return the pair of a private key as plain PKCS#8; a `SigningKeyError` where Binance does not take it.

    All are written alike: some clients tell Ed25519 from RSA by the length of the PEM (docs/binance.md).
    """
    taken = _taken(key)
    if isinstance(taken, rsa.RSAPrivateKey) and taken.key_size not in RSA_BITS:
        why = "It takes RSA keys of 2048 to 4096 bits."
        advice = "Make a new key. Ed25519 is recommended."
        raise SigningKeyError(f"Binance does not take an RSA key of {taken.key_size} bits", why=why, advice=advice)
    pem = taken.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return KeyPair(Secret(pem.decode("ascii")), _public(taken), kind_of(taken))


def public_pem(private_pem: Secret) -> str:
    """Return the public half of a private key; it raises as `read_private_key` does."""
    return _public(read_private_key(private_pem))


def _public(key: PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
