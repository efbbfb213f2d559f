"""How commands open the place of the credentials: the encrypted file's passphrase is asked for on the terminal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from wizard.commands.prompts import ask_meanwhile
from wizard.core.settings import Paths, Settings
from wizard.custody.custodian import Custodian
from wizard.custody.errors import PassphraseNeededError, Remedy
from wizard.custody.store import Store

_PROMPT = "Passphrase of the encrypted file"


def place_opener(paths: Paths, known: Settings) -> Callable[[], Awaitable[Store]]:
    """Return what opens the place that the settings name."""
    custodian = Custodian(known.custody, paths.encrypted_file, paths.config_file)

    async def open_place() -> Store:
        try:
            return await custodian.open()
        except PassphraseNeededError as needed:
            # A new file is made in the wizard, where the passphrase is typed twice.
            if needed.remedy is not Remedy.OPEN_FILE or (passphrase := await ask_meanwhile(_PROMPT)) is None:
                raise
        try:
            await custodian.help(Remedy.OPEN_FILE, passphrase)
        finally:
            passphrase.wipe()
        return await custodian.open()

    return open_place
