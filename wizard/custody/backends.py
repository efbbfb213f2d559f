"""Which of keyring's backends may hold a secret, and how long one. Names and verdicts; nothing is loaded.

Invariant: what is not on the list of secure backends is refused, unknown ones too. The verdicts come from
reading the backends' sources and running them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from wizard.core.secret import Secret
from wizard.core.text import printable
from wizard.custody.errors import CustodyError
from wizard.custody.keyring_worker.protocol import BACKEND_VARIABLE, Origin


class Verdict(StrEnum):
    """What a backend does with a secret."""

    SECURE = "secure"
    NULL = "null"
    FAIL = "fail"
    PLAINTEXT = "plaintext"
    WEAK = "weak"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one backend."""

    backend: str
    """Class path, as keyring takes it in PYTHON_KEYRING_BACKEND."""
    verdict: Verdict
    reason: str
    """For a secure backend the store's name, else what is wrong with it, as the end of a sentence."""

    @property
    def is_secure(self) -> bool:
        """Whether secrets may be written to it."""
        return self.verdict is Verdict.SECURE


SECURE: Final = {
    "keyring.backends.SecretService.Keyring": "Secret Service",
    "keyring.backends.libsecret.Keyring": "Secret Service (libsecret)",
    "keyring.backends.kwallet.DBusKeyring": "KDE KWallet 5",
    "keyring.backends.kwallet.DBusKeyringKWallet4": "KDE KWallet 4",
    "keyring.backends.macOS.Keyring": "macOS Keychain",
    "keyring.backends.Windows.WinVaultKeyring": "Windows Credential Manager",
}

_PLAIN_FILE: Final = (Verdict.PLAINTEXT, "it writes secrets into a plain file, at most in base64")
_OLD_CIPHER: Final = (Verdict.WEAK, "it derives its key with 1000 rounds of PBKDF2-SHA1 and authenticates nothing")
_REFUSED: Final = {
    "keyring.backends.null.Keyring": (Verdict.NULL, "it discards what is written and reports success"),
    "keyring.backends.fail.Keyring": (Verdict.FAIL, "it stands for: no usable keyring was found"),
    "keyrings.alt.file.PlaintextKeyring": _PLAIN_FILE,
    "keyrings.cryptfile.file.PlaintextKeyring": _PLAIN_FILE,
    "keyring_insecure_backend": _PLAIN_FILE,
    "keyrings.alt.file.EncryptedKeyring": _OLD_CIPHER,
    "keyrings.cryptfile.file.EncryptedKeyring": _OLD_CIPHER,
    "keyrings.alt.Windows": (Verdict.WEAK, "it keeps secrets in registry values or files that it rewrites in place"),
    "keyrings.alt": (Verdict.WEAK, "its own documentation calls its backends possibly insecure"),
    "keyrings.efile": (Verdict.WEAK, "it keeps its key beside the data and uses a fixed initialisation vector"),
    "keyrings.cryptfile": (Verdict.WEAK, "it rewrites its file in place: a crash can lose every other secret in it"),
    "keyring_pass": (Verdict.WEAK, "it keeps only the first line of a value and reports success"),
    "ssh_agent_keyring": (Verdict.WEAK, "every agent that was ever asked to sign can open it"),
    "onepassword_keyring": (Verdict.WEAK, "it puts the secret on a command line"),
    "bitwarden_keyring": (Verdict.WEAK, "it puts the secret on a command line"),
    "keyrings.onepassword": (Verdict.NULL, "it stores nothing and reports success"),
    "vaultprojectkeyring": (Verdict.WEAK, "it returns its errors in place of raising them"),
}
"""By class path, module or package; the longest name that fits counts."""

_UTF16_UNITS: Final = {"keyring.backends.Windows.WinVaultKeyring": 1280}
"""By backend. CRED_MAX_CREDENTIAL_BLOB_SIZE is 2560 bytes (wincred.h); keyring writes UTF-16."""


def judge(backend: str) -> Judgement:
    """Return the verdict on a backend named by its class path."""
    if backend in SECURE:
        return Judgement(backend, Verdict.SECURE, SECURE[backend])
    name = backend
    while name and name not in _REFUSED:
        name = name.rpartition(".")[0]
    verdict, reason = _REFUSED.get(name, (Verdict.UNKNOWN, "this program does not know what it does with secrets"))
    return Judgement(printable(backend), verdict, reason)


def first_secure(judgements: tuple[Judgement, ...]) -> Judgement | None:
    """Return the backend to pin: the first that may hold a secret, in keyring's own order."""
    return next((judgement for judgement in judgements if judgement.is_secure), None)


def line_to_change(origin: Origin, place: str, platform: str = sys.platform) -> str:
    """Return what the user changes so that keyring chooses the system's own store.

    Args:
        origin: Who chose the backend that is refused.
        place: The configuration file, where that is the origin.
        platform: As `sys.platform` spells it.
    """
    wanted = recommended(platform)
    if origin is Origin.CONFIG:
        return f"In {printable(place)} write the line `default-keyring={wanted}`, or remove the line that is there."
    if origin is Origin.ENVIRONMENT:
        return f"Set {BACKEND_VARIABLE}={wanted}, or unset it."
    return f"Set {BACKEND_VARIABLE}={wanted}."


def recommended(platform: str = sys.platform) -> str:
    """Return the class path of the system's own store."""
    return {
        "darwin": "keyring.backends.macOS.Keyring",
        "win32": "keyring.backends.Windows.WinVaultKeyring",
    }.get(platform, "keyring.backends.SecretService.Keyring")


def unusable_backend(judgement: Judgement, origin: Origin, place: str, fault: str) -> CustodyError:
    """Return the error for a secure backend that was named and does not work here."""
    return CustodyError(
        f"The keyring backend {judgement.backend} does not work here",
        why=f"{printable(place)} names it, and it ends with {printable(fault, 100)}.",
        advice=line_to_change(origin, place),
        code="backend-unusable",
    )


def refused_backend(judgement: Judgement, origin: Origin, place: str) -> CustodyError:
    """Return the error for a backend that may not hold a secret, with the line to change."""
    if judgement.verdict is Verdict.FAIL and origin is Origin.PRIORITY:
        return CustodyError(
            "There is no keyring on this system that secrets may be trusted to",
            why="The keyring library found no backend that works here.",
            advice="Run `python -m keyring diagnose` and `python -m keyring --list-backends` to see what is missing.",
            code="backend-fail",
        )
    by_whom = {
        Origin.ENVIRONMENT: f"{place} names it",
        Origin.CONFIG: f"{printable(place)} names it",
        Origin.PRIORITY: "the keyring library prefers it here",
    }[origin]
    return CustodyError(
        f"The keyring backend {judgement.backend or '(no name)'} is refused: {judgement.reason}",
        why=f"It would be used because {by_whom}.",
        advice=line_to_change(origin, place),
        code=f"backend-{judgement.verdict}",
    )


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
