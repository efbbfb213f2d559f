"""The session bus that a login has but was not told about.

Over SSH a user bus often runs at a known place while the variable that names it is unset; the library
below keyring does not look there (facts/keyring.md section 1.1).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from wizard.custody.worker.protocol import BUS_VARIABLE


def unnamed_bus(environ: Mapping[str, str]) -> str:
    """Return the address of the user's bus where no address is set and a bus socket exists, else nothing."""
    if environ.get(BUS_VARIABLE) or not hasattr(os, "getuid"):
        return ""
    user = os.getuid()
    socket = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{user}", "bus")
    try:
        found = socket.stat()
    except OSError:
        return ""
    # A socket of somebody else's would be handed the secrets.
    is_ours = stat.S_ISSOCK(found.st_mode) and found.st_uid == user
    return f"unix:path={quote(str(socket), safe='/-_.')}" if is_ours else ""
