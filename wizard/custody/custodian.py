"""The place that the settings name, opened once per run; and how a service without a login gets at the credentials.

Invariant: there is one place. Where it cannot be opened, nothing else takes its place; only the user's typed
choice changes the settings.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from wizard.core.errors import FileError, WizardError
from wizard.core.secret import Secret
from wizard.core.settings import Custody, OpenBao, Place
from wizard.core.threads import in_daemon_thread
from wizard.core.toml_file import write_values
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.store import Store

if TYPE_CHECKING:
    from wizard.custody.encrypted_file import EncryptedFileStore
    from wizard.custody.openbao import OpenBaoStore

CREDENTIAL: Final = "key-wizard-passphrase"
"""The systemd credential (systemd.exec(5), LoadCredentialEncrypted=) that opens the encrypted file of a service."""
CREDENTIAL_STORE: Final = "/etc/credstore.encrypted"


async def load_openbao() -> ModuleType:
    """Return `wizard.custody.openbao`, or raise CustodyError where its extra is not installed."""
    try:
        return await in_daemon_thread(lambda: import_module("wizard.custody.openbao"))
    except ModuleNotFoundError as error:
        if error.name != "hvac":
            raise
        raise CustodyError(
            "The client of OpenBao is not installed",
            why="It is an extra of Key Wizard.",
            advice="Install it, then start again:\npip install 'key-wizard[openbao]'",
            code="extra-missing",
        ) from None


class Custodian:
    """Opens one place, and remembers for one run that it was opened.

    Its methods raise `CustodyError` where something stands in the way; nothing is lost or changed then. The caller
    wipes the passwords that he gives. `environ` names the session bus, the keyring and the directory of systemd
    credentials.
    """

    def __init__(self, custody: Custody, file: Path, settings: Path, environ: Mapping[str, str] = os.environ) -> None:
        self.custody = custody
        self._file = file
        self.settings = settings
        self._environ = environ
        self._opened: EncryptedFileStore | None = None
        self._openbao: OpenBaoStore | None = None

    async def open(self) -> Store:
        """Return the store. Where it cannot be opened, the error's `remedy` says what `help` can do."""
        # Each place is loaded when it is opened: the home screen is there before.
        if self.custody.place is Place.KEYRING:
            from wizard.custody.keyring import open_keyring  # noqa: PLC0415

            return await open_keyring(deadline=self.custody.deadline, environ=self._environ)
        if self.custody.place is Place.OPENBAO and self.custody.openbao:
            return await self._open_openbao(self.custody.openbao)
        from wizard.custody.encrypted_file import open_file  # noqa: PLC0415

        if self._opened is None:
            is_new = not await self.has_file()
            passphrase = None if is_new else await in_daemon_thread(self._credential)
            if passphrase is None:
                raise self._closed(is_new=is_new)
            with passphrase:
                self._opened = await open_file(self._file, passphrase, self.custody.deadline)
        return self._opened

    async def _open_openbao(self, chosen: OpenBao) -> Store:
        module = await load_openbao()
        if self._openbao is None:
            self._openbao = module.OpenBaoStore(chosen, self.custody.deadline, self._environ)
        await self._openbao.expect_usable()
        return self._openbao

    async def has_file(self) -> bool:
        """Return whether there is an encrypted file, be it the place or not, or raise CustodyError."""
        from wizard.custody.encrypted_file import exists  # noqa: PLC0415

        return await exists(self._file, self.custody.deadline)

    def choose_encrypted_file(self) -> None:
        """Keep credentials in the encrypted file from now on, or raise WizardError; the keyring keeps what it has."""
        try:
            write_values(self.settings, {"custody": {"place": Place.ENCRYPTED_FILE}})
        except (FileError, OSError, ValueError) as error:
            raise WizardError(
                f"The wizard could not write your choice into {self.settings}",
                why=f"It ended with {type(error).__name__}.",
                advice=f'Write place = "{Place.ENCRYPTED_FILE}" below [custody] there. Then start the wizard again.',
                code="settings.not-written",
            ) from None
        self.custody = replace(self.custody, place=Place.ENCRYPTED_FILE)

    async def help(self, remedy: Remedy, password: Secret) -> None:
        """Do what stands in the way of `open`, with a typed password."""
        if remedy in {Remedy.UNLOCK, Remedy.CREATE}:
            from wizard.custody.keyring import unlock_keyring  # noqa: PLC0415

            await unlock_keyring(password, remedy, deadline=self.custody.deadline, environ=self._environ)
        else:
            from wizard.custody.encrypted_file import make_file, open_file  # noqa: PLC0415

            open_or_make = make_file if remedy is Remedy.MAKE_FILE else open_file
            self._opened = await open_or_make(self._file, password, self.custody.deadline)

    async def expect_encrypted_file(self) -> None:
        """Return if credentials are kept in the encrypted file, and it is there."""
        if self.custody.place is not Place.ENCRYPTED_FILE:
            raise CustodyError(
                "Your credentials are not in the encrypted file",
                why=f"The settings name the place {self.custody.place}.",
                advice="What opens a keyring or OpenBao is changed there.",
                code="not-in-file",
            )
        if not await self.has_file():
            raise self._closed(is_new=True)

    async def change_passphrase(self, old: Secret, new: Secret) -> None:
        """Have the encrypted file open with another passphrase from now on; where that fails, with the old one."""
        from wizard.custody.encrypted_file import change_passphrase  # noqa: PLC0415

        await self.expect_encrypted_file()
        self._opened = await change_passphrase(self._file, old, new, self.custody.deadline)

    def _closed(self, *, is_new: bool) -> CustodyError:
        return CustodyError(
            f"The encrypted file needs {'a new' if is_new else 'its'} passphrase",
            why=f"{self._file} does not exist yet." if is_new else "The wizard asks for it once in every run.",
            advice="key-wizard asks for a new one when you open it on a terminal."
            if is_new
            else f"Type it where the wizard asks. A service gets it as the systemd credential {CREDENTIAL}.",
            code="file-closed",
            remedy=Remedy.MAKE_FILE if is_new else Remedy.OPEN_FILE,
        )

    def _credential(self) -> Secret | None:
        directory = self._environ.get("CREDENTIALS_DIRECTORY")
        if not directory:
            return None
        try:
            text = Path(directory, CREDENTIAL).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        return Secret(text.removesuffix("\n"))


def explain_services(environment: str) -> Iterator[str]:
    """Return how a program that runs as a system service gets at the credentials, line by line.

    Each command stands alone on its line. It is systemd's own way (systemd.exec(5), "Credentials"; systemd-creds(1),
    since systemd 250). Every secret travels over stdin.
    """
    yield "A service has no login, so it cannot reach the keyring, and nobody types a password for it."
    yield "systemd can keep credentials for it. They are encrypted with a key of this machine."
    yield "Run the commands as yourself. None of them shows a secret."
    yield ""
    yield "1. The service reads the key itself, from the files below $CREDENTIALS_DIRECTORY."
    yield "Run these commands now, and again after each replacement of the key."
    yield f"sudo install -d -m 700 {CREDENTIAL_STORE}"
    for name, variable in (("binance-api-key", "BINANCE_API_KEY"), ("binance-api-secret", "BINANCE_API_SECRET")):
        # Within `exec`, and only where the variable is set: else nothing would take the place of what is there.
        yield (
            f'key-wizard exec {environment} -- sh -c \': "${{{variable}:?}}";'
            f' printf %s "${variable}" | sudo systemd-creds encrypt --name={name} - {CREDENTIAL_STORE}/{name}\''
        )
    yield "For an Ed25519 or RSA key, write BINANCE_PRIVATE_KEY instead of BINANCE_API_SECRET."
    yield "Add these lines to the section [Service] of the unit."
    yield f"LoadCredentialEncrypted=binance-api-key:{CREDENTIAL_STORE}/binance-api-key"
    yield f"LoadCredentialEncrypted=binance-api-secret:{CREDENTIAL_STORE}/binance-api-secret"
    yield ""
    yield "2. Or the service starts with `key-wizard exec`. systemd gives it the passphrase of the encrypted file."
    yield "Run this command once. It asks for the passphrase."
    yield f"systemd-ask-password -n | sudo systemd-creds encrypt --name={CREDENTIAL} - {CREDENTIAL_STORE}/{CREDENTIAL}"
    yield "Add this line to the section [Service] of the unit."
    yield f"LoadCredentialEncrypted={CREDENTIAL}:{CREDENTIAL_STORE}/{CREDENTIAL}"
