"""Findings of the doctor: seen on this host, so from no address."""

from __future__ import annotations

from wizard.core.clock import Clock
from wizard.core.errors import WizardError, sentences
from wizard.rotation.model import Finding, Outcome


def note(
    subject: str, outcome: Outcome, observed: str, clock: Clock, *, advice: str = "", does_not_prove: str = ""
) -> Finding:
    """Return a finding that is observed now."""
    return Finding(subject, outcome, observed, clock(), advice=advice, does_not_prove=does_not_prove)


def of_error(subject: str, outcome: Outcome, error: WizardError, clock: Clock) -> Finding:
    """Return a finding that says what an error says."""
    return note(subject, outcome, " ".join(sentences(error.what, error.why)), clock, advice=error.advice)
