"""How commands speak: JSON to stdout, words for people to stderr, errors in three sentences."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from wizard.custody.errors import CustodyError
from wizard.errors import WizardError
from wizard.exit_codes import Exit
from wizard.text import printable

SCHEMA = 1


def tell(line: str) -> None:
    """Say one line to people."""
    print(line, file=sys.stderr, flush=True)


def print_json(body: Mapping[str, object]) -> None:
    """Write the one JSON object of a command."""
    print(json.dumps({"schema": SCHEMA, **body}, ensure_ascii=False), flush=True)


def fail(error: WizardError) -> Exit:
    """Say what happened, why, and what to do; return the exit code that fits."""
    what, *rest = error.sentences()
    tell(f"key-wizard: {printable(what, limit=500)}")
    for sentence in rest:
        tell(f"  {printable(sentence, limit=2000)}")
    return Exit.KEYRING_UNUSABLE if isinstance(error, CustodyError) else Exit.SAYS_NO
