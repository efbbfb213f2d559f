"""What a journal knows of the keys of an environment. No secret, no whole API key."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from wizard.core.credentials import KeyKind, KeyName


class Slot(StrEnum):
    """The role of stored credentials."""

    DRAFT = "draft"
    """A key pair made here whose API key is not known yet."""
    PENDING = "pending"
    CURRENT = "current"
    LEGACY = "legacy"
    RETIRED = "retired"
    DISCARDED = "discarded"
    """Purged without ever having been in use: a draft that was completed, a key that was entered again."""


class Holding(StrEnum):
    """What the journal knows of an item. Announced first, confirmed after."""

    ANNOUNCED = "announced"
    STORED = "stored"
    PURGING = "purging"
    PURGED = "purged"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What the journal knows of one key."""

    environment: str
    name: KeyName
    kind: KeyKind
    slot: Slot
    holding: Holding
    item: str
    """The name of its item."""
    store: str
    """Where the item lies, in words."""
    backend: str
    """The same for code: an item is looked for only where it was put."""
    stored_at: float
    version: int = 1
    """Counts up when an API key is stored again with another secret: one item per version."""
    proven_at: float | None = None
    """When it was last accepted by the exchange."""
    whitelist: str = ""
    """The list it was created with, separated by commas."""


class KeyJournal(Protocol):
    """Where each change of an item is announced and confirmed; each method that writes is durable when it returns."""

    @property
    def id(self) -> str:
        """Tells this journal's items from another journal's."""
        ...

    def keys(self, environment: str) -> tuple[KeyRecord, ...]:
        """Return all keys of an environment."""
        ...

    def announce_key(self, record: KeyRecord) -> None:
        """Note that an item is about to be written."""
        ...

    def confirm_key(self, record: KeyRecord) -> None:
        """Note that the item was read back."""
        ...

    def forget_key(self, record: KeyRecord, reason: str) -> None:
        """Strike off a key that was announced and did not come to be stored."""
        ...

    def announce_purge(self, record: KeyRecord, reason: str) -> None:
        """Note that an item is about to be deleted."""
        ...

    def confirm_purge(self, record: KeyRecord) -> None:
        """Note that the item was read back as gone."""
        ...
