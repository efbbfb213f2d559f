"""The file's bytes: a readable header, the sealed content, a checksum.

    {"format":"key-wizard credentials","version":1,…}\\n    ASCII, one line; authenticated, not secret
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
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidTag

from wizard.custody.encrypted_file.key import Cost, FileKey
from wizard.custody.errors import CustodyError

VERSION: Final = 1
_FORMAT: Final = "key-wizard credentials"
_FIELDS: Final = {"format", "version", "kdf", "memory_kib", "passes", "lanes", "salt", "cipher", "nonce"}
_NONCE_BYTES: Final = 12
_CHECKSUM_BYTES: Final = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class Envelope:
    """A file taken apart; nothing of it is decrypted."""

    header: bytes
    salt: bytes
    cost: Cost
    nonce: bytes
    sealed: bytes = field(repr=False)


def seal(content: bytes, key: FileKey) -> bytes:
    """Return the file's bytes. Each call takes a new random nonce."""
    nonce = os.urandom(_NONCE_BYTES)
    fields = {
        "format": _FORMAT,
        "version": VERSION,
        "kdf": "argon2id",
        "memory_kib": key.cost.memory_kib,
        "passes": key.cost.passes,
        "lanes": key.cost.lanes,
        "salt": key.salt.hex(),
        "cipher": "aes-256-gcm",
        "nonce": nonce.hex(),
    }
    header = json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"
    body = header + key.cipher.encrypt(nonce, content, header)
    return body + hashlib.sha256(body).digest()


def take_apart(data: bytes) -> Envelope:
    """Return the parts of a file.

    Raises:
        CustodyError: it is not a whole file of this program, or a newer version's.
    """
    body, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    if hashlib.sha256(body).digest() != checksum:
        raise _damaged("Its checksum is wrong.")
    line, separator, sealed = body.partition(b"\n")
    fields = _fields(line)
    if fields.get("format") != _FORMAT:
        raise _damaged("It does not begin as this program's files do.")
    version = fields.get("version")
    if type(version) is int and version > VERSION:
        raise CustodyError(
            "The encrypted file was written by a newer Key Wizard",
            why=f"It says version {version}; this one knows version {VERSION}.",
            advice="Use the newer Key Wizard.",
            code="file-newer",
        )
    try:
        return _envelope(fields, line + separator, sealed)
    except (KeyError, TypeError, ValueError):
        raise _damaged("Its header is not one that this program writes.") from None


def unseal(envelope: Envelope, key: FileKey) -> bytes:
    """Return the content.

    Raises:
        CustodyError: the key is not this file's.
    """
    try:
        return key.cipher.decrypt(envelope.nonce, envelope.sealed, envelope.header)
    except InvalidTag:
        # Not chained: that error's frames hold the key.
        pass
    raise CustodyError(
        "This passphrase does not open the encrypted file",
        why="The file is whole, as its checksum shows.",
        advice="Type it again; a wrong one changes nothing and locks nothing, however often it is tried.",
        code="wrong-passphrase",
    )


def _envelope(fields: dict[str, Any], header: bytes, sealed: bytes) -> Envelope:
    cost = Cost(*(_whole(fields[name]) for name in ("memory_kib", "passes", "lanes")))
    salt, nonce = bytes.fromhex(fields["salt"]), bytes.fromhex(fields["nonce"])
    names = (fields["kdf"], fields["cipher"], _whole(fields["version"]))
    is_known = fields.keys() == _FIELDS and names == ("argon2id", "aes-256-gcm", VERSION)
    if not is_known or not cost.is_sound() or len(nonce) != _NONCE_BYTES or len(salt) < _NONCE_BYTES:
        raise ValueError
    return Envelope(header, salt, cost, nonce, sealed)


def _fields(line: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _damaged(why: str) -> CustodyError:
    return CustodyError(
        "The encrypted file is damaged",
        why=why,
        advice="Nothing was changed. Put back a copy from a backup, or move the file away and begin a new one.",
        code="file-damaged",
    )
