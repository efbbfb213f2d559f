"""A key in use, read from where it is now: the environment, a `.env`, a bot's configuration."""

from __future__ import annotations

from functools import partial

from wizard.intake.aside import aside
from wizard.intake.pairs import Pair
from wizard.intake.sources import ENVIRONMENT, candidates, read_source
from wizard.plain.answers import Command
from wizard.plain.stage import Stage

DEADLINE = 10.0
"""Seconds: a file on a network disk must not hang the conversation."""


async def find_key(stage: Stage, *, about: str) -> Pair | None:
    """Return the API key and its secret, or None when the user goes back."""
    talk, environ = stage.talk, stage.flow.context.environ
    looked = await talk.attempt(
        lambda: aside(partial(candidates, environ), DEADLINE), "Looking at the usual places", DEADLINE
    )
    talk.say(*(f"A key is in {place}." for place in looked or ()))
    while True:
        place = await talk.line(f"Path of the file, or {ENVIRONMENT}", about=about)
        if place in (Command.BACK, Command.DESK):
            return None
        work = partial(aside, partial(read_source, place, environ), DEADLINE)
        found = await talk.attempt(work, "Reading it", DEADLINE)
        if found is not None:
            stage.flow.elsewhere.note(found.path)
            talk.say(found.pair.described(), f"Read from {found.place}.")
            if found.warning:
                talk.say(f"Caution: {found.warning}")
            return found.pair
