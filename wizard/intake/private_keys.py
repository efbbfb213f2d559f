"""A private key from a file or a paste: what it is, whether the exchange takes it, or what to do instead.

A file is read once and never written; the key leaves here as unencrypted PKCS#8, for the keyring alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.exchange.signing import KeyPair, import_private_key
from wizard.intake.files import NotText, TextFile, read_text_file
from wizard.intake.pasted import Refused, Shape, read_paste

_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_INSTEAD = {
    "PUBLIC KEY": (
        "This is a public key",
        "Give the private key that belongs to it; the public half goes to the exchange's page.",
    ),
    "CERTIFICATE": (
        "This is a certificate, which holds a public key alone",
        "Give the private key that belongs to it.",
    ),
    "OPENSSH PRIVATE KEY": (
        "This is a private key in OpenSSH's own format",
        "RSA: convert a copy with ssh-keygen -p -m PKCS8 -f COPY and give that. Ed25519: let a new pair be made here.",
    ),
    "EC PRIVATE KEY": (
        "This is an elliptic-curve key of a kind that the exchange does not take",
        "Use Ed25519 or RSA.",
    ),
}
_DER = "This is not text, perhaps a key in DER form"
_CONVERT = "Convert it with openssl pkey -inform DER -in FILE -out COPY and give the copy."


class PrivateKeyRefused(WizardError):
    """What was given is not a private key that can be used here."""


class PassphraseNeeded(WizardError):
    """The private key is encrypted, and no or a wrong passphrase was given."""


@dataclass(frozen=True, slots=True)
class ImportedKey:
    """A private key that was opened."""

    pair: KeyPair
    warning: str = ""
    """What is wrong with the file that it came from; empty where nothing is."""
    path: str = ""
    """That file; empty where the key was pasted."""


def open_private_key(path: str, pem: Secret, passphrase: Secret) -> ImportedKey:
    """Open the key in a file, or the one that was pasted; exactly one of the two is given.

    Raises:
        wizard.core.errors.WizardError: see `wizard.intake.files.read_text_file` and `import_pem`.
    """
    if path.strip() and pem:
        raise PrivateKeyRefused("There are a path and a pasted key", advice="Empty one of the two fields.")
    if path.strip().startswith("-----"):
        raise PrivateKeyRefused("This is the beginning of a key, not a path", advice="Paste the key as a whole.")
    if pem:
        return ImportedKey(import_pem(pem, passphrase))
    if not path.strip():
        raise PrivateKeyRefused("Nothing was entered", advice="Give the path of the file, or paste the key.")
    file = _read_key_file(path)
    try:
        return ImportedKey(import_pem(file.text, passphrase), file.warning, file.path)
    finally:
        file.text.wipe()


def looks_like_path(text: str) -> bool:
    """Return whether `text` is one line that does not begin a PEM block."""
    return len(text.strip().splitlines()) == 1 and "-----" not in text


def _read_key_file(path: str) -> TextFile:
    try:
        return read_text_file(path)
    except NotText:
        raise PrivateKeyRefused(_DER, advice=_CONVERT) from None


def import_pem(pem: Secret, passphrase: Secret | None = None) -> KeyPair:
    """Return the pair of a private key. An encrypted one may take seconds: call it in a thread.

    Raises:
        PassphraseNeeded: it is encrypted, and the passphrase is missing or wrong.
        PrivateKeyRefused: it is something else, in words, with what to do.
        wizard.exchange.signing.SigningKeyError: the exchange does not take its kind or size.
    """
    text = pem.reveal()
    _refuse_by_label(text)
    is_encrypted = "ENCRYPTED" in text
    if is_encrypted and not passphrase:
        raise PassphraseNeeded("The private key is encrypted", advice="Enter its passphrase.")
    try:
        return import_private_key(pem, passphrase if is_encrypted else None)
    except WizardError as error:
        if is_encrypted and "encrypted" in error.what:
            raise PassphraseNeeded("The passphrase does not open this private key", advice="Enter it again.") from None
        raise


def _refuse_by_label(text: str) -> None:
    labels = _BEGIN.findall(text)
    for ending, (what, advice) in _INSTEAD.items():
        if labels and labels[0].endswith(ending):
            raise PrivateKeyRefused(what, advice=advice)
    if "ENCRYPTED" in text and labels == ["RSA PRIVATE KEY"]:
        return  # PKCS#1 with its own headers, which the reader of pastes does not know
    answer = read_paste(text, Shape.PEM)
    if isinstance(answer, Refused):
        raise PrivateKeyRefused(answer.reason, advice="Give one private key in PEM form, from BEGIN to END.")
