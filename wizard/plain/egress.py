"""The Egress step: who saw which address, and one sentence that says what it means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from wizard.core.errors import WizardError
from wizard.egress.agreement import describe_sampling
from wizard.egress.answers import Sample
from wizard.egress.detection import EgressReport
from wizard.egress.ssh_hosts.hosts import Host, HostAnswer
from wizard.plain import deadlines
from wizard.plain.stage import Stage, evidence
from wizard.plain.talk import Command, Menu, Talk
from wizard.rotation.model import Step
from wizard.rotation.steps.hosts import HostsStep
from wizard.steps import hosts
from wizard.steps.guide import HOSTS

Item = TypeVar("Item")
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
    stage.introduce(Step.EGRESS)
    report = await _detect(stage)
    is_warned = False
    while True:
        default = "next" if report and stage.flow.egress.finding(report).passed else "again"
        answer = await stage.talk.choose("What next?", _MENU, default)
        if answer == Command.BACK:
            return stage.back()
        if answer == "next" and not is_warned and stage.flow.has_nothing_ticked:
            is_warned = True
            stage.talk.say("No address is ticked for the whitelist: choose ticks one. next again goes on without.")
            continue
        if answer == "next":
            return stage.on()
        if answer == "hosts":
            with stage.talk.about(HOSTS.about):
                await _other_hosts(stage)
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
    named = {str(each.address): each for each in candidates}
    otherwise = "Other addresses can be typed in the next step."
    for candidate in await _chosen(talk, "Numbers or addresses", named, otherwise):
        flow.selection.toggle(candidate)
    talk.say(*_listed(stage))


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


async def _other_hosts(stage: Stage) -> None:
    """Ask until the addresses are taken, or the user goes back."""
    step, talk = stage.flow.hosts, stage.talk
    await step.read_ssh_config()
    talk.say("", f"{HOSTS.question}.", hosts.lede(step), *_hosts_listed(step))
    while True:
        answer = await talk.choose("Which hosts?", _host_menu(step))
        if answer in {Command.BACK, "done"}:
            return
        if answer == "take":
            talk.say(hosts.take(stage.flow))
            return
        if answer in {"ask", "again"}:
            await _ask_hosts(stage, step.unasked() if answer == "ask" else step.failed())
        elif answer == "add":
            await _add_host(talk, step)
        elif answer == "all":
            step.check(step.known(), len(step.checked()) < len(step.known()))
            talk.say(*_hosts_listed(step))
        elif answer == "check":
            await _check_hosts(talk, step)


def _host_menu(step: HostsStep) -> Menu:
    menu: dict[str, str] = {}
    if unasked := step.unasked():
        menu["ask"] = f"ask {_names(unasked)}."
    if found := step.found():
        menu["take"] = f"take to the whitelist: {', '.join(map(str, found))}."
    if failed := step.failed():
        menu["again"] = f"ask {_names(failed)} once more."
    menu["add"] = "type the name of another host."
    if step.known():
        menu["check"] = "check or uncheck hosts."
        menu["all"] = "check all hosts, or none where all are checked."
    return menu | {"done": "go back to this host's address; nothing is lost."}


def _names(some: Sequence[Host]) -> str:
    return ", ".join(host.name for host in some) if len(some) <= 5 else f"{len(some)} hosts"


async def _ask_hosts(stage: Stage, asked: tuple[Host, ...]) -> None:
    step, talk = stage.flow.hosts, stage.talk
    step.forget(asked)
    await talk.attempt(
        lambda: step.ask(asked, lambda answer: talk.say(*_host_answer(answer))),
        f"Asking {_names(asked)} over OpenSSH",
        deadlines.closed(step.bounds.together),
    )


def _host_answer(answer: HostAnswer) -> Iterable[str]:
    found, *more = hosts.said(answer)
    yield f"  {answer.host.name}, after {answer.milliseconds:.0f} ms: {found}"
    yield from (f"    {sentence}" for sentence in more)


async def _add_host(talk: Talk, step: HostsStep) -> None:
    """Ask for a name until it is one."""
    while (typed := await talk.line("Host, as [user@]host; an empty line ends")) not in {"", Command.BACK}:
        try:
            talk.say(f"{step.add(typed).name} is added and checked.")
        except WizardError as error:
            talk.tell(error)


async def _check_hosts(talk: Talk, step: HostsStep) -> None:
    """Turn the marks of the hosts that are named."""
    talk.say(*_hosts_listed(step))
    named = {host.name: host for host in step.known()}
    for host in await _chosen(talk, "Numbers or names", named, "add takes a new name."):
        step.check((host,), not step.is_checked(host))
    talk.say(*_hosts_listed(step))


async def _chosen(talk: Talk, prompt: str, named: Mapping[str, Item], otherwise: str) -> list[Item]:
    """Ask for some items by number or name; say `otherwise` of what is none of them."""
    typed = await talk.line(f"{prompt} to tick or untick, parted by commas")
    if typed in {"", Command.BACK}:
        return []
    known = {str(number): item for number, item in enumerate(named.values(), 1)} | dict(named)
    words = dict.fromkeys(filter(None, map(str.strip, typed.split(","))))
    talk.say(*(f"{word} is none of these. {otherwise}" for word in words if word not in known))
    return list(dict.fromkeys(known[word] for word in words if word in known))


def _hosts_listed(step: HostsStep) -> Iterable[str]:
    known = step.known()
    if not known:
        yield 'None is known: neither hosts = ["bot-1"] in config.toml nor a Host in ~/.ssh/config names one.'
    for number, host in enumerate(known, 1):
        answer = step.answer(host)
        mark = "checked" if step.is_checked(host) else "not checked"
        yield f"  {number}. {host.name}: {mark}.{f' {answer.sentence()}' if answer else ''}"
