"""Write and delete, and believe only what is read back.

Invariant: the outcome is what a fresh read says, not what the operation said. A daemon killed inside
a write was seen to raise with the value stored, and to leave an item with an empty value
(facts/keyring.md section 5).
"""

from __future__ import annotations

from wizard.custody.errors import CustodyError, NotDeleted, OutcomeUnknown, ReadBackDiffers
from wizard.custody.store import Store
from wizard.secret import Secret
from wizard.text import capitalised


async def write(store: Store, service: str, user: str, value: Secret) -> None:
    """Write `value`; return once the store has given the same value back.

    Raises:
        CustodyError: the write failed and nothing is stored.
        ReadBackDiffers: something else is stored.
        OutcomeUnknown: it could not be read back.
    """
    failure: CustodyError | None = None
    try:
        await store.write(service, user, value)
    except CustodyError as error:
        failure = error
    found = await _read_back(store, service, user, failure)
    if found == value:
        return
    if found is None and failure is not None:
        raise failure
    raise ReadBackDiffers(
        f"{capitalised(store.place)} does not give back what was written into it",
        why=f"Under {service} it holds {_in_words(found)}.",
        advice=f"Do not rely on this place ({store.label}) before this is understood. {_read_back_again(store)}",
    )


async def delete(store: Store, service: str, user: str) -> None:
    """Delete; return once the store holds nothing under the name. Nothing stored is deleted already.

    Raises:
        CustodyError: the deletion failed and the value is still there.
        NotDeleted: the store said that it deleted, and the value is still there.
        OutcomeUnknown: it could not be read back.
    """
    failure: CustodyError | None = None
    try:
        await store.delete(service, user)
    except CustodyError as error:
        failure = error
    if await _read_back(store, service, user, failure) is None:
        return
    raise failure or NotDeleted(
        f"{capitalised(store.place)} still holds what was deleted from it",
        why=f"After the deletion there is a value under {service}.",
        advice=f"Delete it {store.by_hand}: another program may have stored one under the same name.",
    )


async def _read_back(store: Store, service: str, user: str, failure: CustodyError | None) -> Secret | None:
    try:
        return await store.read(service, user)
    except CustodyError as error:
        first = f"{failure.what}. " if failure else ""
        unread = error
    unknown = OutcomeUnknown(
        f"It is not known what {store.place} holds under {service}",
        why=f"{first}{unread.what}. {unread.why}",
        advice=f"{unread.advice} {_read_back_again(store)}",
    )
    unknown.state, unknown.remedy = unread.state, unread.remedy
    raise unknown


def _read_back_again(store: Store) -> str:
    return f"Repeat this step once {store.place} works again: doing it twice does no harm."


def _in_words(found: Secret | None) -> str:
    if found is None:
        return "nothing, although it reported success"
    return "another value" if found else "an empty value, as from a write that was cut short"
