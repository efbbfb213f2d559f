"""A private key from a file or a paste: what it is, whether the exchange takes it, or what to do instead.

A file is read once and never written; the key leaves here as unencrypted PKCS#8, for the keyring alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wizard.core.errors import FileError, WizardError
from wizard.core.secret import Secret
from wizard.exchange.signing import KeyPair, import_private_key
from wizard.intake.paste import IntakeError, Shape, read_paste
from wizard.intake.sources import read_text_file

NEEDS_PASSPHRASE = "private_key.passphrase"  # noqa: S105 - a code
"""The code of the error where a private key is encrypted, and no or a wrong passphrase was given."""

_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_INSTEAD = {
    "PUBLIC KEY": ("This is a public key", "Enter the private key of the same pair."),
    "CERTIFICATE": ("This is a certificate, which holds only a public key", "Enter the private key of the same pair."),
    "OPENSSH PRIVATE KEY": (
        "This is a private key in the format of OpenSSH",
        "If it is RSA, convert a copy with `ssh-keygen -p -m PKCS8 -f COPY`. If it is Ed25519, make a new pair here.",
    ),
    "EC PRIVATE KEY": ("Binance does not take this kind of elliptic-curve key", "Use Ed25519 or RSA."),
}


@dataclass(frozen=True, slots=True)
class ImportedKey:
    """A private key that was opened."""

    pair: KeyPair
    warning: str = ""
    """What is wrong with the file that it came from; empty where nothing is."""
    path: str = ""
    """That file; empty where the key was pasted."""


def open_private_key(path: str, pem: Secret, passphrase: Secret) -> ImportedKey:
    """Open the key in a file, or the one that was pasted (see `read_text_file` and `import_pem`), not both."""
    if path.strip() and pem:
        raise IntakeError("You entered a path and pasted a key", advice="Empty one of the two fields.")
    if pem:
        return ImportedKey(import_pem(pem, passphrase))
    if not path.strip():
        raise IntakeError("You entered nothing", advice="Enter the path of the file, or paste the key.")
    try:
        file = read_text_file(path)
    except FileError as error:
        if error.code != "file.not_text":
            raise
        raise IntakeError(
            "This file is not text, perhaps a key in DER form",
            advice="Convert it with `openssl pkey -inform DER -in FILE -out COPY`, and enter the copy.",
        ) from None
    with file.text:
        return ImportedKey(import_pem(file.text, passphrase), file.warning, file.path)


def import_pem(pem: Secret, passphrase: Secret | None = None) -> KeyPair:
    """Return the pair of a private key. An encrypted one may take seconds: call it in a thread.

    WizardError: its passphrase is missing or wrong (`NEEDS_PASSPHRASE`), or Binance does not take its kind or size.
    IntakeError: it is something else, in words, with what to do.
    """
    text = pem.reveal()
    _refuse_by_label(text)
    is_encrypted = "ENCRYPTED" in text
    if is_encrypted and not passphrase:
        raise WizardError("The private key is encrypted", advice="Enter its passphrase.", code=NEEDS_PASSPHRASE)
    try:
        return import_private_key(pem, passphrase if is_encrypted else None)
    except WizardError as error:
        if not is_encrypted or "encrypted" not in error.what:
            raise
        what = "The passphrase does not open this private key"
        raise WizardError(what, advice="Enter it again.", code=NEEDS_PASSPHRASE) from None


def _refuse_by_label(text: str) -> None:
    labels = _BEGIN.findall(text)
    for ending, (what, advice) in _INSTEAD.items():
        if labels and labels[0].endswith(ending):
            raise IntakeError(what, advice=advice)
    if "ENCRYPTED" in text and labels == ["RSA PRIVATE KEY"]:
        return  # PKCS#1 with its own headers, which the reader of pastes does not know
    try:
        read_paste(text, Shape.PEM)
    except IntakeError as error:
        raise IntakeError(error.what, advice="Enter one private key in PEM form, from BEGIN to END.") from None
