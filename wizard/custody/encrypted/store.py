"""The encrypted file as a store, and how it is opened.

Each operation reads the file anew, so that what another process stored is seen; each change is made under
the file's lock, so that none is lost.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from filelock import FileLock, Timeout

from wizard.custody.encrypted import disk
from wizard.custody.encrypted.envelope import seal, take_apart, unseal
from wizard.custody.encrypted.errors import FileBusy, WrongPassphrase
from wizard.custody.encrypted.key import FileKey, derive, new_key
from wizard.custody.errors import CustodyError
from wizard.secret import Secret

BACKEND: Final = "encrypted-file"
"""What the journal calls this place."""
_Items = dict[str, str]
_PAUSE: Final = 0.02
"""Seconds between two looks at a lock that another process holds; a write takes about as long."""

Result = TypeVar("Result")


async def open_file(file: Path, passphrase: Secret, deadline: float) -> EncryptedFileStore:
    """Open the file, or make an empty one that opens with this passphrase.

    Args:
        file: Its directory must exist.
        passphrase: It is not kept; the caller wipes it.
        deadline: Seconds to wait for another process that writes.

    Raises:
        WrongPassphrase: it does not open the file.
        WeakPassphrase: a new one is too short.
        CustodyError: the file is damaged, exposed, busy or cannot be used.
    """
    key = await _locked(file, deadline, lambda: _open_or_make(file, passphrase))
    return EncryptedFileStore(file, key, deadline)


def exists(file: Path) -> bool:
    """Return whether there is a file to open.

    Raises:
        CustodyError: there is one that is damaged, exposed or cannot be read.
    """
    data = disk.read(file)
    if data is not None:
        take_apart(data)
    return data is not None


class EncryptedFileStore:
    """Secrets in one encrypted file.

    Args:
        file: Where it is.
        key: What opens it.
        deadline: Seconds to wait for another process that writes.
    """

    backend = BACKEND
    durable = True
    remark = "in an encrypted file"

    def __init__(self, file: Path, key: FileKey, deadline: float) -> None:
        self.label = f"the encrypted file {file}"
        self._file = file
        self._key = key
        self._deadline = deadline

    async def write(self, service: str, user: str, value: Secret) -> None:
        """Store `value` (see `Store.write`)."""
        await self._change(lambda items: items.__setitem__(_name(service, user), value.reveal()))

    async def read(self, service: str, user: str) -> Secret | None:
        """Return what is stored (see `Store.read`)."""
        found = (await asyncio.to_thread(_load, self._file, self._key)).get(_name(service, user))
        return None if found is None else Secret(found)

    async def delete(self, service: str, user: str) -> None:
        """Delete what is stored (see `Store.delete`)."""
        await self._change(lambda items: items.pop(_name(service, user), None))

    async def names(self, prefix: str) -> tuple[str, ...]:
        """Return what is held (see `Store.names`)."""
        names = map(json.loads, await asyncio.to_thread(_load, self._file, self._key))
        return tuple(sorted(service for service, _ in names if service.startswith(prefix)))

    async def _change(self, change: Callable[[_Items], object]) -> None:
        def work() -> None:
            items = _load(self._file, self._key)
            before = dict(items)
            change(items)
            if items != before:
                _save(self._file, self._key, items)

        await _locked(self._file, self._deadline, work)


def _open_or_make(file: Path, passphrase: Secret) -> FileKey:
    data = disk.read(file)
    if data is None:
        key = new_key(passphrase)
        _save(file, key, {})
        return key
    envelope = take_apart(data)
    key = derive(passphrase, envelope.salt, envelope.cost)
    unseal(envelope, key)
    return key


def _load(file: Path, key: FileKey) -> _Items:
    data = disk.read(file)
    if data is None:
        raise CustodyError(
            f"The encrypted file {file} is gone",
            why="It was there when this run opened it.",
            advice="Put it back from a backup. Nothing was written in its place.",
        )
    envelope = take_apart(data)
    if (envelope.salt, envelope.cost) != (key.salt, key.cost):
        raise WrongPassphrase(
            "The encrypted file was made anew while it was open here",
            why="Its salt is another one.",
            advice="Close the wizard and start it again.",
        )
    items: _Items = json.loads(unseal(envelope, key))["items"]
    return items


def _save(file: Path, key: FileKey, items: _Items) -> None:
    disk.tidy(file)
    disk.replace(file, seal(json.dumps({"items": items}).encode("ascii"), key))


def _name(service: str, user: str) -> str:
    return json.dumps([service, user])


async def _locked(file: Path, deadline: float, work: Callable[[], Result]) -> Result:
    """Do the work in a thread, under the file's lock, which is waited for where a wait can be cancelled."""
    lock = FileLock(file.with_name(f"{file.name}.lock"), thread_local=False, mode=0o600)
    await _acquire(lock, file, deadline)

    def guarded() -> Result:
        try:
            return work()
        finally:
            lock.release()

    # Shielded, because a thread that has begun to write is not to be cut off from its lock.
    return await asyncio.shield(asyncio.to_thread(guarded))


async def _acquire(lock: FileLock, file: Path, deadline: float) -> None:
    expires = time.monotonic() + deadline
    while True:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if time.monotonic() >= expires:
                break
            await asyncio.sleep(_PAUSE)
        except OSError as error:
            raise disk.unusable(file, error) from None
        else:
            return
    raise FileBusy(
        f"Another process has held the encrypted file for {deadline:g} s",
        why=f"It holds the lock {lock.lock_file}.",
        advice="Look whether another Key Wizard hangs, end it, and try again. The lock goes with its process.",
    )
