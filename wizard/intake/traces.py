"""What a key leaves in a text or a file by which it is recognised there: its values, or its public half. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import suppress

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    load_ssh_private_key,
)

from wizard.credentials import Credentials, KeyKind
from wizard.exchange.signing import PrivateKey, read_private_key

MOST_BLOCKS = 32
"""Private keys that are opened in one file; each may take a tenth of a second."""

_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----(?:(?!-----).)*-----END \1-----", re.DOTALL)
"""Up to the next frame: a search beyond it takes hours where a file holds many beginnings, and no thread gets on."""
_LOCKED = re.compile(r"-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED")
_SPACES = re.compile(r"\\[rn]|\s+")
_UNOPENED = (ValueError, TypeError, UnsupportedAlgorithm)


class Traces:
    """What one key is recognised by.

    Args:
        credentials: The key. Nothing of it is kept but by this object.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._values = [credentials.api_key.reveal()]
        self._public = b""
        self._der: list[bytes] = []
        if credentials.kind is KeyKind.HMAC:
            self._values.append(credentials.signing.reveal())
        else:
            own = read_private_key(credentials.signing)
            self._public = _public_half(own)
            self._der = list(_encodings(own))

    def lines(self, text: str) -> tuple[int, ...]:
        """Return the numbers, from 1, of the lines in which the key or the beginning of its private key stands."""
        rows = text.splitlines()
        found = {number for number, row in enumerate(rows, 1) if any(value in row for value in self._values)}
        blocks = list(_BLOCK.finditer(text))[:MOST_BLOCKS] if self._public else []
        found |= {text.count("\n", 0, block.start()) + 1 for block in blocks if self._is_own(block[0])}
        if not found & {text.count("\n", 0, block.start()) + 1 for block in blocks}:
            found |= self._unframed(rows)
        return tuple(sorted(found))

    def are_in(self, data: bytes) -> bool:
        """Return whether a file that is no text holds the private key in DER form, or a value as it is."""
        if any(mark in data for mark in [*self._der, *(value.encode() for value in self._values)]):
            return True
        with suppress(*_UNOPENED):
            return bool(self._public) and _public_half(load_der_private_key(data, None)) == self._public
        return False

    def may_be_locked_in(self, text: str) -> bool:
        """Return whether an encrypted private key stands there, of which nobody can tell whose it is."""
        return bool(self._public) and bool(_LOCKED.search(text))

    def _is_own(self, block: str) -> bool:
        lines = block.replace("\\r", "").replace("\\n", "\n").splitlines()
        pem = "\n".join(line.strip(" \t\r\"'#>|,;") for line in lines).encode()
        load = load_ssh_private_key if b"OPENSSH" in pem else load_pem_private_key
        with suppress(*_UNOPENED):
            return _public_half(load(pem, None)) == self._public
        return False

    def _unframed(self, rows: list[str]) -> set[int]:
        """Find the base64 of the private key where it has no frame, in one line or wrapped."""
        flat = [_SPACES.sub("", row) for row in rows]
        whole = "".join(flat)
        for der in self._der:
            at = whole.find(base64.b64encode(der).decode().rstrip("="))
            if at >= 0:
                return {_row_at(flat, at)}
        return set()


def _row_at(rows: list[str], position: int) -> int:
    end = 0
    for number, row in enumerate(rows, 1):
        end += len(row)
        if position < end:
            return number
    return len(rows)


def _encodings(key: PrivateKey) -> Iterator[bytes]:
    yield key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    if isinstance(key, rsa.RSAPrivateKey):
        yield key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def _public_half(key: object) -> bytes:
    if not isinstance(key, (rsa.RSAPrivateKey, ed25519.Ed25519PrivateKey)):
        return b""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
