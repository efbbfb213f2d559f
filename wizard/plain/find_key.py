"""A key in use, read from where it is now: the environment, a `.env`, a bot's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from wizard.core.secret import Secret
from wizard.core.threads import in_abandonable_thread
from wizard.intake.misplaced import looks_like_key
from wizard.intake.pairs import Pair
from wizard.intake.sources import ENVIRONMENT, Found, KeyEncrypted, candidates, read_source
from wizard.plain.answers import Command
from wizard.plain.console import SecretEntryRefused
from wizard.plain.misplaced import take_misplaced
from wizard.plain.stage import Stage
from wizard.plain.talk import Talk

DEADLINE = 10.0
"""Seconds: a file on a network disk must not hang the conversation."""
_PROMPT = f"Path of the file, or {ENVIRONMENT}"


async def find_key(stage: Stage, *, about: str) -> Pair | None:
    """Return the API key and its secret, one of them where that is all that was given, or None to go back."""
    talk, environ = stage.talk, stage.flow.context.environ
    looked = await talk.attempt(
        lambda: in_abandonable_thread(partial(candidates, environ), DEADLINE), "Looking at the usual places", DEADLINE
    )
    talk.say(*(f"A key is in {place}." for place in looked or ()))
    while True:
        place = await _ask_for_place(talk, about)
        if isinstance(place, Command):
            return None
        if looks_like_key(place.reveal()):
            if pair := await _take_key(talk, place, about):
                return pair
            continue
        if pair := await _read(stage, place.reveal(), environ):
            return pair


async def _ask_for_place(talk: Talk, about: str) -> Secret | Command:
    """Ask without showing what is typed, where that is possible: it may be a key, pasted at the wrong question."""
    try:
        return await talk.secret(_PROMPT, about=about)
    except SecretEntryRefused:
        line = await talk.line(_PROMPT, about=about)
        return Command(line) if line in set(Command) else Secret(line)


async def _take_key(talk: Talk, given: Secret, about: str) -> Pair | None:
    if "-----" not in given.reveal():
        return await take_misplaced(talk, given, about=about)
    given.wipe()
    talk.say("This is a private key, not a path. It was not shown: back, then import takes it.")
    return None


async def _read(stage: Stage, place: str, environ: Mapping[str, str]) -> Pair | None:
    async def work() -> Found:
        try:
            return await in_abandonable_thread(partial(read_source, place, environ), DEADLINE)
        except KeyEncrypted as error:
            stage.flow.elsewhere.note(error.path)
            raise

    found = await stage.talk.attempt(work, "Reading it", DEADLINE)
    if found is None:
        return None
    stage.flow.elsewhere.note(found.path)
    stage.talk.say(found.pair.described(), f"Read from {found.place}.")
    if found.warning:
        stage.talk.say(f"Caution: {found.warning}")
    return found.pair
