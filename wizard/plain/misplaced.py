"""A key that was given where a path belongs: told in words, and taken to its own question."""

from __future__ import annotations

from wizard.core.secret import Secret
from wizard.intake.pairs import Pair, read_pair
from wizard.intake.pasted import Pasted, Shape, read_paste
from wizard.plain.answers import Choice
from wizard.plain.talk import Talk

_API_KEY = Choice("api-key", "it is the API key.")
_SECRET = Choice("secret", "it is the secret.")
_FORGET = Choice("forget", "it is neither: forget it.")


async def take_misplaced(talk: Talk, given: Secret, *, about: str) -> Pair | None:
    """Return what it is, asking where a single value could be either; None where it was forgotten. `given` is wiped."""
    try:
        found = read_pair(given.reveal()) or read_paste(given.reveal(), Shape.VALUE)
    finally:
        given.wipe()
    talk.say("This looks like a key, not a path. It was not shown.")
    if isinstance(found, Pair):
        talk.say(found.described())
        return found
    if isinstance(found, Pasted):
        return await _ask_which(talk, Secret(found.text), about)
    talk.say(f"Problem: {found.reason} Nothing was taken.")
    return None


async def _ask_which(talk: Talk, value: Secret, about: str) -> Pair | None:
    answer = await talk.choose("What is it?", (_API_KEY, _SECRET, _FORGET), about=about)
    if answer == _API_KEY.word:
        return Pair(value, None, is_named=True)
    if answer == _SECRET.word:
        return Pair(None, value, is_named=True)
    value.wipe()
    return None
