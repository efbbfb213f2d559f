"""How commands speak: JSON to stdout, words for people to stderr, errors in three sentences."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from wizard.custody.errors import CustodyError
from wizard.egress.proxy import ProxyUnusable
from wizard.errors import WizardError
from wizard.exchange.errors import ExchangeError
from wizard.exit_codes import Exit
from wizard.settings import UnknownEnvironment
from wizard.ssh_destination import InvalidDestination
from wizard.terminal import UnusableTerminal
from wizard.text import printable

SCHEMA = 1
_CODES: tuple[tuple[type[WizardError], Exit], ...] = (
    (UnknownEnvironment, Exit.USAGE),
    (UnusableTerminal, Exit.USAGE),
    (InvalidDestination, Exit.USAGE),
    (CustodyError, Exit.KEYRING_UNUSABLE),
    (ProxyUnusable, Exit.INCONCLUSIVE),
    (ExchangeError, Exit.INCONCLUSIVE),
)


def tell(line: str) -> None:
    """Say one line to people."""
    print(line, file=sys.stderr, flush=True)


def print_json(body: Mapping[str, object]) -> None:
    """Write the one JSON object of a command, in ASCII: it survives every locale and writes no control character."""
    print(json.dumps({"schema": SCHEMA, **body}), flush=True)


def fail(error: WizardError) -> Exit:
    """Say what happened, why, and what to do; return the exit code that fits."""
    what, *rest = error.sentences()
    tell(f"key-wizard: {printable(what, limit=500)}")
    for sentence in rest:
        tell(f"  {printable(sentence, limit=2000)}")
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.SAYS_NO)
