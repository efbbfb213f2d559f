"""The Egress step: who saw which address, and one sentence that says what it means."""

from __future__ import annotations

from wizard.egress.answers import Sample
from wizard.plain import deadlines
from wizard.plain.answers import Choice, Command
from wizard.plain.stage import Stage, Way
from wizard.plain.words import evidence
from wizard.rotation.model import Step

ABOUT = (
    "The exchange compares the address that your calls come from with the key's whitelist. Several operators are"
    " asked over the same route that the exchange is reached by, over IPv4. Two different operators that see the"
    " same address agree. The address was observed; nothing here proves that it stays the same."
)
_CHOICES = (Choice("next", "go on to the whitelist."), Choice("again", "ask all operators once more."))


async def take(stage: Stage) -> Way:
    """Ask at once: nothing is sent but a request for one's own address."""
    stage.introduce(Step.EGRESS, "Which address does the exchange see of this host?")
    is_agreed = await _detect(stage)
    while True:
        default = "next" if is_agreed else "again"
        answer = await stage.talk.choose("What next?", _CHOICES, about=ABOUT, default=default)
        if answer == Command.BACK:
            return stage.back()
        if answer == "next":
            return stage.on()
        is_agreed = await _detect(stage)


async def _detect(stage: Stage) -> bool:
    flow, talk = stage.flow, stage.talk
    report = await talk.attempt(
        lambda: flow.egress.detect(lambda sample: talk.say(_answer(sample))),
        f"Asking {len(flow.context.providers)} services",
        deadlines.egress(flow.context.pace),
    )
    if report is None:
        return False
    finding = flow.egress.finding(report)
    talk.say(*(f"  {provider.name} ({provider.operator}) was not waited for." for provider in report.unfinished))
    talk.say(*evidence(finding), *_more(flow.egress.history(report), report.route.sentence()))
    return finding.passed


def _more(*sentences: str) -> list[str]:
    return [f"  {sentence}" for sentence in sentences if sentence]


def _answer(sample: Sample) -> str:
    who = f"{sample.provider.name} ({sample.provider.operator})"
    if sample.address is None:
        return f"  {who} gave no address: {sample.refusal}."
    return f"  {who} saw {sample.address}, after {sample.milliseconds:.0f} ms."
