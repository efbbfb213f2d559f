"""How commands speak: JSON to stdout, words for people to stderr, errors in three sentences, findings in lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress

from wizard.commands.parser import KeyGiven
from wizard.commands.standard_input import UnreadableInput
from wizard.core.ending import write_nowhere
from wizard.core.errors import WizardError
from wizard.core.exit_codes import Exit
from wizard.core.settings import UnknownEnvironment
from wizard.core.ssh_destination import InvalidDestination
from wizard.core.terminal import UnusableTerminal
from wizard.core.text import printable
from wizard.custody.errors import CustodyError
from wizard.exchange.errors import ExchangeError
from wizard.net.route import RouteError
from wizard.rotation.model import Finding, Outcome

SCHEMA = 1
_LONGEST_LINE = 10_000
"""Hundreds of hosts are named in one line."""


class UnwritableOutput(WizardError):
    """Standard output is closed or full: what was asked for did not arrive."""


_CODES: tuple[tuple[type[WizardError], Exit], ...] = (
    (UnknownEnvironment, Exit.USAGE),
    (UnusableTerminal, Exit.USAGE),
    (UnreadableInput, Exit.USAGE),
    (UnwritableOutput, Exit.USAGE),
    (InvalidDestination, Exit.USAGE),
    (KeyGiven, Exit.USAGE),
    (CustodyError, Exit.KEYRING_UNUSABLE),
    (RouteError, Exit.INCONCLUSIVE),
    (ExchangeError, Exit.INCONCLUSIVE),
)


def tell(line: str) -> None:
    """Say it to people, where there is a place to say it; control characters but line ends are replaced."""
    if sys.stderr is None:  # print would take standard output instead
        return
    with suppress(OSError):  # it is full, or nobody reads it: the exit code says how it ended
        for part in line.split("\n"):
            print(printable(part, limit=_LONGEST_LINE), file=sys.stderr, flush=True)


def say(text: str) -> None:
    """Write what a command was asked for to standard output.

    Raises:
        UnwritableOutput: it did not arrive there.
        BrokenPipeError: nobody reads it any more.
    """
    if sys.stdout is None:
        raise _unwritable("It is closed.")
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        write_nowhere()
        raise _unwritable(f"{error.strerror}.") from error


def _unwritable(why: str) -> UnwritableOutput:
    advice = "Free some space, or send the output elsewhere, and run the command again."
    return UnwritableOutput("Standard output cannot be written", why=why, advice=advice)


def print_json(body: Mapping[str, object]) -> None:
    """Write the one JSON object of a command, in ASCII: it survives every locale and writes no control character."""
    say(json.dumps({"schema": SCHEMA, **body}))


def fail(error: WizardError) -> Exit:
    """Say what happened, why, and what to do; return the exit code that fits."""
    what, *rest = error.sentences()
    tell(f"key-wizard: {printable(what, limit=500)}")
    for sentence in rest:
        tell(f"  {printable(sentence, limit=2000)}")
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.SAYS_NO)


def tell_finding(finding: Finding) -> None:
    """Say one finding on one line, and what to do about it on the next."""
    tell(f"{finding.outcome:<14} {finding.subject:<20} {printable(finding.observed, limit=1000)}")
    if finding.advice:
        tell(f"{'':<14} {'':<20} {printable(finding.advice, limit=1000)}")


def exit_code(findings: Iterable[Finding]) -> Exit:
    """Return the code for all findings together: a failure speaks louder than a question that is open."""
    outcomes = {finding.outcome for finding in findings}
    if Outcome.FAILED in outcomes:
        return Exit.SAYS_NO
    return Exit.INCONCLUSIVE if outcomes & {Outcome.INCONCLUSIVE, Outcome.NOT_RUN} else Exit.FINE
