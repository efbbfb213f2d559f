"""How long a value one item of a store can hold, known before a key is created that would not fit."""

from __future__ import annotations

from typing import Final

from wizard.custody.errors import CustodyError
from wizard.secret import Secret

_UTF16_UNITS: Final = {"keyring.backends.Windows.WinVaultKeyring": 1280}
"""By backend. CRED_MAX_CREDENTIAL_BLOB_SIZE is 2560 bytes (wincred.h); keyring writes UTF-16."""


class ItemTooLong(CustodyError):
    """The store cannot hold a value of this length. Nothing was written."""


def expect_to_fit(backend: str, value: Secret) -> None:
    """Return if one item of the backend can hold `value`.

    Raises:
        ItemTooLong: it cannot.
    """
    limit, units = _UTF16_UNITS.get(backend), len(value.reveal().encode("utf-16-le")) // 2
    if limit is not None and units > limit:
        raise ItemTooLong(
            "These credentials are too long for Windows Credential Manager",
            why=f"They take {units} UTF-16 units, and one item holds {limit}.",
            advice="Use an Ed25519 key: it fits. An RSA key does not fit in any length that is safe.",
        )


def what_does_not_fit(backend: str) -> str:
    """Return, as a sentence, which kinds of key the backend cannot hold; nothing where it holds all."""
    limit = _UTF16_UNITS.get(backend)
    return "" if limit is None else f"An RSA key does not fit into it ({limit} UTF-16 units); Ed25519 and HMAC keys do."
