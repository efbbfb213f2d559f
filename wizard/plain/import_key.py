"""A private key of the user's own: asked for, opened, and put into the keyring before its API key is asked for."""

from __future__ import annotations

from functools import partial

from wizard.exchange.keys import KeyPair
from wizard.intake.aside import aside
from wizard.intake.private_keys import ImportedKey, PassphraseNeeded, looks_like_path, open_private_key
from wizard.plain import deadlines
from wizard.plain.answers import Command
from wizard.plain.console import SecretEntryRefused
from wizard.plain.stage import Stage
from wizard.secret import Secret

DEADLINE = 20.0
"""Seconds to read the file and to try the passphrase."""
_PROMPT = "Private key, the path of its PEM file or the PEM itself"


async def import_key(stage: Stage, *, about: str) -> KeyPair | None:
    """Return the pair that is in the keyring now, or None when the user goes back or it could not be stored."""
    try:
        key = await _ask(stage, about)
    except SecretEntryRefused as error:
        stage.talk.tell(error)
        return None
    if key is None:
        return None
    if key.warning:
        stage.talk.say(f"Caution: {key.warning}")
    stored = await stage.talk.attempt(
        lambda: _keep(stage, key.pair), "Storing the private key in the keyring", deadlines.MAKE_PAIR
    )
    key.pair.private_pem.wipe()
    return stored


async def _ask(stage: Stage, about: str) -> ImportedKey | None:
    while True:
        given = await stage.talk.secret(_PROMPT, about=about)
        if isinstance(given, Command):
            return None
        try:
            if key := await _open(stage, given, about):
                return key
        finally:
            given.wipe()


async def _open(stage: Stage, given: Secret, about: str) -> ImportedKey | None:
    """Open it, asking for the passphrase as often as the user wants to try."""
    is_path = looks_like_path(given.reveal())
    path, pem = (given.reveal(), Secret()) if is_path else ("", given)
    passphrase = Secret()
    while True:
        work = partial(_tried, path, pem, passphrase)
        answer = await stage.talk.attempt(work, "Reading the private key", DEADLINE)
        if not isinstance(answer, PassphraseNeeded):
            return answer
        stage.talk.tell(answer)
        asked = await stage.talk.secret("Passphrase", about=about)
        if isinstance(asked, Command):
            return None
        passphrase = asked


async def _tried(path: str, pem: Secret, passphrase: Secret) -> ImportedKey | PassphraseNeeded:
    try:
        return await aside(partial(open_private_key, path, pem, passphrase), DEADLINE)
    except PassphraseNeeded as error:
        return error


async def _keep(stage: Stage, pair: KeyPair) -> KeyPair:
    await stage.flow.credentials.import_pair(pair)
    return pair
