"""Items of an environment that its journal does not know: left by a journal that is gone, or another one's.

Invariant: nothing here is deleted by itself. An item is deleted on the user's typed word, and never one that the
journal knows.
"""

from __future__ import annotations

from dataclasses import dataclass

from wizard.core.credentials import Credentials, KeyKind, KeyName
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.text import printable
from wizard.custody.errors import ItemUnreadableError, KeptElsewhereError
from wizard.custody.records import created_of, decode_item
from wizard.custody.store import delete_confirmed
from wizard.custody.vault import Vault
from wizard.rotation.steps.credentials import is_placeholder


@dataclass(frozen=True, slots=True)
class UnknownItem:
    """What can be said of an item without showing any of its secrets."""

    item: str
    """Its name in the place of the credentials."""
    name: KeyName | None = None
    """The key's; None where the item cannot be read, or holds no API key: it cannot be adopted then."""
    kind: KeyKind | None = None
    created: str = ""
    """When it was stored, as its writer says; empty where it does not."""

    @property
    def sentence(self) -> str:
        """What it is, for people."""
        stored, item = f", stored {self.created}" if self.created else "", printable(self.item)
        if self.name:
            kind = self.kind.label if self.kind else ""
            return f"{item}: the {kind} key {self.name}{stored}."
        if self.kind:
            return f"{item}: a {self.kind.label} key pair without its API key{stored}."
        return f"{item}: nothing that this wizard can read."


class UnknownItems:
    """The unknown items of one environment."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def look(self) -> tuple[UnknownItem, ...]:
        """Return what is there, as far as the place of the credentials can list what it holds."""
        return tuple([await self._look_at(name) for name in await self._vault.unknown_items()])

    async def credentials(self, name: str) -> Credentials:
        """Return the key that an unknown item holds, to be wiped; a `WizardError` where it holds no whole one."""
        found = decode_item(await self._read(name))
        if not is_placeholder(found.api_key):
            return found
        found.wipe()
        raise WizardError(
            "This item is a key pair without an API key",
            why="It was made or imported for an API key that was never stored.",
            advice="Begin with a new pair. If you created an API key with this one, delete it on Binance.",
            code="strays.no-api-key",
        )

    async def delete(self, name: str) -> None:
        """Delete an unknown item, on the user's typed word only; a `WizardError` where it may still be there."""
        (await self._read(name)).wipe()
        async with self._vault.store.turn():
            await delete_confirmed(self._vault.store, name)

    async def _read(self, name: str) -> Secret:
        found = await self._vault.store.read(name) if name in await self._vault.unknown_items() else None
        if found is None:
            raise WizardError(
                f"There is no unknown stored key {printable(name)}",
                why="It is not there, or the wizard knows it by now.",
                advice="List the unknown stored keys again: key-wizard storage ENV",
                code="strays.no-item",
            )
        return found

    async def _look_at(self, name: str) -> UnknownItem:
        try:
            found = await self._vault.store.read(name)
            credentials = decode_item(found or Secret())
        except (ItemUnreadableError, KeptElsewhereError):
            return UnknownItem(name)
        stored, kind = created_of(found or Secret()), credentials.kind
        key = None if is_placeholder(credentials.api_key) else credentials.name
        credentials.wipe()
        return UnknownItem(name, key, kind, stored)
