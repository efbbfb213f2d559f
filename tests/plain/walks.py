"""Parts of scripts: the way through each step, as it is usually gone."""

from __future__ import annotations

from tests.plain.script import Line, PlainWorld
from wizard.rehearsal.simulated_page import NewKey

ROTATE: list[Line] = [("Replaces …", "replace")]
EGRESS: list[Line] = [("203.0.113.42", "continue")]
WHITELIST: list[Line] = [("1 address, ready to paste.", "continue")]
TO_CREDENTIALS = [*ROTATE, *EGRESS, *WHITELIST]
PROMOTE: list[Line] = [("The new key works from here", "promote")]
SWAP: list[Line] = [("swap exchanges them", "swap"), ("Type swap", "swap")]
DELETE_AT_PAGE: list[Line] = [
    ("Delete", "desk"),
    ("in use, HMAC", "delete"),
    ("Which key?", "1"),
    ("Delete …", "delete"),
    ("deleted.", "back"),
]
WATCH: list[Line] = [("What next?", "ask")]
PURGE: list[Line] = [("is dead", "delete"), ("Type delete", "delete")]
RETIRE = [*DELETE_AT_PAGE, *WATCH, *PURGE]


def from_page(kind: str) -> list[Line]:
    """Create the key at the desk and take it over."""
    return [("Which kind of key?", kind), ("API key", "desk"), ("The desk", "create")]


def typed(made: NewKey) -> list[Line]:
    """Type an HMAC key."""
    return [("Which kind of key?", "hmac"), ("API key", made.api_key.reveal()), ("Secret", made.secret.reveal())]


async def to_retire(plain: PlainWorld) -> list[Line]:
    """The way from home to the Retire step with a typed key."""
    return [*TO_CREDENTIALS, *typed(await plain.bench.make_key()), *PROMOTE]
