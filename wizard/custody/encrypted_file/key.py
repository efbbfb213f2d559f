"""From a passphrase to the key of one file, by Argon2id (RFC 9106)."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from wizard.core.secret import Secret
from wizard.custody.errors import CustodyError
from wizard.custody.questions import SHORTEST, expect_understood, visible

FEWEST_DIFFERENT: Final = 5
_KEY_BYTES: Final = 32
_SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Cost:
    """How expensive one guess is. The defaults are the second recommended option of RFC 9106, section 4."""

    memory_kib: int = 65536
    passes: int = 3
    lanes: int = 4

    def is_sound(self) -> bool:
        """Whether it is at least the default, and at most what a small host can pay."""
        least, most = Cost(), Cost(1 << 20, 32, 16)
        return all(
            low <= own <= high
            for low, own, high in (
                (least.memory_kib, self.memory_kib, most.memory_kib),
                (least.passes, self.passes, most.passes),
                (1, self.lanes, most.lanes),
            )
        )


@dataclass(frozen=True, slots=True)
class FileKey:
    """The key of one file, for one run; the passphrase is not kept."""

    salt: bytes
    cost: Cost
    cipher: AESGCM = field(repr=False)


def derive(passphrase: Secret, salt: bytes, cost: Cost) -> FileKey:
    """Return the key that belongs to a passphrase and a salt. Takes about 0.2 s and 64 MiB."""
    kdf: Any = Argon2id(
        salt=salt, length=_KEY_BYTES, iterations=cost.passes, lanes=cost.lanes, memory_cost=cost.memory_kib
    )
    # One passphrase, typed on a keyboard that composes accents and on one that does not (RFC 8265, section 4.2).
    typed = unicodedata.normalize("NFC", passphrase.reveal()).encode()
    return FileKey(salt, cost, AESGCM(kdf.derive(typed)))


def new_key(passphrase: Secret) -> FileKey:
    """Return a key for a new file.

    Raises:
        CustodyError: the passphrase is too short, nearly nothing but repetition, or a part of it was lost on the way.
    """
    expect_understood(passphrase)
    seen = visible(passphrase)
    if len(seen) < SHORTEST or len(set(seen)) < FEWEST_DIFFERENT:
        raise CustodyError(
            f"A passphrase has {SHORTEST} characters or more, at least {FEWEST_DIFFERENT} different ones",
            why=f"This one has {len(seen)}, {len(set(seen))} of them different, blanks not counted; who copies the"
            " file can try passphrases without being seen.",
            advice="Five or six random words are easy to type and hard to guess.",
            code="weak-passphrase",
        )
    return derive(passphrase, os.urandom(_SALT_BYTES), Cost())
