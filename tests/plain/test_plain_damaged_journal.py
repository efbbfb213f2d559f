"""The journal is damaged while the line mode is open: it ends in words at the next answer, with everything let go."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

import pytest

from tests.plain.script import Line, PlainWorld, visit
from tests.plain.walks import EGRESS, ROTATE, SWITCH, TO_CREDENTIALS, typed
from wizard.core.errors import WizardError
from wizard.rotation.opening import sole_writer

NOWHERE = "UPDATE rotations SET step = 'nowhere'"
NO_TABLE = "DROP TABLE rotations"


@pytest.mark.parametrize("statement", [NOWHERE, NO_TABLE])
@pytest.mark.parametrize("prompt", ["egress", "whitelist", "credentials", "probe", "retire"])
async def test_it_ends_in_words_at_every_step(plain: PlainWorld, prompt: str, statement: str) -> None:
    made = await plain.bench.make_key()
    way: dict[str, list[Line]] = {
        "egress": ROTATE,
        "whitelist": [*ROTATE, *EGRESS],
        "credentials": TO_CREDENTIALS,
        "probe": [*TO_CREDENTIALS, *typed(made)],
        "retire": [*TO_CREDENTIALS, *typed(made), *SWITCH],
    }
    answers = {"credentials": "save", "probe": "switch", "retire": "ask"}

    async def damage() -> str:
        with closing(sqlite3.connect(plain.paths.journal, isolation_level=None)) as raw:
            raw.execute("PRAGMA foreign_keys = OFF")
            raw.execute(statement)
        return answers.get(prompt, "continue")

    rest: list[Line] = [("API key", made.api_key.reveal())]
    with pytest.raises(WizardError) as ended:
        await visit(plain, *way[prompt], ("", damage), *(rest if prompt == "credentials" else []))
    assert str(plain.paths.journal) in ended.value.what
    assert ended.value.advice
    assert plain.closed
    with sole_writer(plain.paths.lock("bench"), "bench", time.time):
        pass  # the next wizard finds the environment free
