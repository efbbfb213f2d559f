"""For the programs that use a key: the credentials of the `current` slot, from journal and keyring.

Invariant: nothing is written, and no lock is taken, so a bot can start while a wizard is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from wizard.core import settings
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.errors import WizardError
from wizard.core.settings import Paths
from wizard.custody.custodian import Custodian
from wizard.custody.records import KeyRecord, Slot
from wizard.custody.store import Store
from wizard.custody.vault import read_credentials
from wizard.rotation.journal import read_journal

API_KEY = "BINANCE_API_KEY"
API_SECRET = "BINANCE_API_SECRET"  # noqa: S105 - the name of a variable
PRIVATE_KEY = "BINANCE_PRIVATE_KEY"
VARIABLES = (API_KEY, API_SECRET, PRIVATE_KEY)
"""Which of the last two is set depends on the kind of key; the other one is not set."""


class NoCurrentKeyError(WizardError):
    """The environment has no current key, or the keyring does not hold it."""


def current_credentials(environment: str) -> Credentials:
    """Return the credentials in use in `environment`; wipe them when they are no longer needed.

    It blocks for about a second, also inside of a running event loop: call it at the start.

    Raises:
        wizard.core.settings.UnknownEnvironment: the settings have no such environment.
        NoCurrentKeyError: no key is in use there.
        wizard.custody.errors.CustodyError: the keyring cannot be used.
        WizardError: the settings or the journal cannot be read.
    """
    paths = settings.paths()
    known = settings.load(paths.config_file)
    name = known.environment(environment).name
    custodian = Custodian(known.custody, paths.encrypted_file, paths.config_file)
    # In a thread, because a caller may have an event loop of its own running.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(read_current(name, paths, custodian.open))).result()


async def read_current(environment: str, paths: Paths, open_store: Callable[[], Awaitable[Store]]) -> Credentials:
    """Return the credentials in use in `environment` (see `current_key` and `fetch` for what can fail)."""
    return await fetch(current_key(environment, paths), await open_store())


def current_key(environment: str, paths: Paths) -> KeyRecord:
    """Return what the journal knows of the key in use.

    Raises:
        NoCurrentKeyError: there is none.
    """
    with read_journal(paths) as journal:
        record = journal.key_in(environment, Slot.CURRENT)
    if record is None:
        raise NoCurrentKeyError(
            f"{environment} has no current key",
            why="The journal knows of none that was stored and proven.",
            advice=f"Set one up, or adopt the one in use: key-wizard --env {environment}",
        )
    return record


async def fetch(record: KeyRecord, store: Store) -> Credentials:
    """Return the credentials of a key.

    Raises:
        NoCurrentKeyError: the keyring does not hold them.
        wizard.custody.errors.CustodyError: the keyring cannot be read.
    """
    found = await read_credentials(store, record)
    if found is None:
        raise NoCurrentKeyError(
            f"The current key of {record.environment} is not in {store.place}",
            why=f"{record.name} was stored in {record.store}; {store.label} holds nothing under {record.item}.",
            advice="Use the login and the place that it was stored with, or rotate the key.",
        )
    return found


def as_variables(credentials: Credentials) -> dict[str, str]:
    """Return credentials as environment variables for one program. Keep the result nowhere else."""
    signing = API_SECRET if credentials.kind is KeyKind.HMAC else PRIVATE_KEY
    return {API_KEY: credentials.api_key.reveal(), signing: credentials.signing.reveal()}
