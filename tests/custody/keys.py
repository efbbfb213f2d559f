"""Credentials for tests."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret

API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SIGNING = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"


def hmac(api_key: str = API_KEY, signing: str = SIGNING) -> Credentials:
    """The example pair of Binance's own documentation, or a variation of it."""
    return Credentials(KeyKind.HMAC, Secret(api_key), Secret(signing))


def ed25519_pair() -> Credentials:
    return Credentials(KeyKind.ED25519, Secret(API_KEY), _pem(ed25519.Ed25519PrivateKey.generate()))


def rsa_4096_pair() -> Credentials:
    return Credentials(KeyKind.RSA, Secret(API_KEY), _pem(rsa.generate_private_key(65537, 4096)))


def _pem(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> Secret:
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
