"""The operating system's keyring as a store: opened, or told exactly why not.

Invariant: `open_keyring` returns a store only for a backend on the list of secure ones, and for a Secret
Service only while it is ready. There is no other way in and nothing weaker to fall back to.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from urllib.parse import quote

from platformdirs import PlatformDirs

from wizard.core.secret import Secret
from wizard.core.settings import Place, home
from wizard.core.text import printable
from wizard.custody import keyring_errors
from wizard.custody.backends import FAIL, Judgement, judge
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.keyring_errors import GNOME, Service, collection_name, provider_name, refused_backend
from wizard.custody.keyring_process import DEADLINE, Facts, KeyringProcess
from wizard.custody.keyring_worker.protocol import BUS_VARIABLE, SECRET_SERVICE_BACKENDS, Op, Origin, ServiceState
from wizard.custody.questions import expect_understood, visible
from wizard.custody.records import USER
from wizard.custody.store import PHRASES, turn


class KeyringStore:
    """One pinned backend, called in the worker; CustodyError for one that is not on the list of secure ones."""

    place = PHRASES[Place.KEYRING]
    by_hand = "in the keyring program"
    durable = True
    remark = ""
    doubt = ""

    def __init__(self, backend: str, label: str, process: KeyringProcess) -> None:
        judgement = judge(backend)
        if judgement.refusal:
            raise refused_backend(judgement, Origin.PRIORITY, "")
        self.backend = backend
        self.label = label
        self._process = process

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Take a turn among all of this user's journals and logins (see `Store.turn`)."""
        return turn(_lock(self.backend, self._process.environ), self._process.deadline)

    async def write(self, name: str, value: Secret) -> None:
        """Store `value` (see `Store.write`)."""
        await self._call(Op.WRITE, name, value)

    async def read(self, name: str) -> Secret | None:
        """Return what is stored (see `Store.read`)."""
        found: Secret | None = (await self._call(Op.READ, name))["value"]
        return found

    def read_blocking(self, name: str) -> Secret | None:
        """Do the same as `read`, for a program that has no event loop and need not load one."""
        found: Secret | None = self._process.call_blocking(Op.READ, backend=self.backend, name=name, user=USER)["value"]
        return found

    async def delete(self, name: str) -> None:
        """Delete what is stored (see `Store.delete`)."""
        await self._call(Op.DELETE, name)

    async def names(self, prefix: str) -> tuple[str, ...]:
        """Return what is held (see `Store.names`); nothing where the backend is no Secret Service."""
        if self.backend not in SECRET_SERVICE_BACKENDS:
            return ()
        return tuple(map(str, (await self._call(Op.LIST, prefix))["names"]))

    async def _call(self, operation: Op, name: str, value: Secret | None = None) -> Facts:
        return await self._process.call(operation, value=value, backend=self.backend, name=name, user=USER)


async def open_keyring(*, deadline: float = DEADLINE, environ: Mapping[str, str] = os.environ) -> KeyringStore:
    """Return the store that is the operating system's keyring, or raise CustodyError with the remedy.

    A backend that somebody named and that is refused comes before the state of the Secret Service; that state comes
    before a backend that the library would fall back to only because of it. Each keyring operation, these first ones
    included, has `deadline` seconds.
    """
    process = _worker(environ, deadline)
    service, problem = await _ask_service(process)
    try:
        choice = await process.call(Op.CHOICE)
    except CustodyError as error:
        raise problem or error from None
    judgements, origin = [judge(leaf) for leaf in choice["leaves"]], Origin(choice["origin"])
    pinned = next((judgement for judgement in judgements if not judgement.refusal), None)
    if pinned is None:
        refusal = refused_backend(judgements[0] if judgements else judge(FAIL), origin, choice["place"])
        raise refusal if origin is not Origin.PRIORITY else problem or refusal
    if pinned.backend not in SECRET_SERVICE_BACKENDS:
        label = pinned.reason
    elif problem:
        raise problem
    else:
        bus = unnamed_bus(environ).removeprefix("unix:path=")
        label = f"{provider_name(service.provider)}, collection {collection_name(service.collection)}, unlocked"
        label += f", over the bus at {bus}" if bus else ""
    if choice["fault"]:
        fault = Judgement(pinned.backend, f"It ends with {printable(choice['fault'], 100)}", "unusable")
        raise refused_backend(fault, origin, choice["place"])
    return KeyringStore(pinned.backend, label, process)


def _lock(backend: str, environ: Mapping[str, str]) -> Path:
    """Return the lock of the user's keyring: the same file for all logins and journals, whatever their variables."""
    if sys.platform in {"darwin", "win32"}:
        return PlatformDirs("key-wizard", appauthor=False).user_state_path / f"{backend}.lock"
    return home(environ) / ".local" / "state" / "key-wizard" / f"{backend}.lock"


def start_worker(deadline: float) -> KeyringProcess:
    """Return a worker that was started ahead of its first call: it loads while the caller does something else."""
    process = _worker(os.environ, deadline)
    process.start(Op.READ)
    return process


async def unlock_keyring(
    password: Secret, remedy: Remedy, *, deadline: float = DEADLINE, environ: Mapping[str, str] = os.environ
) -> None:
    """Unlock GNOME Keyring's default collection, or create one (see `open_keyring`). The caller wipes the password.

    CustodyError: it is another one, which locks nothing up; it is none; a part of a new one was lost; or it failed.
    """
    if not visible(password):
        raise CustodyError(
            "The keyring needs a password",
            why=f"With an empty password {GNOME} does not encrypt its file.",
            advice="Type a password. Spaces alone are none.",
            code="wrong-password",
        )
    if remedy is not Remedy.UNLOCK:
        expect_understood(password)
    await _worker(environ, deadline).call(Op.UNLOCK if remedy is Remedy.UNLOCK else Op.CREATE, value=password)


def unnamed_bus(environ: Mapping[str, str]) -> str:
    """Return the address of the user's bus where no address is set and a bus socket exists, as often over SSH."""
    if environ.get(BUS_VARIABLE) or not hasattr(os, "getuid"):
        return ""
    user = os.getuid()
    socket = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{user}", "bus")
    with suppress(OSError):
        found = socket.stat()
        # A socket of somebody else's would be handed the secrets.
        if stat.S_ISSOCK(found.st_mode) and found.st_uid == user:
            return f"unix:path={quote(str(socket), safe='/-_.')}"
    return ""


def _worker(environ: Mapping[str, str], deadline: float) -> KeyringProcess:
    """Return a new worker, which remembers nothing of an earlier answer, on the bus that the login may not name."""
    bus = unnamed_bus(environ)
    return KeyringProcess({**environ, BUS_VARIABLE: bus} if bus else dict(environ), deadline)


async def _ask_service(process: KeyringProcess) -> tuple[Service, CustodyError | None]:
    """Return the Secret Service as it was found, and why it cannot be used; macOS and Windows have none to ask."""
    service = Service(ServiceState.READY)
    if sys.platform in {"darwin", "win32"}:
        return service, None
    try:
        service = keyring_errors.found_service(await process.call(Op.STATE))
    except CustodyError as error:
        return service, error
    return service, None if service.state is ServiceState.READY else keyring_errors.unusable_service(service)
