"""Parts of scripts: the way through each step, as it is usually gone."""

from __future__ import annotations

from tests.plain.script import Line, PlainWorld
from wizard.rehearsal.simulated_page import NewKey

ROTATE: list[Line] = [("Replaces …", "replace")]
EGRESS: list[Line] = [("203.0.113.42", "continue")]
WHITELIST: list[Line] = [("1 address, ready", "continue")]
TO_CREDENTIALS = [*ROTATE, *EGRESS, *WHITELIST]
SWITCH: list[Line] = [("key works from here", "1")]
SWAP: list[Line] = [("swap: Exchanges them", "swap"), ("Type swap", "swap")]
DELETE_AT_PAGE: list[Line] = [
    ("", "page"),
    ("legacy, HMAC", "delete"),
    ("Numbers", "1"),
    ("Delete …", "delete"),
    ("is deleted now.", "back"),
]
WATCH: list[Line] = [("What next?", "ask")]
PURGE: list[Line] = [("is dead", "delete"), ("Type delete", "delete")]
RETIRE = [*DELETE_AT_PAGE, *WATCH, *PURGE]


def from_page(kind: str) -> list[Line]:
    """Create the key on the simulated page and store what it shows."""
    return [*of_type(kind), ("What next?", "page"), ("the simulated Binance page", "create"), ("is filled in", "save")]


def of_type(kind: str) -> list[Line]:
    """Choose a type of key."""
    number = str(("ed25519", "hmac", "rsa", "import").index(kind) + 1)
    return [("Create the key on Binance", "type"), ("Ed25519", "use"), ("Its number", number)]


def typed(made: NewKey) -> list[Line]:
    """Type an HMAC key."""
    return [*of_type("hmac"), ("What next?", "save"), *entered(made)]


def entered(made: NewKey) -> list[Line]:
    """Type API key and secret."""
    return [("API key", made.api_key.reveal()), ("Secret", made.secret.reveal())]


async def to_retire(plain: PlainWorld) -> list[Line]:
    """The way from home to the Retire step with a typed key."""
    return [*TO_CREDENTIALS, *typed(await plain.bench.make_key()), *SWITCH]
