"""The Probe step: each check with its evidence, as it ends, and one sentence that says what it comes to."""

from __future__ import annotations

from wizard.core.errors import sentences
from wizard.plain.stage import Stage, evidence
from wizard.plain.talk import Command
from wizard.rotation.model import Step
from wizard.rotation.report import Report
from wizard.rotation.steps.probe import ProbeReport
from wizard.steps import deadlines
from wizard.steps.consents import SWAP
from wizard.steps.probe import SWAPPED, offers, to_look_at, verdict


async def take(stage: Stage) -> bool:
    """Probe at once: the calls only read."""
    stage.introduce(Step.PROBE)
    report = await _run(stage)
    while True:
        answer = await stage.talk.choose("What next?", offers(report))
        if answer == Command.BACK:
            return stage.back()
        if answer == "promote" and report is not None:
            if await _is_promoted(stage, report):
                return True
            continue
        if answer == "wait" and not await _is_waited_for(stage):
            continue
        if answer == "swap":
            typed = await stage.talk.confirm(SWAP)
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


def _verdict(report: ProbeReport) -> str:
    _, sentence = verdict(report)
    if report.is_proven:
        return f"{sentence} promote makes it the current key.{to_look_at(report)}"
    swap = " If API key and secret may be in each other's place, swap exchanges them and asks again."
    return f"{sentence} Mend what did not pass, then retry probes again.{swap if report.may_be_swapped else ''}"


async def _is_waited_for(stage: Stage) -> bool:
    flow, talk = stage.flow, stage.talk
    patience = flow.context.pace.patience + deadlines.call(flow.context.pace)
    diagnosis = await talk.attempt(
        lambda: flow.probe.wait_until_accepted(lambda wait: talk.say(f"  {wait.sentence()}")),
        "Asking until the key is accepted",
        patience,
    )
    if diagnosis is not None and not diagnosis.is_accepted:
        talk.say("Waiting has ended.", *sentences(diagnosis.what, diagnosis.why, diagnosis.advice))
    return diagnosis is not None and diagnosis.is_accepted


async def _is_swapped(stage: Stage, typed: str) -> bool:
    what = "Storing API key and secret the other way round"
    is_swapped = await stage.talk.succeeds(lambda: stage.flow.credentials.swap(typed), what, deadlines.CUSTODY)
    if is_swapped:
        stage.talk.say(SWAPPED)
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
