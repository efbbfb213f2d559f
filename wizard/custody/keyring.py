"""The operating system's keyring as a store: opened, or told exactly why not.

Invariant: `open_keyring` returns a store only for a backend on the list of secure ones, and for a Secret
Service only while it is ready. There is no other way in and nothing weaker to fall back to.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from wizard.core.secret import Secret
from wizard.core.settings import Place
from wizard.custody.backends import Judgement, Verdict, first_secure, judge, refused_backend, unusable_backend
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.item import USER
from wizard.custody.keyring_process import DEADLINE, Answer, KeyringProcess, service
from wizard.custody.keyring_worker.protocol import BUS_VARIABLE, SECRET_SERVICE_BACKENDS, Op, Origin, State
from wizard.custody.locks import keyring_lock, turn
from wizard.custody.questions import expect_understood, visible
from wizard.custody.secret_service import Service, collection_name, provider_name, unusable_service
from wizard.custody.store import PHRASES

OPERATIONS: Final = {Remedy.UNLOCK: Op.UNLOCK, Remedy.CREATE: Op.CREATE}
"""What a typed password can do about GNOME keyring."""


class KeyringStore:
    """One pinned backend, called in the worker.

    Args:
        backend: The backend's class path. Only one that may hold secrets is accepted.
        label: The place in words.
        process: The worker; it ends with the last store that uses it.

    Raises:
        CustodyError: the backend is not on the list of secure ones.
    """

    place = PHRASES[Place.KEYRING]
    by_hand = "in the keyring's own program"
    durable = True
    remark = ""
    doubt = ""

    def __init__(self, backend: str, label: str, process: KeyringProcess) -> None:
        judgement = judge(backend)
        if not judgement.is_secure:
            raise refused_backend(judgement, Origin.PRIORITY, "")
        self.backend = backend
        self.label = label
        self._process = process

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Take a turn among all of this user's journals and logins (see `Store.turn`)."""
        return turn(keyring_lock(self.backend, self._process.environ), self._process.deadline)

    async def write(self, name: str, value: Secret) -> None:
        """Store `value` (see `Store.write`)."""
        await self._call(Op.WRITE, name, value)

    async def read(self, name: str) -> Secret | None:
        """Return what is stored (see `Store.read`)."""
        return (await self._call(Op.READ, name)).value

    async def delete(self, name: str) -> None:
        """Delete what is stored (see `Store.delete`)."""
        await self._call(Op.DELETE, name)

    async def names(self, prefix: str) -> tuple[str, ...]:
        """Return what is held (see `Store.names`); nothing where the backend is no Secret Service."""
        if self.backend not in SECRET_SERVICE_BACKENDS:
            return ()
        return tuple(map(str, (await self._call(Op.LIST, prefix)).facts["names"]))

    async def _call(self, operation: Op, name: str, value: Secret | None = None) -> Answer:
        return await self._process.call(operation, value=value, backend=self.backend, name=name, user=USER)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the keyring library would use here, and why."""

    origin: Origin
    place: str
    """The variable or the file that names it; empty where the library's own order decides."""
    backends: tuple[Judgement, ...]
    """In order of use; more than one where the library would chain them."""
    fault: str = ""
    """The error with which a named backend does not load here; else empty."""


@dataclass(frozen=True, slots=True)
class KeyringReport:
    """The keyring as it was found."""

    outcome: Judgement | CustodyError
    """The backend that can be used, or why none can."""
    choice: Choice | None
    """What the library would use; None where the question was not answered."""
    service: Service | None
    """The Secret Service; None where it did not answer, and on macOS and Windows, which have none."""
    found_bus: str
    """The bus address that the login was not told about and that is used all the same; else empty."""

    @property
    def problem(self) -> CustodyError | None:
        """Why the keyring cannot be used; None where it can."""
        return self.outcome if isinstance(self.outcome, CustodyError) else None

    @property
    def label(self) -> str:
        """The keyring in words, or what is wrong with it."""
        if isinstance(self.outcome, CustodyError):
            return self.outcome.what
        if self.service is None or self.outcome.backend not in SECRET_SERVICE_BACKENDS:
            return self.outcome.reason
        bus = f", over the bus at {self.found_bus.removeprefix('unix:path=')}" if self.found_bus else ""
        provider, collection = provider_name(self.service.provider), collection_name(self.service.collection)
        return f"{provider}, collection {collection}, unlocked{bus}"


async def open_keyring(*, deadline: float = DEADLINE, environ: Mapping[str, str] = os.environ) -> KeyringStore:
    """Return the store that is the operating system's keyring.

    Args:
        deadline: Seconds for each keyring operation, these first ones included.
        environ: The environment that names the session bus and the keyring.

    Raises:
        CustodyError: there is none that secrets may be trusted to, with the remedy, or the questions were not answered.
    """
    process, found_bus = _worker(environ, deadline)
    report = await _describe(process, found_bus)
    if isinstance(report.outcome, CustodyError):
        raise report.outcome
    return KeyringStore(report.outcome.backend, report.label, process)


async def describe_keyring(*, deadline: float = DEADLINE, environ: Mapping[str, str] = os.environ) -> KeyringReport:
    """Return what is known about the keyring, without writing to it and without a prompt.

    A keyring that cannot be used raises nothing here: it is the report's `problem`.
    """
    return await _describe(*_worker(environ, deadline))


async def unlock_keyring(
    password: Secret, remedy: Remedy, *, deadline: float = DEADLINE, environ: Mapping[str, str] = os.environ
) -> None:
    """Unlock GNOME keyring's default collection, or create one.

    Args:
        password: The collection's; the caller wipes it.
        remedy: One that `OPERATIONS` has.
        deadline: Seconds.
        environ: The environment that names the session bus.

    Raises:
        CustodyError: it is another password; any number of tries lock nothing up. Or it is no password at all, a part
            of a new one was lost on the way, or it failed.
    """
    if not visible(password):
        raise CustodyError(
            "A keyring is not opened with an empty password",
            why="GNOME keyring takes an empty password to mean that the file is not encrypted at all.",
            advice="Choose a password, and type one that can be seen: blanks alone are none.",
            code="wrong-password",
        )
    if remedy is not Remedy.UNLOCK:
        expect_understood(password)
    process, _ = _worker(environ, deadline)
    await process.call(OPERATIONS[remedy], value=password)


def unnamed_bus(environ: Mapping[str, str]) -> str:
    """Return the address of the user's bus where no address is set and a bus socket exists, else nothing.

    Over SSH a user bus often runs at a known place while the variable that names it is unset; the library
    below keyring does not look there.
    """
    if environ.get(BUS_VARIABLE) or not hasattr(os, "getuid"):
        return ""
    user = os.getuid()
    socket = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{user}", "bus")
    try:
        found = socket.stat()
    except OSError:
        return ""
    # A socket of somebody else's would be handed the secrets.
    is_ours = stat.S_ISSOCK(found.st_mode) and found.st_uid == user
    return f"unix:path={quote(str(socket), safe='/-_.')}" if is_ours else ""


def _worker(environ: Mapping[str, str], deadline: float) -> tuple[KeyringProcess, str]:
    """Return a new worker, which remembers nothing of an earlier answer, and the bus that the login did not name."""
    found_bus = unnamed_bus(environ)
    return KeyringProcess({**environ, BUS_VARIABLE: found_bus} if found_bus else dict(environ), deadline), found_bus


async def _describe(process: KeyringProcess, found_bus: str) -> KeyringReport:
    choice, found = await _ask_choice(process), await _ask_service(process)
    return KeyringReport(
        outcome=_outcome(choice, found),
        choice=choice if isinstance(choice, Choice) else None,
        service=found if isinstance(found, Service) else None,
        found_bus=found_bus,
    )


async def _ask_choice(process: KeyringProcess) -> Choice | CustodyError:
    try:
        facts = (await process.call(Op.CHOICE)).facts
    except CustodyError as error:
        return error
    return Choice(Origin(facts["origin"]), facts["place"], tuple(map(judge, facts["leaves"])), facts["fault"])


async def _ask_service(process: KeyringProcess) -> Service | CustodyError | None:
    if sys.platform in {"darwin", "win32"}:
        return None
    try:
        return service((await process.call(Op.STATE)).facts, process.environ.get(BUS_VARIABLE, ""))
    except CustodyError as error:
        return error


def _outcome(choice: Choice | CustodyError, found: Service | CustodyError | None) -> Judgement | CustodyError:
    """Return the backend to use, or what the user should mend first.

    A backend that somebody named and that is refused comes before the state of the Secret Service; that
    state comes before a backend that the library would fall back to only because of it.
    """
    if isinstance(choice, CustodyError):
        return _service_problem(found) or choice
    pinned = first_secure(choice.backends)
    if pinned is None:
        is_named = choice.origin is not Origin.PRIORITY and choice.backends
        problem = None if is_named else _service_problem(found)
        return problem or _refusal(choice)
    if pinned.backend in SECRET_SERVICE_BACKENDS and (problem := _service_problem(found)):
        return problem
    return unusable_backend(pinned, choice.origin, choice.place, choice.fault) if choice.fault else pinned


def _service_problem(found: Service | CustodyError | None) -> CustodyError | None:
    if isinstance(found, Service):
        return None if found.state is State.READY else unusable_service(found)
    return found


def _refusal(choice: Choice) -> CustodyError:
    none_at_all = Judgement("", Verdict.FAIL, "there is none")
    return refused_backend(choice.backends[0] if choice.backends else none_at_all, choice.origin, choice.place)
