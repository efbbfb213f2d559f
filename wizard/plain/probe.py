"""The Probe step: each check with its evidence, as it ends, and one sentence that says what it comes to."""

from __future__ import annotations

from wizard.core.errors import sentences
from wizard.plain import deadlines
from wizard.plain.stage import Stage, evidence
from wizard.plain.talk import Command, Menu
from wizard.rotation.model import Outcome, Step
from wizard.rotation.report import Report
from wizard.rotation.steps.credentials import SWAP_CONSENT, SWAP_WORD
from wizard.rotation.steps.probe import ProbeReport

ABOUT = (
    "The new key signs several read-only calls from this host, and the current key signs the same as a control. Each"
    " check says what was observed, when, from which address, and what it does not prove. When everything that counts"
    " has passed, promote makes the new key the current one; the old one becomes the legacy key and stays in"
    " {place}."
)
_PROMOTE = {"promote": "make the new key the current one."}
_RETRY = {"retry": "run all checks once more."}
_WAIT = {"wait": "ask slowly until the key is accepted: a new list may need minutes."}
_SWAP = {"swap": "exchange API key and secret, store again, probe again; asks for a typed word."}


async def take(stage: Stage) -> bool:
    """Probe at once: the calls only read."""
    stage.introduce(Step.PROBE, "Do the new credentials work from here?")
    report = await _run(stage)
    while True:
        answer = await stage.talk.choose("What next?", _menu(report))
        if answer == Command.BACK:
            return stage.back()
        if answer == "promote" and report is not None:
            if await _is_promoted(stage, report):
                return True
            continue
        if answer == "wait" and not await _is_waited_for(stage):
            continue
        if answer == "swap":
            typed = await stage.talk.confirm(SWAP_CONSENT, SWAP_WORD)
            if not typed:
                continue
            if not await _is_swapped(stage, typed):
                # A swap that failed or was stopped may have stored either order: only a new probe tells.
                report = None
                continue
        report = await _run(stage)


async def _run(stage: Stage) -> ProbeReport | None:
    flow, talk = stage.flow, stage.talk
    report = await talk.attempt(
        lambda: flow.probe.run(lambda finding: talk.say(*evidence(finding))),
        "Asking the exchange",
        deadlines.probe(flow.context.pace),
    )
    if report is not None:
        talk.say("", _verdict(report))
    return report


def _menu(report: ProbeReport | None) -> Menu:
    if report is None:
        return _RETRY
    if report.is_proven:
        return {**_PROMOTE, **_RETRY}
    return {**_RETRY, **(_WAIT if report.may_change else {}), **(_SWAP if report.may_be_swapped else {})}


def _verdict(report: ProbeReport) -> str:
    if report.is_proven:
        fine = (Outcome.PASSED, Outcome.NOT_APPLICABLE)
        open_ones = sum(finding.outcome not in fine for finding in report.findings)
        look = f" {open_ones} to look at first." if open_ones else ""
        return f"The new key works from here. promote makes it the current key.{look}"
    swap = " If API key and secret may be in each other's place, swap exchanges them and asks again."
    return (
        "The new key is not proven. Mend what did not pass, then retry probes again."
        f"{swap if report.may_be_swapped else ''}"
    )


async def _is_waited_for(stage: Stage) -> bool:
    flow, talk = stage.flow, stage.talk
    patience = flow.context.pace.patience + deadlines.call(flow.context.pace)
    verdict = await talk.attempt(
        lambda: flow.probe.wait_until_accepted(lambda wait: talk.say(f"  {wait.sentence()}")),
        "Asking until the key is accepted",
        patience,
    )
    if verdict is not None and not verdict.is_accepted:
        talk.say("Waiting has ended.", *sentences(verdict.what, verdict.why, verdict.advice))
    return verdict is not None and verdict.is_accepted


async def _is_swapped(stage: Stage, typed: str) -> bool:
    what = "Storing API key and secret the other way round"
    is_swapped = await stage.talk.succeeds(lambda: stage.flow.credentials.swap(typed), what, deadlines.CUSTODY)
    if is_swapped:
        stage.talk.say("API key and secret were exchanged and stored again.")
    return is_swapped


async def _is_promoted(stage: Stage, report: ProbeReport) -> bool:
    flow, talk = stage.flow, stage.talk

    async def promote() -> tuple[Report | None]:
        return (await flow.complete(report),)

    done = await talk.attempt(promote, "Asking once more, then promoting", deadlines.probe(flow.context.pace))
    if done is None:
        return False
    (finished,) = done
    if flow.current is not None:
        talk.say(f"{flow.current.name} is now the current key.")
    if finished is not None:
        stage.tell_summary(finished)
    elif flow.retire.legacy is not None:
        talk.say(f"{flow.retire.legacy.name} is now the legacy key.")
    return True
