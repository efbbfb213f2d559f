"""Does GNOME keyring keep a collection encrypted on the disk? Seen in the first bytes of its file; nothing is asked.

A collection whose password is empty is written as plain text, secrets included, and is as open as any other
(gnome-keyring, pkcs11/secret-store: gkm-secret-textual.c against gkm-secret-binary.c).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from wizard.custody.worker.protocol import AtRest

_MAGIC: Final = b"GnomeKeyring\n\r\0\n"
"""How its encrypted files begin (gkm-secret-binary.c)."""
_ESCAPED: Final = re.compile(rb"_([0-9a-f]{2})")
_PLACES: Final = ("XDG_DATA_HOME", "HOME")


def look(collection: str, pid: int, environ: Mapping[str, str]) -> AtRest:
    """Return how the collection lies on the disk.

    Args:
        collection: Its D-Bus path, which names its file.
        pid: The keyring's process, whose own environment says where its files are.
        environ: Says it where that process does not let itself be looked at.
    """
    start = _start(_file(collection, {**environ, **_environ_of(pid)}))
    if start is None:
        return AtRest.UNKNOWN
    return AtRest.ENCRYPTED if start == _MAGIC else AtRest.PLAIN


def _file(collection: str, environ: Mapping[str, str]) -> Path:
    """Return where gnome-keyring keeps it (gkm-secret-module.c)."""
    home = Path(environ.get("HOME") or "/nonexistent")
    usual = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share", "keyrings")
    directory = usual if usual.is_dir() else home / ".gnome2" / "keyrings"
    escaped = os.fsencode(collection.rpartition("/")[2])
    name = os.fsdecode(_ESCAPED.sub(lambda hit: bytes.fromhex(hit[1].decode()), escaped))
    return directory / f"{Path(name).name}.keyring"


def _environ_of(pid: int) -> dict[str, str]:
    try:
        pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return {}
    own = {os.fsdecode(name): os.fsdecode(value) for name, _, value in (pair.partition(b"=") for pair in pairs)}
    # Where it can be seen, what it lacks is lacking: ours is another login's.
    return {name: own.get(name, "") for name in _PLACES} if own.get("HOME") else {}


def _start(file: Path) -> bytes | None:
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(handle, len(_MAGIC)) if stat.S_ISREG(os.fstat(handle).st_mode) else None
    except OSError:
        return None
    finally:
        os.close(handle)
