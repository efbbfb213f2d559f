"""A place for secrets: what each can do, a rehearsal's memory, and how nothing is believed that was not read back.

Invariants: a store does one operation and says whether it raised. The outcome is what a fresh read says: a daemon
killed inside a write was seen to raise with the value stored, and to leave an item with an empty value. One process at
a time changes a place: looking whether a name is free, and taking it, is one act. No store has such an act of its own,
and two journals may share one; so there is a lock, which the system takes back when its process ends, however it ends.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final, Protocol

from wizard.core.secret import Secret
from wizard.core.settings import Place
from wizard.core.text import capitalised
from wizard.custody.errors import CustodyError, ItemOccupiedError

if TYPE_CHECKING:
    from filelock import FileLock

PHRASES: Final = {Place.KEYRING: "the keyring", Place.ENCRYPTED_FILE: "the encrypted file", Place.OPENBAO: "OpenBao"}
"""The places of credentials, as phrases within a sentence."""
MEMORY: Final = "this program's memory"
NOT_KNOWN: Final = "the place of the credentials"
"""Before a rehearsal has found out whether it can use the keyring."""
_PAUSE: Final = 0.02
"""Seconds between two looks at a lock that another process holds; a write to a file takes about as long."""
_TIDYING: Final = 1.0
"""Seconds after which a trial that was interrupted leaves its value where it is: it is worth nothing to anybody."""


class Store(Protocol):
    """A place for secrets, each under a name.

    Its methods raise `CustodyError` where they fail, or where it is not known whether they did. What was deleted
    already is no error.
    """

    label: str
    """The place in words: "GNOME Keyring, collection login, unlocked"."""
    backend: str
    """What kind of place it is, for code: the class path of a keyring's backend, or `memory`."""
    place: str
    """The kind of place as a phrase within a sentence: one of `PHRASES`, or `MEMORY`."""
    by_hand: str
    """How somebody changes single items without the steps of a rotation: "in the keyring program"."""
    durable: bool
    """Whether what is stored outlives this program."""
    doubt: str
    """What is not known of what was written, as the end of "does not prove"; nothing where all is known."""

    @property
    def remark(self) -> str:
        """What every screen says about the place; nothing for the operating system's own."""

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Keep other processes from changing the place, or raise CustodyError where one does. It can be cancelled."""

    async def write(self, name: str, value: Secret) -> None:
        """Store `value`, in place of what is there."""

    async def read(self, name: str) -> Secret | None:
        """Return what is stored, or None where nothing is."""

    async def delete(self, name: str) -> None:
        """Delete what is stored."""

    async def names(self, prefix: str) -> tuple[str, ...]:
        """Return the names of the items that begin with `prefix`, in order; none where the place cannot tell."""


class MemoryStore:
    """The memory of this process, for a rehearsal. It holds copies: wiping a value outside leaves them whole."""

    label = f"{MEMORY} only"
    place = MEMORY
    by_hand = "by ending this program"
    backend = "memory"
    durable = False
    remark = "in memory only"
    doubt = "that anything is kept, because it is lost when this program ends"

    def __init__(self) -> None:
        self._items: dict[str, Secret] = {}

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Hold nothing: no other process sees this memory."""
        return nullcontext()

    async def write(self, name: str, value: Secret) -> None:
        """Store `value` (see `Store.write`)."""
        self._items[name] = Secret(value.reveal())

    async def read(self, name: str) -> Secret | None:
        """Return what is stored (see `Store.read`)."""
        found = self._items.get(name)
        return None if found is None else Secret(found.reveal())

    async def delete(self, name: str) -> None:
        """Delete what is stored (see `Store.delete`)."""
        if found := self._items.pop(name, None):
            found.wipe()

    async def names(self, prefix: str) -> tuple[str, ...]:
        """Return what is held (see `Store.names`)."""
        return tuple(sorted(name for name in self._items if name.startswith(prefix)))


@asynccontextmanager
async def turn(file: Path, deadline: float) -> AsyncIterator[None]:
    """Hold the lock `file`, or raise CustodyError after `deadline` seconds. The wait can be cancelled."""
    from wizard.core.threads import in_daemon_thread  # noqa: PLC0415 - `exec` needs no event loop

    lock, given_up = new_lock(file), Event()
    try:
        await in_daemon_thread(lambda: acquire(lock, deadline, given_up))
        yield
    finally:
        given_up.set()
        lock.release()


def new_lock(file: Path) -> FileLock:
    """Return a lock that is not held yet."""
    from filelock import FileLock  # noqa: PLC0415 - reading needs no lock

    return FileLock(file, thread_local=False, mode=0o600)


def acquire(lock: FileLock, deadline: float, given_up: Event) -> None:
    """Wait for the lock, in a thread (see `turn`). Once nobody waits for it any more it is not kept."""
    from filelock import Timeout  # noqa: PLC0415 - see above

    expires = time.monotonic() + deadline
    try:
        Path(lock.lock_file).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        while not given_up.is_set():
            is_late = time.monotonic() >= expires
            with suppress(Timeout):
                lock.acquire(timeout=0)
                if not given_up.is_set():
                    return
                lock.release()
            if is_late:  # a slow disk or a stopped program is no other process: the last look is after the deadline
                break
            given_up.wait(_PAUSE)
    except OSError as error:
        raise CustodyError(
            f"The wizard cannot make the lock {lock.lock_file}",
            why=f"The system answered “{error.strerror or type(error).__name__}”. Without the lock, two programs could"
            " change the stored credentials at once.",
            advice="Make its directory writable for you. Nothing was changed.",
            code="busy",
        ) from None
    raise CustodyError(
        f"Another process has been changing the stored credentials for {deadline:g} s",
        why=f"It holds the lock {lock.lock_file}.",
        advice="Look for another Key Wizard that hangs, and end it. Then try again.",
        code="busy",
    )


async def write_confirmed(store: Store, name: str, value: Secret) -> None:
    """Write `value`; return once the store has given the same value back, or raise CustodyError."""
    failure, found = await _attempt(store, name, store.write(name, value))
    if found == value:
        return
    if failure is not None and (found is None or isinstance(failure, ItemOccupiedError)):
        raise failure
    nothing = "nothing, although the write reported success"
    other = "another value" if found else "an empty value, as after a write that was cut short"
    raise CustodyError(
        f"{capitalised(store.place)} does not give back what the wizard wrote into it",
        why=f"Item {name} holds {nothing if found is None else other}.",
        advice=f"Do not trust {store.label} until you know why. {_again(store)}",
        code="read-back-differs",
    )


async def delete_confirmed(store: Store, name: str) -> None:
    """Delete; return once the store holds nothing under the name, or raise CustodyError."""
    failure, found = await _attempt(store, name, store.delete(name))
    if found is None:
        return
    raise failure or CustodyError(
        f"{capitalised(store.place)} still holds what the wizard deleted",
        why=f"Item {name} still has a value. Another program may have stored it.",
        advice=f"Delete it {store.by_hand}.",
        code="not-deleted",
    )


async def try_out(store: Store, owner: str = "") -> float:
    """Write, compare and delete a random value; return the seconds, or tidy up and raise CustodyError.

    An `owner` tries once at a time: what its trials left that were killed is deleted too.
    """
    import asyncio  # noqa: PLC0415 - `exec` stores nothing, and does without

    started = time.monotonic()
    prefix = f"key-wizard:trial:{owner}"
    name, value = prefix + os.urandom(8).hex(), Secret(os.urandom(128).hex())
    try:
        async with store.turn():  # it too must be possible before anything matters
            await write_confirmed(store, name, value)
            await delete_confirmed(store, name)
    except BaseException:
        with suppress(CustodyError, TimeoutError):
            async with asyncio.timeout(_TIDYING):
                await store.delete(name)
        raise
    with suppress(CustodyError):  # worth nothing to anybody, so it stops nobody
        for left in await store.names(prefix) if owner else ():
            await store.delete(left)
    return time.monotonic() - started


async def _attempt(
    store: Store, name: str, change: Coroutine[Any, Any, None]
) -> tuple[CustodyError | None, Secret | None]:
    """Return how a change failed, if it did, and what is stored after it, which alone counts."""
    failure = None
    try:
        await change
    except CustodyError as error:
        failure = error
    try:
        return failure, await store.read(name)
    except CustodyError as error:
        first = f"{failure.what}. " if failure else ""
        unread = error
    raise CustodyError(
        f"The wizard does not know what {store.place} holds now",
        why=f"{first}It could not read item {name} back. {unread.what}. {unread.why}",
        advice=f"{unread.advice} {_again(store)}",
        code=unread.code,
        remedy=unread.remedy,
    )


def _again(store: Store) -> str:
    return f"When {store.place} works again, repeat this step. Doing it twice does no harm."
