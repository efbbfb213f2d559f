"""Which of keyring's backends may hold a secret, and how long one. Nothing is loaded.

Invariant: what is not on the list of secure backends is refused, unknown ones too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wizard.core.secret import Secret
from wizard.core.text import printable
from wizard.custody.errors import CustodyError
from wizard.custody.keyring_worker.protocol import SECRET_SERVICE

_NAMES: Final = {
    SECRET_SERVICE: "Secret Service",
    "keyring.backends.libsecret.Keyring": "Secret Service (libsecret)",
    "keyring.backends.kwallet.DBusKeyring": "KDE KWallet 5",
    "keyring.backends.kwallet.DBusKeyringKWallet4": "KDE KWallet 4",
    "keyring.backends.macOS.Keyring": "macOS Keychain",
    "keyring.backends.Windows.WinVaultKeyring": "Windows Credential Manager",
}
"""The secure ones."""
FAIL: Final = "keyring.backends.fail.Keyring"
"""What the library uses where it finds no other."""
_PLAIN_FILE: Final = ("plaintext", "it writes secrets into a plain file, at most in base64")
_REFUSED: Final = {
    "keyring.backends.null.Keyring": ("null", "it discards what is written and reports success"),
    FAIL: ("fail", "it stands for: no usable keyring was found"),
    "keyrings.alt.file.PlaintextKeyring": _PLAIN_FILE,
    "keyrings.cryptfile.file.PlaintextKeyring": _PLAIN_FILE,
}
_UNKNOWN: Final = ("unknown", "it is none of those that are known to keep secrets safe")

_UTF16_UNITS: Final = {"keyring.backends.Windows.WinVaultKeyring": 1280}
"""By backend. CRED_MAX_CREDENTIAL_BLOB_SIZE is 2560 bytes (wincred.h); keyring writes UTF-16."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether one backend may hold a secret."""

    backend: str
    """Class path, as keyring takes it in PYTHON_KEYRING_BACKEND."""
    reason: str
    """For a secure backend the store's name, else what is wrong with it, as the end of a sentence."""
    refusal: str = ""
    """Why secrets may not be written to it, in a word: null, fail, plaintext or unknown; empty where they may."""


def judge(backend: str) -> Judgement:
    """Return whether a backend, named by its class path, may hold a secret."""
    if backend in _NAMES:
        return Judgement(backend, _NAMES[backend])
    refusal, reason = _REFUSED.get(backend, _UNKNOWN)
    return Judgement(printable(backend), reason, refusal)


def expect_to_fit(backend: str, value: Secret) -> None:
    """Return if one item of the backend can hold `value`.

    Raises:
        CustodyError: it cannot; nothing was written.
    """
    limit, units = _UTF16_UNITS.get(backend), len(value.reveal().encode("utf-16-le")) // 2
    if limit is not None and units > limit:
        raise CustodyError(
            "These credentials are too long for Windows Credential Manager",
            why=f"They take {units} UTF-16 units, and one item holds {limit}.",
            advice="Use an Ed25519 key: it fits. An RSA key does not fit in any length that is safe.",
            code="too-long",
        )


def what_does_not_fit(backend: str) -> str:
    """Return, as a sentence, which kinds of key the backend cannot hold; nothing where it holds all."""
    limit = _UTF16_UNITS.get(backend)
    return "" if limit is None else f"An RSA key does not fit into it ({limit} UTF-16 units); Ed25519 and HMAC keys do."
