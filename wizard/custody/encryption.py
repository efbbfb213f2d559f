"""The encrypted file's bytes: a readable header, the sealed content, a checksum; the key by Argon2id (RFC 9106).

    {"format":"key-wizard credentials","version":1,…}\n    ASCII, one line; authenticated, not secret
    AES-256-GCM of the content, the header as associated data
    SHA-256 of all bytes before it

The checksum tells a damaged file from a wrong passphrase, without a passphrase. It proves nothing against
somebody who alters the file on purpose; the authentication does (NIST SP 800-38D).

Detected: any altered, cut or added byte, and a header of another file. Not detected: an older whole copy of the
same file put in its place; it opens with the passphrase that it had then. What that brings back is seen one level up,
where the journal lacks an item, or names one that is missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from wizard.core.secret import Secret
from wizard.custody.errors import CustodyError
from wizard.custody.questions import SHORTEST, expect_understood, visible
from wizard.custody.records import json_object

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION: Final = 1
_FORMAT: Final = "key-wizard credentials"
_PASSES, _LANES, _MEMORY_KIB = 3, 4, 65536
"""What one guess costs: the second recommended option of RFC 9106, section 4. Another cost is another version."""
_COST: Final = {"memory_kib": _MEMORY_KIB, "passes": _PASSES, "lanes": _LANES}
_HEADER: Final = {"format": _FORMAT, "version": VERSION, "kdf": "argon2id", **_COST, "cipher": "aes-256-gcm"}
"""What every file says, beside its `salt` and its `nonce`."""
_ONE_AT_A_TIME: Final = Lock()
"""OpenSSL has one pool of threads for all lanes. Two that derive at once can wait for each other for ever."""
_SALT_BYTES, _NONCE_BYTES, _CHECKSUM_BYTES = 16, 12, 32
FEWEST_DIFFERENT: Final = 5


@dataclass(frozen=True, slots=True)
class FileKey:
    """The key of one file, for one run; the passphrase is not kept."""

    salt: bytes
    cipher: AESGCM = field(repr=False)


def derive(passphrase: Secret, salt: bytes) -> FileKey:
    """Return the key that belongs to a passphrase and a salt. Takes about 0.2 s and 64 MiB."""
    # Loaded here: whoever keeps credentials in a keyring needs none of it.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id  # noqa: PLC0415

    kdf: Any = Argon2id(salt=salt, length=32, iterations=_PASSES, lanes=_LANES, memory_cost=_MEMORY_KIB)
    # One passphrase, typed on a keyboard that composes accents and on one that does not (RFC 8265, section 4.2).
    typed = unicodedata.normalize("NFC", passphrase.reveal()).encode()
    with _ONE_AT_A_TIME:
        return FileKey(salt, AESGCM(kdf.derive(typed)))


def new_key(passphrase: Secret) -> FileKey:
    """Return a key for a new file, or raise CustodyError: the passphrase is weak, or not understood whole."""
    # What was given is wiped by whoever gives up meanwhile: an empty one would open the file then.
    with Secret(passphrase.reveal()) as typed:
        expect_understood(typed)
        seen = visible(typed)
        if len(seen) < SHORTEST or len(set(seen)) < FEWEST_DIFFERENT:
            raise CustodyError(
                "This passphrase is too easy to guess",
                why=f"It has {len(seen)} characters, {len(set(seen))} of them different. Spaces do not count.",
                advice=f"Choose {SHORTEST} characters or more, {FEWEST_DIFFERENT} or more of them different. Five"
                " random words are easy to type and hard to guess.",
                code="weak-passphrase",
            )
        return derive(typed, os.urandom(_SALT_BYTES))


@dataclass(frozen=True, slots=True)
class Envelope:
    """A file taken apart; nothing of it is decrypted."""

    header: bytes
    salt: bytes
    nonce: bytes
    sealed: bytes = field(repr=False)


def seal(content: bytes, key: FileKey) -> bytes:
    """Return the file's bytes. Each call takes a new random nonce."""
    nonce = os.urandom(_NONCE_BYTES)
    fields = {**_HEADER, "salt": key.salt.hex(), "nonce": nonce.hex()}
    header = json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"
    body = header + key.cipher.encrypt(nonce, content, header)
    return body + hashlib.sha256(body).digest()


def take_apart(data: bytes) -> Envelope:
    """Return the parts of a file, or raise CustodyError: it is no whole file of this program, or newer."""
    body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if hashlib.sha256(body).digest() != checksum:
        raise _damaged("Its checksum is wrong.")
    line, separator, sealed = body.partition(b"\n")
    fields = json_object(line)
    if fields.get("format") != _FORMAT:
        raise _damaged("It does not begin as Key Wizard's files do.")
    version = fields.get("version")
    if type(version) is int and version > VERSION:
        raise CustodyError(
            "The encrypted file was written by a newer Key Wizard",
            why=f"The file has version {version}. This Key Wizard reads version {VERSION}.",
            advice="Use the newer Key Wizard.",
            code="file-newer",
        )
    try:
        salt, nonce = bytes.fromhex(fields.pop("salt")), bytes.fromhex(fields.pop("nonce"))
    except (KeyError, TypeError, ValueError):
        salt = nonce = b""
    is_ours = json.dumps(fields, sort_keys=True) == json.dumps(_HEADER, sort_keys=True)  # as text: true is 1 else
    if not is_ours or (len(salt), len(nonce)) != (_SALT_BYTES, _NONCE_BYTES):
        raise _damaged("Key Wizard does not write such a header.")
    return Envelope(line + separator, salt, nonce, sealed)


def unseal(envelope: Envelope, key: FileKey) -> bytes:
    """Return the content, or raise CustodyError: the key is not this file's."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as in `derive`

    try:
        return key.cipher.decrypt(envelope.nonce, envelope.sealed, envelope.header)
    except InvalidTag:
        # Not chained: that error's frames hold the key.
        pass
    raise CustodyError(
        "This passphrase does not open the encrypted file",
        why="The file is whole, so the passphrase is another one.",
        advice="Type it again. A wrong one changes nothing and locks nothing.",
        code="wrong-passphrase",
    )


def _damaged(why: str) -> CustodyError:
    return CustodyError(
        "The encrypted file is damaged",
        why=why,
        advice="Nothing was changed. Put back a copy from a backup, or move the file away and make a new one.",
        code="file-damaged",
    )
