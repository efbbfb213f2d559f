"""A private key of the user's own: asked for, opened, and stored before its API key is asked for."""

from __future__ import annotations

from functools import partial

from wizard.core.secret import Secret
from wizard.core.threads import in_abandonable_thread
from wizard.exchange.signing import KeyPair
from wizard.intake.misplaced import looks_like_key
from wizard.intake.pairs import Pair
from wizard.intake.private_keys import ImportedKey, PassphraseNeeded, looks_like_path, open_private_key
from wizard.plain import deadlines
from wizard.plain.answers import Command
from wizard.plain.console import SecretEntryRefused
from wizard.plain.misplaced import take_misplaced
from wizard.plain.stage import Stage

DEADLINE = 20.0
"""Seconds to read the file and to try the passphrase."""
_PROMPT = "Private key, the path of its PEM file or the PEM itself"


async def import_key(stage: Stage, *, about: str) -> KeyPair | Pair | None:
    """Return the pair that is stored now, or None when the user goes back or it could not be stored.

    Where an API key or a secret was given instead, that is returned.
    """
    try:
        key = await _ask(stage, about)
    except SecretEntryRefused as error:
        stage.talk.tell(error)
        return None
    if key is None or isinstance(key, Pair):
        return key
    stage.flow.elsewhere.note(key.path)
    if key.warning:
        stage.talk.say(f"Caution: {key.warning}")
    try:
        return await stage.talk.attempt(
            lambda: _keep(stage, key), f"Storing the private key in {stage.flow.place}", deadlines.MAKE_PAIR
        )
    finally:
        key.pair.private_pem.wipe()


async def _ask(stage: Stage, about: str) -> ImportedKey | Pair | None:
    while True:
        given = await stage.talk.secret(_PROMPT, about=about)
        if isinstance(given, Command):
            return None
        try:
            if found := await _take(stage, given, about):
                return found
        finally:
            given.wipe()


async def _take(stage: Stage, given: Secret, about: str) -> ImportedKey | Pair | None:
    text = given.reveal()
    if "-----" not in text and looks_like_key(text):
        return await take_misplaced(stage.talk, given, about=about)
    return await (_open(stage, text, Secret(), about) if looks_like_path(text) else _open(stage, "", given, about))


async def _open(stage: Stage, path: str, pem: Secret, about: str) -> ImportedKey | None:
    """Open it, asking for the passphrase as often as the user wants to try."""
    passphrase: Secret | Command = Secret()
    while not isinstance(passphrase, Command):
        try:
            work = partial(_tried, path, pem, passphrase)
            answer = await stage.talk.attempt(work, "Reading the private key", DEADLINE)
        finally:
            passphrase.wipe()
        if not isinstance(answer, PassphraseNeeded):
            return answer
        stage.talk.tell(answer)
        passphrase = await stage.talk.secret("Passphrase", about=about)
    return None


async def _tried(path: str, pem: Secret, passphrase: Secret) -> ImportedKey | PassphraseNeeded:
    try:
        return await in_abandonable_thread(partial(open_private_key, path, pem, passphrase), DEADLINE)
    except PassphraseNeeded as error:
        return error


async def _keep(stage: Stage, key: ImportedKey) -> KeyPair:
    await stage.flow.credentials.import_pair(key.pair)
    return key.pair
