"""Key pairs: made here, or imported from a PEM file. Only the public half ever leaves."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from wizard.core.credentials import KeyKind
from wizard.core.secret import Secret
from wizard.exchange.signing import PrivateKey, SigningKeyError, kind_of, read_private_key

RSA_BITS = range(2048, 4097)
"""Sizes that the exchange takes (CONFIRMED, testnet/general-info.md of binance-spot-api-docs)."""


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
    return _pair(ed25519.Ed25519PrivateKey.generate())


def generate_rsa(bits: int = 4096) -> KeyPair:
    """Make a new RSA key pair. It takes up to a few seconds: call it in a thread.

    Args:
        bits: 2048 to 4096.

    Raises:
        SigningKeyError: the exchange does not take this size.
    """
    if bits not in RSA_BITS:
        raise _wrong_size(bits)
    return _pair(rsa.generate_private_key(public_exponent=65537, key_size=bits))


def import_private_key(pem: Secret, passphrase: Secret | None = None) -> KeyPair:
    """Return the pair of an existing private key, rewritten as unencrypted PKCS#8.

    Raises:
        SigningKeyError: it cannot be read, or the exchange does not take its kind or size.
    """
    key = read_private_key(pem, passphrase)
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size not in RSA_BITS:
        raise _wrong_size(key.key_size)
    return _pair(key)


def public_pem(private_pem: Secret) -> str:
    """Return the public half of a private key.

    Raises:
        SigningKeyError: the private key cannot be read.
    """
    return _public(read_private_key(private_pem))


def _wrong_size(bits: int) -> SigningKeyError:
    return SigningKeyError(
        f"The exchange does not take an RSA key of {bits} bits",
        why="It takes RSA keys of 2048 to 4096 bits.",
        advice="Make a new key; Ed25519 is recommended.",
    )


def _pair(key: PrivateKey) -> KeyPair:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return KeyPair(Secret(pem.decode("ascii")), _public(key), kind_of(key))


def _public(key: PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
