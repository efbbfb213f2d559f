"""Where a key stands in plain text besides the keyring: told when it is adopted, and again when it is retired."""

from __future__ import annotations

from functools import partial

from wizard.core.credentials import Credentials
from wizard.core.threads import in_abandonable_thread
from wizard.intake.copies import Copies, copies_of
from wizard.rotation.context import Context

DEADLINE = 5.0
"""Seconds: a file on a network disk must not hold up a purge."""
READ_FROM = "key.read-from"
"""The event that names the file from which a key in use was read."""


class Elsewhere:
    """Looks at files and variables of this host; changes none of them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def note(self, path: str) -> None:
        """Remember a file from which a key was read, to look there again when the key is retired."""
        if path and path not in self._noted():
            detail = {"environment": self._context.environment.name, "path": path}
            self._context.journal.record(self._context.rotation, READ_FROM, detail)

    async def copies(self, credentials: Credentials) -> Copies:
        """Return the places that hold the API key or its secret now (see `wizard.intake.copies`)."""
        look = partial(copies_of, credentials, self._context.environ, self._noted())
        try:
            return await in_abandonable_thread(look, DEADLINE)
        except TimeoutError:
            return Copies(unknown=(f"the usual files could not be read within {DEADLINE:.0f} seconds",))

    def _noted(self) -> tuple[str, ...]:
        own = self._context.environment.name
        events = self._context.journal.events(kind=READ_FROM)
        return tuple(str(event.detail["path"]) for event in events if event.detail.get("environment") == own)
