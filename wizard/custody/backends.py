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
_PLAIN_FILE: Final = ("plaintext", "It writes secrets into a file without encryption")
_REFUSED: Final = {
    "keyring.backends.null.Keyring": ("null", "It stores nothing, and reports success"),
    FAIL: ("fail", "It means that no usable keyring was found"),
    "keyrings.alt.file.PlaintextKeyring": _PLAIN_FILE,
    "keyrings.cryptfile.file.PlaintextKeyring": _PLAIN_FILE,
}
_UNKNOWN: Final = ("unknown", "It is not on the list of backends that keep secrets safe")
_WINDOWS: Final = "keyring.backends.Windows.WinVaultKeyring"
_WINDOWS_UNITS: Final = 1280
"""UTF-16 units of one item: CRED_MAX_CREDENTIAL_BLOB_SIZE is 2560 bytes (wincred.h), and keyring writes UTF-16."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether one backend may hold a secret."""

    backend: str
    """Class path, as keyring takes it in PYTHON_KEYRING_BACKEND."""
    reason: str
    """For a secure backend the store's name, else what is wrong with it, as a sentence without its full stop."""
    refusal: str = ""
    """Why secrets may not be written to it, in a word: null, fail, plaintext or unknown; empty where they may."""


def judge(backend: str) -> Judgement:
    """Return whether a backend, named by its class path, may hold a secret."""
    if backend in _NAMES:
        return Judgement(backend, _NAMES[backend])
    refusal, reason = _REFUSED.get(backend, _UNKNOWN)
    return Judgement(printable(backend), reason, refusal)


def expect_to_fit(backend: str, value: Secret) -> None:
    """Return if one item of the backend can hold `value`, or raise CustodyError."""
    units = len(value.reveal().encode("utf-16-le")) // 2
    if backend == _WINDOWS and units > _WINDOWS_UNITS:
        raise CustodyError(
            "These credentials are too long for Windows Credential Manager",
            why=f"They need {units} UTF-16 units, and one item holds {_WINDOWS_UNITS}.",
            advice="Use an Ed25519 key. An RSA key that is long enough to be safe does not fit.",
            code="too-long",
        )


def what_does_not_fit(backend: str) -> str:
    """Return, as a sentence, which kinds of key the backend cannot hold; nothing where it holds all."""
    return "Ed25519 and HMAC keys fit into it. An RSA key is too long." if backend == _WINDOWS else ""
