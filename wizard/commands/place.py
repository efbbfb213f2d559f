"""How commands open the place of the credentials: the encrypted file's passphrase is asked for on the terminal."""

from __future__ import annotations

import asyncio
import getpass
import os
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path

from wizard.custody.custodian import Custodian
from wizard.custody.encrypted.errors import PassphraseNeeded
from wizard.custody.errors import Remedy
from wizard.custody.store import Store
from wizard.secret import Secret
from wizard.settings import Paths, Settings

_TERMINAL = Path("/dev/tty")


def place_opener(paths: Paths, known: Settings) -> Callable[[], Awaitable[Store]]:
    """Return what opens the place that the settings name."""
    custodian = Custodian(known.custody, paths.encrypted_file, paths.config_file)

    async def open_place() -> Store:
        try:
            return await custodian.open()
        except PassphraseNeeded as needed:
            # A new file is made in the wizard, where the passphrase is typed twice.
            if needed.remedy is not Remedy.OPEN_FILE or (passphrase := await asyncio.to_thread(_ask)) is None:
                raise
        try:
            await custodian.help(Remedy.OPEN_FILE, passphrase)
        finally:
            passphrase.wipe()
        return await custodian.open()

    return open_place


def _ask() -> Secret | None:
    """Ask on the terminal itself; None where there is none, or where typing would be seen."""
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return Secret(getpass.getpass("Passphrase of the encrypted file: "))
    except (OSError, EOFError, getpass.GetPassWarning):
        return None
