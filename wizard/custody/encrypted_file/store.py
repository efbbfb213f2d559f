"""The encrypted file as a store, and how it is opened.

Each operation reads the file anew, so that what another process stored is seen; each change is made under
the file's lock, so that none is lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

from wizard.core.secret import Secret
from wizard.core.settings import Place
from wizard.custody.encrypted_file import disk
from wizard.custody.encrypted_file.disk import locked, patiently
from wizard.custody.encrypted_file.envelope import seal, take_apart, unseal
from wizard.custody.encrypted_file.key import FileKey, derive, new_key
from wizard.custody.errors import CustodyError
from wizard.custody.item import USER
from wizard.custody.locks import turn
from wizard.custody.store import PHRASES

BACKEND: Final = "encrypted-file"
"""What the journal calls this place."""
_Items = dict[str, str]
DOUBT: Final = "that the encrypted file survives a power cut: the system did not confirm that it is on the disk"


async def open_file(file: Path, passphrase: Secret, deadline: float) -> EncryptedFileStore:
    """Open the file.

    Args:
        file: The encrypted file.
        passphrase: It is not kept; the caller wipes it.
        deadline: Seconds to wait for another process that writes, and for the disk.

    Raises:
        CustodyError: it does not open the file, there is no file (none is made), or it is damaged, exposed, busy or
            cannot be used.
    """
    key = await locked(file, deadline, lambda: _key_of(file, passphrase))
    return EncryptedFileStore(file, key, deadline)


async def make_file(file: Path, passphrase: Secret, deadline: float) -> EncryptedFileStore:
    """Make an empty file that opens with this passphrase. See `open_file`; its directory must exist.

    Raises:
        CustodyError: the passphrase is weak, there is a file already (it is left alone), or it cannot be made.
    """

    def make() -> tuple[FileKey, bool]:
        if disk.read(file) is not None:
            raise CustodyError(
                f"There is an encrypted file {file} already",
                why="It was made, or put back, in the meantime.",
                advice="It was left alone. Go back and open it with its own passphrase.",
                code="file-there",
            )
        key = new_key(passphrase)
        return key, _save(file, key, {})

    return _store(file, deadline, *await locked(file, deadline, make))


async def change_passphrase(file: Path, old: Secret, new: Secret, deadline: float) -> EncryptedFileStore:
    """Have the file open with another passphrase from now on; what it holds stays.

    The file is replaced whole: whatever ends this process, it opens with the old one or with the new one. Copies
    of the file from before, as in backups, open with the old one for ever.

    Args:
        file: The encrypted file.
        old: The passphrase so far.
        new: The one to come. The caller wipes both.
        deadline: Seconds to wait for another process that writes, and for the disk.

    Raises:
        CustodyError: the old one does not open the file, the new one is weak, or the file is gone, damaged, exposed,
            busy or cannot be used. The old one still opens it.
    """

    def change() -> tuple[FileKey, bool]:
        items = _load(file, _key_of(file, old))
        key = new_key(new)
        return key, _save(file, key, items)

    return _store(file, deadline, *await locked(file, deadline, change))


async def exists(file: Path, deadline: float) -> bool:
    """Return whether there is a file to open.

    Raises:
        CustodyError: there is one that is damaged, exposed or cannot be read.
    """

    def look() -> bool:
        data = disk.read(file)
        if data is not None:
            take_apart(data)
        return data is not None

    return await patiently(file, deadline, look)


class EncryptedFileStore:
    """Secrets in one encrypted file.

    Args:
        file: Where it is.
        key: What opens it.
        deadline: Seconds to wait for another process that writes, and for the disk.
    """

    place = PHRASES[Place.ENCRYPTED_FILE]
    by_hand = "with `key-wizard strays`"
    backend = BACKEND
    durable = True
    doubt = ""

    def __init__(self, file: Path, key: FileKey, deadline: float) -> None:
        self.label = f"{self.place} {file}"
        self._file = file
        self._key = key
        self._deadline = deadline

    def go_on_as(self, changed: EncryptedFileStore) -> None:
        """Open the file as `changed` does from now on: its passphrase was changed in this very run."""
        self._key, self.doubt = changed._key, changed.doubt

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
        return await patiently(self._file, self._deadline, lambda: _load(self._file, self._key))

    async def _change(self, change: Callable[[_Items], object]) -> None:
        def work() -> bool:
            items = _load(self._file, self._key)
            before = dict(items)
            change(items)
            return items == before or _save(self._file, self._key, items)

        if not await locked(self._file, self._deadline, work):
            self.doubt = DOUBT


def _store(file: Path, deadline: float, key: FileKey, is_flushed: bool) -> EncryptedFileStore:
    store = EncryptedFileStore(file, key, deadline)
    store.doubt = "" if is_flushed else DOUBT
    return store


def _key_of(file: Path, passphrase: Secret) -> FileKey:
    envelope = take_apart(_existing(file))
    key = derive(passphrase, envelope.salt, envelope.cost)
    unseal(envelope, key)
    return key


def _load(file: Path, key: FileKey) -> _Items:
    envelope = take_apart(_existing(file))
    if (envelope.salt, envelope.cost) != (key.salt, key.cost):
        raise CustodyError(
            "The encrypted file got another passphrase, or was made anew, while it was open here",
            why="Its salt is another one.",
            advice="Close the wizard and start it again.",
            code="wrong-passphrase",
        )
    items: _Items = json.loads(unseal(envelope, key))["items"]
    return items


def _existing(file: Path) -> bytes:
    data = disk.read(file)
    if data is None:
        raise CustodyError(
            f"The encrypted file {file} is gone",
            why="It was there a moment ago.",
            advice="Put it back from a backup. Nothing was written in its place.",
            code="file-gone",
        )
    return data


def _save(file: Path, key: FileKey, items: _Items) -> bool:
    """Replace the file; return whether it is known to survive a power cut."""
    return disk.replace(file, seal(json.dumps({"items": items}).encode("ascii"), key))


def _key(name: str) -> str:
    return json.dumps([name, USER])
