"""Verifies what a client signed, with the exchange's half of the key.

Encodings are those of binance-spot-api-docs rest-api.md: HMAC-SHA256 as hex in either case,
RSASSA-PKCS1-v1_5 with SHA-256 and Ed25519 as base64.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from wizard.rehearsal.simulator.refusals import PageError

RSA_BITS = range(2048, 4097)
"""Key lengths that are accepted (binance-spot-api-docs, testnet/general-info.md)."""
_PEM_HEADER = "-----BEGIN PUBLIC KEY-----"


class Verifier(Protocol):
    """What the exchange keeps of a key in order to check its signatures."""

    def verify(self, payload: bytes, signature: str) -> bool:
        """Return whether `signature`, as the client wrote it, was made over `payload`."""
        ...


@dataclass(frozen=True, slots=True)
class HmacVerifier:
    """Checks HMAC-SHA256 signatures."""

    secret: str = field(repr=False)

    def verify(self, payload: bytes, signature: str) -> bool:
        """See `Verifier`."""
        expected = hmac.new(self.secret.encode(), payload, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.lower().encode())


@dataclass(frozen=True, slots=True)
class Ed25519Verifier:
    """Checks Ed25519 signatures."""

    public_key: Ed25519PublicKey

    def verify(self, payload: bytes, signature: str) -> bool:
        """See `Verifier`."""
        try:
            self.public_key.verify(base64.b64decode(signature, validate=True), payload)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class RsaVerifier:
    """Checks RSASSA-PKCS1-v1_5 signatures with SHA-256."""

    public_key: RSAPublicKey

    def verify(self, payload: bytes, signature: str) -> bool:
        """See `Verifier`."""
        try:
            self.public_key.verify(base64.b64decode(signature, validate=True), payload, PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True


def ed25519_verifier(pem: str) -> Verifier:
    """Return the verifier for a public key in SPKI PEM form.

    Raises:
        PageError: it is something else.
    """
    key = _load(pem)
    if not isinstance(key, Ed25519PublicKey):
        raise PageError("The public key is not an Ed25519 key")
    return Ed25519Verifier(key)


def rsa_verifier(pem: str) -> Verifier:
    """Return the verifier for a public key of 2048 to 4096 bits in SPKI PEM form.

    Raises:
        PageError: it is something else.
    """
    key = _load(pem)
    if not isinstance(key, RSAPublicKey):
        raise PageError("The public key is not an RSA key")
    if key.key_size not in RSA_BITS:
        raise PageError("An RSA key has 2048 to 4096 bits")
    return RsaVerifier(key)


def _load(pem: str) -> object:
    text = pem.strip()
    try:
        # "Only PKCS#8 keys are supported" (rest-api.md): the PKCS#1 form has another header.
        if text.startswith(_PEM_HEADER):
            return load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        pass
    raise PageError(f"This is not a public key in PEM form ({_PEM_HEADER})")
