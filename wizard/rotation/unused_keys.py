"""Keys that were entered and are not in use: which of them may live on the exchange, and which may be asked about.

What is pasted as an API key may be a mistyped one, or a secret. A mistyped one does not live. A secret must not be sent
again and again, as each call shows it to the exchange. What is known comes from the answers that are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from wizard.core.credentials import KeyKind
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.exchange.diagnosis import MALFORMED_KEY, REFUSED_KEY, WRONG_SIGNATURE
from wizard.rotation.journal import Journal
from wizard.rotation.model import RotationRecord

ACCEPTED, ANSWERED, POLLED, SETTLED = "key.accepted", "key.answered", "unused.polled", "unused.settled"
"""The events that say what the exchange answered to a key, and what became of one."""
UNKNOWN = "the exchange does not know it"
"""Why the secret of an entered key is deleted without a question."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the exchange said to a key."""

    accepted: bool
    code: int | None
    is_on_sapi: bool
    address: str
    """The egress address then; empty where it was not observed."""
    site: str
    """Which exchange it was; empty where an older version wrote it."""


def answers(journal: Journal, fingerprint: str, rotation: RotationRecord | None = None) -> tuple[Answer, ...]:
    """Return what was said to a key in a rotation or in all, but not in the polls of a legacy key and its control."""
    found = []
    events = (journal.events(rotation, kind, about=fingerprint) for kind in (ACCEPTED, ANSWERED, POLLED))
    for event in sorted(chain.from_iterable(events), key=attrgetter("number")):
        said = event.detail
        code, is_on_sapi = said.get("code", said.get("legacy_code")), bool(said.get("is_on_sapi"))
        accepted = bool(said.get("accepted", said.get("legacy_accepted", event.kind == ACCEPTED)))
        address = str(said.get("address", said.get("from_address", "")))
        known = code if isinstance(code, int) else None
        found.append(Answer(accepted, known, is_on_sapi, address, str(said.get("site", ""))))
    return tuple(found)


def is_known(said: Sequence[Answer]) -> bool:
    """Whether the exchange knew the key: `/sapi` is reported to have another code for those that it does not know."""
    return any(
        one.accepted or one.code == WRONG_SIGNATURE or (one.code == REFUSED_KEY and one.is_on_sapi) for one in said
    )


def is_no_key(said: Sequence[Answer]) -> bool:
    """Whether it has not the form of an API key, as the exchange says: it was mistyped.

    A key that the exchange does not know may have been made just now. A secret in its place means a key that lives.
    """
    return bool(said) and not is_known(said) and said[-1].code == MALFORMED_KEY


def may_be_secret(kind: KeyKind, said: Sequence[Answer]) -> bool:
    """Whether it may be a secret that was pasted as an API key: the exchange never knew it, and refused it."""
    return kind is KeyKind.HMAC and not is_known(said) and any(one.code is not None for one in said)


def best_of_each(journal: Journal, keys: Iterable[KeyRecord]) -> dict[str, KeyRecord]:
    """Return of each API key, by fingerprint, the newest whose very secret was accepted, else the newest.

    Another secret may have been entered for an API key that worked.
    """

    def has_worked(key: KeyRecord) -> bool:
        said = [event.detail for event in journal.events(kind=ANSWERED, about=key.name.fingerprint)]
        return key.proven_at is not None or any(each["accepted"] and each.get("item") == key.item for each in said)

    return {key.name.fingerprint: key for key in sorted(keys, key=has_worked)}


def to_set_aside(journal: Journal, environment: str, item: str = "", *, is_import: bool) -> list[str]:
    """Return the items of stored keys that may live on the exchange unused, when `item` is the key in use, or none is.

    One of each API key. An import enters keys that other programs use: those are not named as forgotten, as nobody made
    them for the wizard.
    """
    slots = (Slot.UNUSED,) if is_import else (Slot.UNUSED, Slot.PENDING)
    keys = [key for key in journal.kept_keys(environment) if key.holding is Holding.STORED]
    used = {key.name.fingerprint for key in keys if key.slot in (Slot.CURRENT, Slot.LEGACY) or key.item == item}
    idle = [key for key in keys if key.slot in slots and key.name.last_four and key.name.fingerprint not in used]
    found = best_of_each(journal, idle).items()
    return [key.item for fingerprint, key in found if not is_no_key(answers(journal, fingerprint))]
