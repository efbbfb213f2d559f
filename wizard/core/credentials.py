"""Credentials: an API key with what signs for it, and how a key is named without showing it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wizard.core.secret import Secret, Wipeable


class KeyKind(StrEnum):
    """What signs a request for an API key (binance-spot-api-docs, faqs/api_key_types.md)."""

    HMAC = "hmac"
    ED25519 = "ed25519"
    RSA = "rsa"

    @property
    def label(self) -> str:
        """The kind as it is written on screen."""
        return {"hmac": "HMAC", "ed25519": "Ed25519", "rsa": "RSA"}[self.value]


@dataclass(frozen=True, slots=True)
class KeyName:
    """How a key is named: `…0L94` for people, the fingerprint for programs and details. Never by itself."""

    fingerprint: str
    """First 12 hex digits of the API key's SHA-256."""
    last_four: str
    """The API key's last four characters, as the exchange's page shows them."""

    def __str__(self) -> str:
        return f"…{self.last_four}" if self.last_four else self.fingerprint


@dataclass(frozen=True, slots=True)
class Credentials(Wipeable):
    """An API key and its signing secret. Its repr shows neither."""

    kind: KeyKind
    api_key: Secret
    signing: Secret
    """The HMAC secret, or the private key as PKCS#8 PEM."""

    @property
    def name(self) -> KeyName:
        """The name under which this key appears on screens, in the journal and in the keyring."""
        return KeyName(self.api_key.fingerprint(), self.api_key.last_four())
