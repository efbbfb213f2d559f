"""What is known of a key: in the journal its record, without a secret; in a store its credentials as one line of JSON.

Two items cannot be written atomically, one can; and one line survives stores that keep only the first.
Invariant: decoding either gives complete credentials or raises an error that shows none of the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from wizard.core.credentials import Credentials, KeyKind, KeyName
from wizard.core.secret import Secret
from wizard.core.text import capitalised, printable
from wizard.custody.errors import ItemUnreadableError

SCHEMA: Final = 1
USER: Final = "credentials"
"""The user name of every item; the service tells them apart."""
_FIELDS: Final = frozenset({"schema", "kind", "api_key", "signing", "created", "owner"})


class Slot(StrEnum):
    """The role of stored credentials."""

    DRAFT = "draft"
    """A key pair made here whose API key is not known yet."""
    PENDING = "pending"
    UNUSED = "unused"
    """Entered for the exchange, and another key took its place: it may live there, so its secret is kept to ask."""
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
    """The list that it was proven with, separated by commas; empty where it is not known."""
    proven_from: str = ""
    """The egress address that it was accepted from then; empty where that was not observed."""
    permissions: Mapping[str, bool] | None = field(default=None, hash=False)
    """What the exchange said then that it may do; None where it did not say."""


def encode_item(credentials: Credentials, created: float, owner: str = "") -> Secret:
    """Return the text of an item that a journal `owner` stores at the time `created`, in seconds since 1970."""
    if not credentials.api_key or not credentials.signing:
        raise ValueError("credentials without an API key or a signing secret are not stored")
    api_key, signing = credentials.api_key.reveal(), credentials.signing.reveal()
    fields = {"schema": SCHEMA, "kind": credentials.kind.value, "api_key": api_key, "signing": signing}
    fields |= {"created": datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "owner": owner}
    return Secret(json.dumps(fields, separators=(",", ":")))


def decode_item(item: Secret) -> Credentials:
    """Return the credentials that an item holds, or raise ItemUnreadableError."""
    fields = json_object(item.reveal())
    if problem := _problem(fields) if item else "It is empty, because its value was cut short or deleted":
        raise ItemUnreadableError(
            "The stored item is not a complete set of credentials",
            why=f"{problem}.",
            advice="Enter the credentials again, or create a new key on Binance.",
        )
    return Credentials(KeyKind(fields["kind"]), Secret(fields["api_key"]), Secret(fields["signing"]))


def credentials_of(record: KeyRecord, found: Secret | None, place: str) -> Credentials | None:
    """Return a key's credentials as read at a place, None where there are none, or raise ItemUnreadableError."""
    if found is None:
        return None
    credentials = decode_item(found)
    if credentials.name.fingerprint != record.name.fingerprint:
        raise ItemUnreadableError(
            f"{capitalised(place)} holds another key under the name of {record.name}",
            why=f"Item {record.item} holds {credentials.name}. Somebody moved or renamed items.",
            advice=f"Enter the credentials of {record.name} again.",
        )
    return credentials


def owner_of(item: Secret) -> str:
    """Return which journal stored an item; nothing where it does not say."""
    owner = json_object(item.reveal()).get("owner")
    return owner if isinstance(owner, str) else ""


def created_of(item: Secret) -> str:
    """Return when an item was stored, as its writer says, fit to be shown; nothing where it does not say."""
    created = json_object(item.reveal()).get("created")
    return printable(created, 20) if isinstance(created, str) else ""


def json_object(text: str | bytes) -> dict[str, Any]:
    """Return the fields of a JSON object, or none; the JSON error, which holds the whole text, stays here."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _problem(fields: dict[str, Any]) -> str:
    """Return what is wrong with the fields, without a word of what they say."""
    if not fields:
        return "It is not JSON, or is cut short"
    if type(schema := fields.get("schema")) is not int or schema != SCHEMA:
        return "Another program or a newer Key Wizard wrote it"
    if fields.keys() != _FIELDS:
        return "It lacks fields, or has others"
    values = [fields[name] for name in ("kind", "api_key", "signing", "created")]
    is_text = all(isinstance(value, str) and re.fullmatch("[^\ud800-\udfff]+", value) for value in values)
    if not is_text or not isinstance(fields["owner"], str):
        return "Some of its fields have no readable value"
    return "" if fields["kind"] in set(KeyKind) else "This Key Wizard does not know its kind of key"
