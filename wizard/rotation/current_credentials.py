"""For the programs that use a key: the credentials of the `current` slot, from journal and keyring.

Invariant: nothing is written, and no lock is taken, so a bot can start while a wizard is open.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from wizard.core import settings
from wizard.core.credentials import Credentials, KeyName
from wizard.core.errors import WizardError
from wizard.core.settings import Paths, Place, Settings
from wizard.custody.backends import judge
from wizard.custody.errors import CustodyError
from wizard.custody.keyring import KeyringStore, start_worker
from wizard.custody.keyring_worker.protocol import Code
from wizard.custody.records import KeyRecord, Slot, credentials_of
from wizard.rotation.journal import Journal, read_journal

if TYPE_CHECKING:
    from wizard.custody.keyring_process import KeyringProcess
    from wizard.custody.store import Store


LOOK_AGAIN = 1.0
"""Seconds between two looks whether the current key is another one."""
TRY_AGAIN = 10.0
"""Seconds after a read that failed: a locked keyring may stay so for hours."""


class NoCurrentKeyError(WizardError):
    """The environment has no current key, or the keyring does not hold it."""


def current_credentials(environment: str) -> Credentials:
    """Return the credentials in use in `environment`; wipe them when they are no longer needed.

    It blocks for a fraction of a second, also inside of a running event loop: call it at the start.

    Raises:
        wizard.core.errors.UsageError: the settings have no such environment.
        NoCurrentKeyError: no key is in use there.
        wizard.custody.errors.CustodyError: the keyring cannot be used.
        WizardError: the settings or the journal cannot be read.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - `exec` needs none

    # In a thread, because a caller may have an event loop of its own running.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(read_current, environment, open_unasked).result()


def watch_credentials(environment: str, stop_event: Event | None = None) -> Iterator[Credentials]:
    """Yield the credentials in use in `environment` at once, and again each time that others take their place.

    An undone switch is a change too. Between two changes it blocks; `stop_event` ends it. The first read can fail as in
    `current_credentials`. Later ones are tried again until they succeed: until then use the credentials that you have,
    which the exchange accepts until they are deleted there. What is yielded is yours: wipe it when the next one is in
    use, not before. The next read does not need it.
    """
    return watch_current(environment, lambda: current_credentials(environment), stop=stop_event or Event())


async def awatch_credentials(environment: str) -> AsyncIterator[Credentials]:
    """Yield as `watch_credentials` does, while the event loop goes on. Cancel the task to end it."""
    from wizard.core.threads import in_daemon_thread  # noqa: PLC0415 - `exec` needs none

    stop = Event()
    changes = watch_credentials(environment, stop)
    try:
        while True:
            yield await in_daemon_thread(lambda: next(changes))
    finally:
        stop.set()


def watch_current(
    environment: str,
    read: Callable[[], Credentials],
    known: KeyName | None = None,
    *,
    stop: Event,
    on_error: Callable[[WizardError], None] = lambda _: None,
) -> Iterator[Credentials]:
    """Yield what `read` returns each time that the journal names another current key than the one that is `known`.

    The files of the journal are looked at, not waited for: that works on every system and file system, and costs two
    calls. Where the first read fails it raises (see `current_credentials`); later ones are reported to `on_error` and
    tried again.
    """
    paths, seen = settings.paths(), None
    while True:
        wait, stamp = LOOK_AGAIN, _stamp(paths.journal)
        try:
            if known is None or (stamp != seen and current_key(environment, paths).name != known):
                credentials = read()
                known = credentials.name
                yield credentials
            seen = stamp
        except WizardError as error:
            if known is None:
                raise
            on_error(error)
            wait = TRY_AGAIN
        if stop.wait(wait):
            return


def _stamp(journal: Path) -> list[tuple[int, int, int]]:
    """Return what differs when the journal was written to since."""
    found = []
    for file in (journal, journal.with_name(f"{journal.name}-wal")):
        with suppress(OSError):
            state = file.stat()
            found.append((state.st_ino, state.st_mtime_ns, state.st_size))
    return found


def read_current(environment: str, open_place: Callable[[Paths, Settings], Awaitable[Store]]) -> Credentials:
    """Return the credentials in use in `environment`, from the keyring that the journal names or another place.

    A keyring needs no event loop: what it would load takes longer than the whole read. Where it holds nothing, or works
    no longer, `open_place` opens the place that the settings name: what that one says of itself is how things are now.
    See `current_credentials` for what can fail.
    """
    paths, known = settings.read()
    custody, name = known.custody, known.environment(environment).name
    if custody.place is Place.KEYRING:
        with closing(start_worker(custody.deadline)) as worker:  # it loads while the journal is read
            record = current_key(name, paths)
            found = _read_where_stored(record, worker)
        if found is not None:
            return found
    import asyncio  # noqa: PLC0415 - see above

    async def read() -> Credentials:
        return await fetch(current_key(name, paths), await open_place(paths, known))

    return asyncio.run(read())


def open_unasked(paths: Paths, known: Settings) -> Awaitable[Store]:
    """Open the place that the settings name; nobody is asked for a passphrase."""
    from wizard.custody.custodian import Custodian  # noqa: PLC0415 - the keyring needs none of it

    return Custodian(known.custody, paths.encrypted_file, paths.config_file).open()


def current_key(environment: str, paths: Paths) -> KeyRecord:
    """Return what the journal knows of the key in use; a `NoCurrentKeyError` where there is none."""
    with read_journal(paths) as journal:
        return current_key_in(journal, environment)


def current_key_in(journal: Journal, environment: str) -> KeyRecord:
    """Return what a journal that is open knows of the key in use; a `NoCurrentKeyError` where there is none."""
    record = journal.key_in(environment, Slot.CURRENT)
    if record is None:
        why = "None was stored and proven yet."
        advice = f"Create one, or import the one you use: key-wizard --env {environment}"
        raise NoCurrentKeyError(f"{environment} has no current key", why=why, advice=advice)
    return record


def known_keys(environment: str) -> tuple[KeyRecord, ...]:
    """Return the key that was retired last, then those that are kept; a `WizardError` where they cannot be read."""
    with read_journal(settings.paths()) as journal:
        return (*journal.last_retired(environment), *journal.kept_keys(environment))


def _read_where_stored(record: KeyRecord, worker: KeyringProcess) -> Credentials | None:
    """Return the credentials from the backend that the journal names; None where that is not the place to look."""
    if judge(record.backend).refusal:
        return None
    store = KeyringStore(record.backend, record.store, worker)
    try:
        return credentials_of(record, store.read_blocking(record.item), store.place)
    except CustodyError as error:
        if error.code != Code.NO_BACKEND:
            raise
        return None


async def fetch(record: KeyRecord, store: Store) -> Credentials:
    """Return the credentials of a key; a `NoCurrentKeyError` where the store has none, else a `CustodyError`."""
    credentials = credentials_of(record, await store.read(record.item), store.place)
    if credentials is None:
        raise NoCurrentKeyError(
            f"The current key of {record.environment} is not in {store.place}",
            why=f"{record.name} was stored in {record.store}. {store.label} holds nothing under {record.item}.",
            advice="Use the login and the place that stored it, or replace the key.",
        )
    return credentials
