"""The Egress step: who saw which address, and one sentence that says what it means."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from wizard.core.errors import WizardError
from wizard.egress.agreement import describe_sampling
from wizard.egress.answers import Sample
from wizard.egress.detection import EgressReport
from wizard.plain import deadlines, hosts
from wizard.plain.stage import Stage, evidence
from wizard.plain.talk import Command
from wizard.rotation.model import Step

ABOUT = (
    "The exchange compares the address that your calls come from with the key's whitelist. Several operators are"
    " asked over the same route that the exchange is reached by, over IPv4. Two different operators that see the"
    " same address agree. The address was observed; nothing here proves that it stays the same."
)
_MENU = {
    "next": "go on to the whitelist.",
    "again": "ask all operators once more.",
    "exchange": "ask the exchange itself, by signed calls of the key in use.",
    "more": "ask on until another, equally used address would have shown.",
    "details": "tell each question in full.",
    "choose": "say which addresses go to the whitelist.",
    "hosts": "ask other hosts that use the key, over OpenSSH.",
}


async def take(stage: Stage) -> bool:
    """Ask at once: nothing is sent but a request for one's own address."""
    stage.introduce(Step.EGRESS, "Which address does the exchange see of this host?")
    report = await _detect(stage)
    is_warned = False
    while True:
        default = "next" if report and stage.flow.egress.finding(report).passed else "again"
        answer = await stage.talk.choose("What next?", _MENU, default)
        if answer == Command.BACK:
            return stage.back()
        if answer == "next" and not is_warned and _has_nothing_ticked(stage):
            is_warned = True
            stage.talk.say("No address is ticked for the whitelist: choose ticks one. next again goes on without.")
            continue
        if answer == "next":
            return stage.on()
        if answer == "hosts":
            with stage.talk.about(hosts.ABOUT):
                await hosts.take(stage)
            stage.talk.say(*_listed(stage))
        elif answer == "choose":
            await _choose(stage)
        elif answer == "details" and report:
            stage.talk.say(*report.details())
        elif answer == "exchange" and report:
            await _ask_exchange(stage, report)
        else:
            report = await (_sample_more(stage, report) if answer == "more" and report else _detect(stage))


async def _detect(stage: Stage) -> EgressReport | None:
    flow, talk = stage.flow, stage.talk
    report = await talk.attempt(
        lambda: flow.egress.detect(lambda sample: talk.say(_answer(sample))),
        f"Asking {len(flow.context.services)} services",
        deadlines.closed(flow.context.pace.egress),
    )
    if report is not None:
        _tell(stage, report)
        with suppress(WizardError):
            if way := await flow.egress.ipv6_route():
                talk.say(f"  Attention: {way.sentence()}")
        talk.say(*_listed(stage))
    return report


async def _sample_more(stage: Stage, report: EgressReport) -> EgressReport:
    """Ask on; what was found before stands where that fails."""
    flow, talk = stage.flow, stage.talk
    more = await talk.attempt(
        lambda: flow.egress.sample_more(report, lambda sample: talk.say(_answer(sample))),
        "Asking on, on fresh connections",
        deadlines.closed(flow.context.pace.sampling),
    )
    if more is None:
        return report
    _tell(stage, more)
    talk.say(f"  {describe_sampling(more.samples)}", *_listed(stage))
    return more


async def _choose(stage: Stage) -> None:
    """Turn the addresses that are named: those ticked are unticked, and the other way round."""
    flow, talk = stage.flow, stage.talk
    candidates = flow.candidates()
    talk.say(*_listed(stage))
    if not candidates:
        return
    typed = await talk.line("Numbers or addresses to tick or untick, parted by commas")
    if typed in {"", Command.BACK}:
        return
    named = {str(each.address): each for each in candidates} | {str(n): each for n, each in enumerate(candidates, 1)}
    for word in dict.fromkeys(filter(None, map(str.strip, typed.split(",")))):
        if candidate := named.get(word):
            flow.selection.toggle(candidate)
        else:
            talk.say(f"{word} is none of these. Other addresses can be typed in the next step.")
    talk.say(*_listed(stage))


def _has_nothing_ticked(stage: Stage) -> bool:
    candidates = stage.flow.candidates()
    return bool(candidates) and not any(candidate.is_wanted for candidate in candidates)


def _listed(stage: Stage) -> Iterable[str]:
    candidates = stage.flow.candidates()
    yield "For the whitelist:" if candidates else "There is no address for the whitelist yet."
    for number, candidate in enumerate(candidates, 1):
        mark = "ticked" if candidate.is_wanted else "not ticked"
        yield f"  {number}. {candidate.address}: {mark}; {candidate.witnesses}."


async def _ask_exchange(stage: Stage, report: EgressReport) -> None:
    flow, talk = stage.flow, stage.talk
    if flow.current is None:
        talk.say("No key is in use: there is nothing to ask the exchange with.")
        return
    at_most = deadlines.call(flow.context.pace)
    observation = await talk.attempt(flow.egress.ask_exchange, "Asking the exchange with the key in use", at_most)
    if observation is not None:
        talk.say(*evidence(flow.egress.finding(report, observation)), *_listed(stage))


def _tell(stage: Stage, report: EgressReport) -> None:
    flow, talk = stage.flow, stage.talk
    finding = flow.egress.finding(report)
    talk.say(*(f"  {service.name} ({service.operator}) was not waited for." for service in report.unfinished))
    more = filter(None, (flow.egress.history(report), report.route.sentence()))
    talk.say(*evidence(finding), *(f"  {sentence}" for sentence in more))


def _answer(sample: Sample) -> str:
    who = f"{sample.service.name} ({sample.service.operator})"
    if sample.address is None:
        return f"  {who} gave no address: {sample.refusal}."
    return f"  {who} saw {sample.address}, after {sample.milliseconds:.0f} ms."
