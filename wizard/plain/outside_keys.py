"""A key that exists already: read from where it is in use, or a private key of the user's own."""

from __future__ import annotations

from functools import partial

from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.threads import in_daemon_thread
from wizard.exchange.signing import KeyPair
from wizard.intake.paste import Pair
from wizard.intake.private_keys import NEEDS_PASSPHRASE, ImportedKey, open_private_key
from wizard.intake.sources import ENVIRONMENT, candidates
from wizard.plain.stage import Stage
from wizard.plain.talk import Command
from wizard.steps import deadlines
from wizard.steps.credentials import read_key


async def find_key(stage: Stage) -> Pair | None:
    """Ask for the file or the environment that holds the key; return it with its secret, or None to go back."""
    talk, environ = stage.talk, stage.flow.context.environ
    looked = await talk.attempt(
        lambda: in_daemon_thread(partial(candidates, environ)), "Looking at the usual places", deadlines.FILES
    )
    talk.say(*(f"A key is in {place}." for place in looked or ()))
    while (place := await talk.line(f"Path of the file, or {ENVIRONMENT}")) not in set(Command):
        if pair := await _read(stage, place):
            return pair
    return None


async def _read(stage: Stage, place: str) -> Pair | None:
    found = await stage.talk.attempt(lambda: read_key(stage.flow, place), "Reading it", deadlines.FILES)
    if found is None:
        return None
    stage.talk.say(found.pair.described(), f"Read from {found.place}.")
    _tell_warning(stage, found.warning)
    return found.pair


async def import_key(stage: Stage) -> KeyPair | None:
    """Ask for a private key and store it; return its pair, or None when the user goes back or it was not stored."""
    while not isinstance(
        given := await stage.talk.secret("Private key, the path of its PEM file or the PEM itself"), Command
    ):
        try:
            key = await _open(stage, given)
        finally:
            given.wipe()
        if key is not None:
            return await _store(stage, key)
    return None


async def _open(stage: Stage, given: Secret) -> ImportedKey | None:
    """Open it, asking for the passphrase as often as the user wants to try."""
    text = given.reveal()
    is_path = "-----" not in text and len(text.splitlines()) == 1
    path, pem = (text, Secret()) if is_path else ("", given)
    passphrase: Secret | Command = Secret()
    while not isinstance(passphrase, Command):
        try:
            work = partial(_opened, path, pem, passphrase)
            answer = await stage.talk.attempt(work, "Reading the private key", deadlines.FILES)
        finally:
            passphrase.wipe()
        if not isinstance(answer, WizardError):
            return answer
        stage.talk.tell(answer)
        passphrase = await stage.talk.secret("Passphrase")
    return None


async def _opened(path: str, pem: Secret, passphrase: Secret) -> ImportedKey | WizardError:
    """Return the key, or the error that asks for a passphrase."""
    try:
        return await in_daemon_thread(partial(open_private_key, path, pem, passphrase))
    except WizardError as error:
        if error.code != NEEDS_PASSPHRASE:
            raise
        return error


async def _store(stage: Stage, key: ImportedKey) -> KeyPair | None:
    stage.flow.credentials.note_source(key.path)
    _tell_warning(stage, key.warning)
    what = f"Storing the private key in {stage.flow.place}"
    try:
        is_stored = await stage.talk.succeeds(
            lambda: stage.flow.credentials.import_pair(key.pair), what, deadlines.CUSTODY
        )
    finally:
        key.pair.private_pem.wipe()
    return key.pair if is_stored else None


def _tell_warning(stage: Stage, warning: str) -> None:
    if warning:
        stage.talk.say(f"Caution: {warning}")
