"""How findings become lines, JSON and one exit code, alike for every command that checks something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from wizard.commands.console import tell
from wizard.exit_codes import Exit
from wizard.rotation.model import Finding, Outcome
from wizard.text import printable


def tell_finding(finding: Finding) -> None:
    """Say one finding on one line, and what to do about it on the next."""
    tell(f"{finding.outcome:<14} {finding.subject:<20} {printable(finding.observed, limit=1000)}")
    if finding.advice:
        tell(f"{'':<14} {'':<20} {printable(finding.advice, limit=1000)}")


def as_json(finding: Finding) -> dict[str, object]:
    """Return a finding as JSON shapes."""
    fields = asdict(finding)
    return {**fields, "from": fields.pop("from_address")}


def exit_code(findings: Iterable[Finding]) -> Exit:
    """Return the code for all findings together: a failure speaks louder than a question that is open."""
    outcomes = {finding.outcome for finding in findings}
    if Outcome.FAILED in outcomes:
        return Exit.SAYS_NO
    return Exit.INCONCLUSIVE if outcomes & {Outcome.INCONCLUSIVE, Outcome.NOT_RUN} else Exit.FINE
