"""The Probe step: what the checks come to, and what can be done then."""

from __future__ import annotations

from wizard.rotation.model import Outcome
from wizard.rotation.steps.probe import ProbeReport

SWAPPED = "API key and secret were exchanged and stored again."
_ANSWERS = {
    "promote": "make the new key the current one.",
    "retry": "run all checks once more.",
    "wait": "ask slowly until the key is accepted: a new list may need minutes.",
    "swap": "exchange API key and secret, store again, probe again; asks for a typed word.",
}


def offers(report: ProbeReport | None) -> dict[str, str]:
    """Return what can be done after a probe, the likeliest first, each with what it does; None is a probe that failed.

    Only a proven key is promoted, and API key and secret are swapped only where that may help.
    """
    is_possible = {
        "promote": report is not None and report.is_proven,
        "retry": True,
        "wait": report is not None and not report.is_proven and report.may_change,
        "swap": report is not None and not report.is_proven and report.may_be_swapped,
    }
    return {word: does for word, does in _ANSWERS.items() if is_possible[word]}


def verdict(report: ProbeReport) -> tuple[str, str]:
    """Return the sign and the sentence for what the checks come to."""
    outcomes = [finding.outcome for finding in report.findings]
    if not report.is_proven:
        return "failed" if Outcome.FAILED in outcomes else "caution", "The new key is not proven."
    return "passed", "The new key works from here."


def to_look_at(report: ProbeReport) -> str:
    """Count the checks to look at before a proven key is promoted; nothing where all are fine."""
    fine = (Outcome.PASSED, Outcome.NOT_APPLICABLE)
    count = sum(finding.outcome not in fine for finding in report.findings)
    return f" {count} to look at first." if count else ""
