"""What the line mode says about steps, findings and keys."""

from __future__ import annotations

from collections.abc import Iterable

from wizard.core.clock import duration, utc
from wizard.rotation.flow import Flow
from wizard.rotation.model import TITLES, Finding, Outcome, Step

_OUTCOMES = {Outcome.NOT_APPLICABLE: "not asked"}


def introduction(flow: Flow, step: Step) -> Iterable[str]:
    """Say where the user is, and whether it is safe to close now."""
    environment = flow.context.environment
    mode = flow.context.rotation.mode.value.replace("-", " ")
    yield ""
    yield (
        f"Step {flow.steps.index(step) + 1} of {len(flow.steps)}, {TITLES[step]}."
        f" Environment {environment.name} on {environment.site.name}, {mode}."
    )
    yield f"It is safe to close now: {flow.closing}."
    if flow.storage:
        yield f"Credentials are {flow.storage}."
    if seconds := flow.retire.overlap():
        yield f"Two keys have been alive for {duration(seconds)}."


def evidence(finding: Finding) -> Iterable[str]:
    """Say what a check came to, what was seen, when, from where, what that leaves open, and what to do."""
    outcome = _OUTCOMES.get(finding.outcome, finding.outcome.value).capitalize()
    yield f"{outcome}: {finding.subject}. {finding.observed}"
    seen_from = f", from {finding.from_address}" if finding.from_address else ""
    took = "" if finding.milliseconds is None else f", in {finding.milliseconds:.0f} ms"
    yield f"  Seen {utc(finding.at)}{seen_from}{took}."
    if finding.does_not_prove:
        yield f"  Not proven: {finding.does_not_prove}."
    if finding.advice:
        yield f"  To do: {finding.advice}"


def numbered(lines: Iterable[str]) -> Iterable[str]:
    """Number what is to be done."""
    return (f"  {number}. {line}" for number, line in enumerate(lines, 1))
