"""Where secrets are kept: one interface, the operating system's keyring and the memory of a rehearsal.

Invariant: a store does one operation and says whether it raised; whether a value is really there is
for `wizard.custody.confirmed` to find out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol

from wizard.custody.backends import judge
from wizard.custody.child import DEADLINE, Answer, Child
from wizard.custody.explain import failure
from wizard.custody.places import MEMORY, PHRASES
from wizard.custody.remedies import refused_backend
from wizard.custody.turn import keyring_lock, turn
from wizard.custody.worker.protocol import SECRET_SERVICE_BACKENDS, Code, Op, Origin
from wizard.secret import Secret
from wizard.settings import Place


class Store(Protocol):
    """A place for secrets, each under the name of a service and a user."""

    @property
    def label(self) -> str:
        """The place in words: "GNOME keyring, collection login, unlocked"."""
        ...

    @property
    def backend(self) -> str:
        """What kind of place it is, for code: the class path of a keyring's backend, or `memory`."""
        ...

    @property
    def place(self) -> str:
        """The kind of place as a phrase within a sentence, one of `wizard.custody.places`."""
        ...

    @property
    def by_hand(self) -> str:
        """How somebody changes single items without the steps of a rotation: "in the keyring's own program"."""
        ...

    @property
    def durable(self) -> bool:
        """Whether what is stored outlives this program."""
        ...

    @property
    def remark(self) -> str:
        """What every screen says about the place; nothing for the operating system's own."""
        ...

    @property
    def doubt(self) -> str:
        """What is not known of what was written, as the end of "does not prove"; nothing where all is known."""
        ...

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Return what to enter so that no other process that asks for its turn changes anything meanwhile.

        Entering it raises `PlaceBusy` where another one takes too long.
        """
        ...

    async def write(self, service: str, user: str, value: Secret) -> None:
        """Store `value`, in place of what is there.

        Raises:
            CustodyError: it failed, or it is not known whether it did.
        """
        ...

    async def read(self, service: str, user: str) -> Secret | None:
        """Return what is stored, or None where nothing is.

        Raises:
            CustodyError: it cannot be read.
        """
        ...

    async def delete(self, service: str, user: str) -> None:
        """Delete what is stored; nothing stored is no error.

        Raises:
            CustodyError: it failed, or it is not known whether it did.
        """
        ...

    async def names(self, prefix: str) -> tuple[str, ...]:
        """Return the services of the items that begin with `prefix`, in order; none where the place cannot tell.

        Raises:
            CustodyError: it cannot be asked.
        """
        ...


class KeyringStore:
    """The operating system's keyring: one pinned backend, called in a child process.

    Args:
        backend: The backend's class path. Only one that may hold secrets is accepted.
        label: The place in words.
        deadline: Seconds for each operation.
        environ: The child's environment.

    Raises:
        KeyringUnusable: the backend is not on the list of secure ones.
    """

    place = PHRASES[Place.KEYRING]
    by_hand = "in the keyring's own program"
    durable = True
    remark = ""
    doubt = ""

    def __init__(
        self, backend: str, label: str, *, deadline: float = DEADLINE, environ: Mapping[str, str] = os.environ
    ) -> None:
        judgement = judge(backend)
        if not judgement.is_secure:
            raise refused_backend(judgement, Origin.PRIORITY, "")
        self.backend = backend
        self.label = label
        self._child = Child(environ, deadline)
        self._lock = keyring_lock(backend, environ)
        self._deadline = deadline

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Take a turn among all of this user's journals and logins (see `Store.turn`)."""
        return turn(self._lock, self._deadline)

    async def write(self, service: str, user: str, value: Secret) -> None:
        """Store `value` (see `Store.write`)."""
        await self._call(Op.WRITE, service, user, value)

    async def read(self, service: str, user: str) -> Secret | None:
        """Return what is stored (see `Store.read`)."""
        return (await self._call(Op.READ, service, user)).value

    async def delete(self, service: str, user: str) -> None:
        """Delete what is stored (see `Store.delete`)."""
        await self._call(Op.DELETE, service, user)

    async def names(self, prefix: str) -> tuple[str, ...]:
        """Return what is held (see `Store.names`); nothing where the backend is no Secret Service."""
        if self.backend not in SECRET_SERVICE_BACKENDS:
            return ()
        answer = await self._call(Op.LIST, prefix, "")
        return tuple(map(str, answer.facts["services"]))

    async def _call(self, operation: Op, service: str, user: str, value: Secret | None = None) -> Answer:
        answer = await self._child.call(operation, value=value, backend=self.backend, service=service, user=user)
        if answer.code != Code.OK:
            raise failure(operation, answer)
        return answer


class MemoryStore:
    """The memory of this process, for a rehearsal. It holds copies: wiping a value outside leaves them whole."""

    label = f"{MEMORY} only"
    place = MEMORY
    by_hand = "by ending this program"
    backend = "memory"
    durable = False
    remark = "in memory only"
    doubt = "that anything is kept: it is lost when this program ends"

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], Secret] = {}

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Return at once: no other process sees this memory."""
        return nullcontext()

    async def write(self, service: str, user: str, value: Secret) -> None:
        """Store `value` (see `Store.write`)."""
        self._items[service, user] = Secret(value.reveal())

    async def read(self, service: str, user: str) -> Secret | None:
        """Return what is stored (see `Store.read`)."""
        found = self._items.get((service, user))
        return None if found is None else Secret(found.reveal())

    async def delete(self, service: str, user: str) -> None:
        """Delete what is stored (see `Store.delete`)."""
        if found := self._items.pop((service, user), None):
            found.wipe()

    async def names(self, prefix: str) -> tuple[str, ...]:
        """Return what is held (see `Store.names`)."""
        return tuple(sorted(service for service, _ in self._items if service.startswith(prefix)))
