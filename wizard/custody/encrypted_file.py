"""The encrypted file as a store: opened with its passphrase, read whole, replaced whole, seen by its owner only.

Each operation reads the file anew, so that what another process stored is seen; each change is made under the file's
lock, so that none is lost. A disk that answers no more blocks a thread for ever: it is given up at the deadline, and
does not keep the program from ending. Being cut off there is harmless: the lock goes with the process.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from threading import Event
from typing import Final, TypeVar

from wizard.core import files
from wizard.core.secret import Secret
from wizard.core.settings import OTHERS, Place
from wizard.core.threads import in_daemon_thread
from wizard.custody.encryption import FileKey, derive, new_key, seal, take_apart, unseal
from wizard.custody.errors import CustodyError
from wizard.custody.records import USER
from wizard.custody.store import PHRASES, acquire, new_lock, turn

Result = TypeVar("Result")

BACKEND: Final = "encrypted-file"
"""What the journal calls this place."""
_Items = dict[str, str]
DOUBT: Final = "that the encrypted file survives a power cut, because the system did not confirm the write"


async def open_file(file: Path, passphrase: Secret, deadline: float) -> EncryptedFileStore:
    """Open the file, within `deadline` seconds for another process that writes, and for the disk.

    The caller wipes the passphrase. CustodyError is raised where it does not open the file, where there is none, or
    where the file is damaged, exposed, busy or unusable.
    """
    key = await _locked(file, deadline, lambda: _key_of(file, passphrase))
    return EncryptedFileStore(file, key, deadline)


async def make_file(file: Path, passphrase: Secret, deadline: float) -> EncryptedFileStore:
    """Make an empty file that opens with this passphrase. See `open_file`; a file that is there is left alone."""

    def make() -> EncryptedFileStore:
        if read_file(file) is not None:
            raise CustodyError(
                f"There is an encrypted file {file} already",
                why="Somebody made it, or put it back, in the meantime.",
                advice="Nothing was changed. Go back and open it with its passphrase.",
                code="file-there",
            )
        store = EncryptedFileStore(file, new_key(passphrase), deadline)
        store.save({})
        return store

    return await _locked(file, deadline, make)


async def change_passphrase(file: Path, old: Secret, new: Secret, deadline: float) -> EncryptedFileStore:
    """Have the file open with another passphrase from now on; what it holds stays.

    The file is replaced whole: whatever ends this process, it opens with the old one or with the new one. Raises as
    `open_file`, and where the new one is weak; then the old one still opens the file.
    """

    def change() -> EncryptedFileStore:
        items = _load(file, _key_of(file, old))
        store = EncryptedFileStore(file, new_key(new), deadline)
        store.save(items)
        return store

    return await _locked(file, deadline, change)


async def exists(file: Path, deadline: float) -> bool:
    """Return whether there is a file to open, or raise CustodyError: it is damaged, exposed or cannot be read."""

    data = await _patiently(file, deadline, lambda: read_file(file))
    return data is not None and bool(take_apart(data))


class EncryptedFileStore:
    """Secrets in one encrypted file; see `open_file` for the arguments."""

    place = PHRASES[Place.ENCRYPTED_FILE]
    by_hand = "with `key-wizard storage`"
    backend = BACKEND
    durable = True
    doubt = ""

    def __init__(self, file: Path, key: FileKey, deadline: float) -> None:
        self.label = f"{self.place} {file}"
        self._file = file
        self._key = key
        self._deadline = deadline

    @property
    def remark(self) -> str:
        """What every screen says about the place."""
        return "in an encrypted file" + (", not known to survive a power cut" if self.doubt else "")

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Take a turn among all who use this file (see `Store.turn`); each single change has its own lock besides."""
        return turn(self._file.with_name(f"{self._file.name}.turn"), self._deadline)

    async def write(self, name: str, value: Secret) -> None:
        """Store `value` (see `Store.write`)."""
        await self._change(lambda items: items.__setitem__(_key(name), value.reveal()))

    async def read(self, name: str) -> Secret | None:
        """Return what is stored (see `Store.read`)."""
        found = (await self._read()).get(_key(name))
        return None if found is None else Secret(found)

    async def delete(self, name: str) -> None:
        """Delete what is stored (see `Store.delete`)."""
        await self._change(lambda items: items.pop(_key(name), None))

    async def names(self, prefix: str) -> tuple[str, ...]:
        """Return what is held (see `Store.names`)."""
        keys = map(json.loads, await self._read())
        return tuple(sorted(name for name, _ in keys if name.startswith(prefix)))

    async def _read(self) -> _Items:
        return await _patiently(self._file, self._deadline, lambda: _load(self._file, self._key))

    async def _change(self, change: Callable[[_Items], object]) -> None:
        def work() -> None:
            items = _load(self._file, self._key)
            before = dict(items)
            change(items)
            if items != before:
                self.save(items)

        await _locked(self._file, self._deadline, work)

    def save(self, items: _Items) -> None:
        """Replace the file. It blocks: call it in a thread that holds the file's lock."""
        data = seal(json.dumps({"items": items}).encode("ascii"), self._key)
        try:
            files.tidy(self._file)  # what killed writers left
            is_flushed = files.replace(self._file, data)
        except OSError as error:
            raise _unusable(self._file, error) from None
        if not is_flushed:
            self.doubt = DOUBT


def _key_of(file: Path, passphrase: Secret) -> FileKey:
    envelope = take_apart(_existing(file))
    key = derive(passphrase, envelope.salt)
    unseal(envelope, key)
    return key


def _load(file: Path, key: FileKey) -> _Items:
    envelope = take_apart(_existing(file))
    if envelope.salt != key.salt:
        raise CustodyError(
            "The passphrase of the encrypted file changed while the file was open here",
            why="Its salt is another one, so somebody changed the passphrase or made a new file.",
            advice="Close the wizard and start it again.",
            code="wrong-passphrase",
        )
    items: _Items = json.loads(unseal(envelope, key))["items"]
    return items


def _existing(file: Path) -> bytes:
    data = read_file(file)
    if data is None:
        raise CustodyError(
            f"The encrypted file {file} is missing",
            why="It was there a moment ago.",
            advice="Put it back from a backup. Nothing was written in its place.",
            code="file-gone",
        )
    return data


def _key(name: str) -> str:
    return json.dumps([name, USER])


def read_file(file: Path) -> bytes | None:
    """Return the file's bytes, None where there is none, or raise CustodyError: it is no plain file of ours alone."""
    try:
        handle = os.open(file, os.O_RDONLY | files.NO_WAIT | files.NO_FOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _exposed(file, "is a symbolic link", "Put the file itself in its place.") from None
        raise _unusable(file, error) from None
    try:
        _expect_private(file, os.fstat(handle))
        with os.fdopen(handle, "rb", closefd=False) as source:
            return source.read()
    except OSError as error:
        raise _unusable(file, error) from None
    finally:
        os.close(handle)


def _unusable(file: Path, error: OSError) -> CustodyError:
    return CustodyError(
        f"The wizard cannot use the encrypted file {file}",
        why=f"The system answered “{error.strerror or type(error).__name__}”.",
        advice="Make room, or make the directory writable for you. Then try again. Nothing was changed.",
        code="file-unusable",
    )


async def _locked(file: Path, deadline: float, work: Callable[[], Result]) -> Result:
    """Do the work under the file's lock. A wait for the lock can be cancelled; work that has begun is done."""
    given_up = Event()

    def work_under_lock() -> Result:
        lock = new_lock(file.with_name(f"{file.name}.lock"))
        acquire(lock, deadline, given_up)
        try:
            return work()
        finally:
            lock.release()

    try:
        return await _patiently(file, 2 * deadline, work_under_lock)
    finally:
        given_up.set()


async def _patiently(file: Path, deadline: float, work: Callable[[], Result]) -> Result:
    try:
        return await in_daemon_thread(work, deadline)
    except TimeoutError:
        raise CustodyError(
            f"The encrypted file {file} did not answer within {deadline:g} s",
            why="Its disk or network file system hangs.",
            advice="Check the disk, then repeat this step. Only what was read back counts as done.",
            code="file-unusable",
        ) from None


def _expect_private(file: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _exposed(file, "is not a plain file", "Put the file itself in its place.")
    if sys.platform == "win32":  # the mode says nothing there: rights come from the profile directory
        return
    if found.st_uid != os.getuid():
        raise _exposed(file, "belongs to another user", "Run the wizard as the user who stored the credentials.")
    if found.st_mode & OTHERS:
        raise _exposed(file, "is open to other users", f"Close it to them with `chmod 600 {file}`.")


def _exposed(file: Path, what: str, advice: str) -> CustodyError:
    why = "The wizard uses only a plain file of yours that nobody else can reach."
    return CustodyError(f"The encrypted file {file} {what}", why=why, advice=advice, code="file-exposed")
