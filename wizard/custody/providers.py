"""Names of the programs behind the Secret Service, and of their collections, for people."""

from __future__ import annotations

import re
from typing import Final

from wizard.text import printable

GNOME: Final = "GNOME keyring"
_ESCAPED = re.compile("_([0-9a-f]{2})")

# The first 15 characters of the program's name, which is all that /proc/PID/comm holds.
_NAMES: Final = {
    "gnome-keyring-d": GNOME,
    "keepassxc": "KeePassXC",
    "ksecretd": "KWallet",
    "kwalletd6": "KWallet",
    "kwalletd5": "KWallet",
    "oo7-daemon": "oo7",
}


def provider_name(comm: str) -> str:
    """Return what people call the program; the program's own name where it is not known."""
    return _NAMES.get(comm, printable(comm, 40)) or "Secret Service"


def collection_name(path: str) -> str:
    """Return the last part of a collection's D-Bus path, `_20` and its like decoded."""
    return printable(_ESCAPED.sub(lambda hit: chr(int(hit[1], 16)), path.rpartition("/")[2]), 40)
