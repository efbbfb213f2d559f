"""Home: what can be done in an open environment, and what checks and finished rotations have shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wizard.core.clock import utc
from wizard.core.settings import Place
from wizard.rotation.model import NOTHING_OPEN, Finding, Grade, Mode, Step

if TYPE_CHECKING:
    from wizard.custody.custodian import Custodian
    from wizard.rotation.flow import Flow
    from wizard.rotation.report import Report

ABANDONED = "The rotation was given up. The current key is as it was."
FORGOTTEN = "The missing key was struck off the journal."


def offers(flow: Flow, custodian: Custodian | None) -> dict[str, str]:
    """Return what can be done in an open environment, the likeliest first, each with what it does."""
    answers: dict[str, str] = {}
    if flow.rotation:
        answers["resume"] = f"resume the open rotation at {where(flow)}."
        if flow.can_be_abandoned:
            answers["abandon"] = "give the open rotation up; the current key stays."
    elif flow.current:
        answers[Mode.ROTATE] = f"begin to replace {flow.current.name}."
    else:
        answers[Mode.SET_UP] = "set up the first key."
        answers[Mode.ADOPT] = "bring a key that is in use already under the wizard's care."
    if flow.can_forget:
        answers["forget"] = "strike the missing key off the journal."
    if custodian is not None and custodian.custody.place is Place.ENCRYPTED_FILE:
        answers["passphrase"] = "change the passphrase of the encrypted file."  # noqa: S105 - the word that is typed
    return answers


def where(flow: Flow) -> str:
    """Say where the open rotation stands."""
    return "the summary" if flow.step is Step.DONE else f"the step {flow.step}"


def closing(flow: Flow | None, command: str) -> tuple[str, ...]:
    """Say what closing now means and, where a rotation is open, how one comes back to it: by this command."""
    meaning = f"It is safe: {flow.closing if flow else NOTHING_OPEN}."
    return (meaning, f"Come back with: {command}") if flow and is_left_open(flow) else (meaning,)


def is_left_open(flow: Flow) -> bool:
    """Whether a rotation is open that outlives this program."""
    return flow.step is not None and flow.is_durable


def headline(report: Report) -> str:
    """Say what a finished rotation came to."""
    return {
        None: "The key is stored and proven to work from here.",
        Grade.STRONG: "The key is replaced, and the legacy key is refused from here.",
        Grade.WEAK: "The key is replaced. The legacy key was given up on your word.",
    }.get(report.grade, "The key is replaced, and the legacy key is dead.")


def seen(finding: Finding) -> str:
    """Say when something was seen, from which address, and how long that took."""
    seen_from = f", from {finding.from_address}" if finding.from_address else ""
    took = "" if finding.milliseconds is None else f", in {finding.milliseconds:.0f} ms"
    return f"Seen {utc(finding.at)}{seen_from}{took}."
