"""Other hosts at the Egress step: check them, ask them over OpenSSH, take their addresses to the whitelist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wizard.core.errors import WizardError
from wizard.egress.ssh_hosts.hosts import Host, HostAnswer
from wizard.plain import deadlines
from wizard.plain.stage import Stage
from wizard.plain.talk import Command, Menu, Talk
from wizard.rotation.steps.hosts import HostsStep

ABOUT = (
    "Every host that uses the key needs its address on the whitelist. The checked hosts are asked over the system's"
    " OpenSSH, as your ~/.ssh/config says; each asks several operators which address they see. No password is asked"
    " for, no key and no secret is sent. An address counts when two operators agree; it goes to the whitelist with"
    " the host's name as its label."
)


async def take(stage: Stage) -> None:
    """Ask until the addresses are taken, or the user goes back."""
    step, talk = stage.flow.hosts, stage.talk
    await step.read_ssh_config()
    rehearsal = ("In a rehearsal no real host is asked.",) if step.is_rehearsal else ()
    talk.say("", "Other hosts that use the key.", *rehearsal, *_list(step))
    while True:
        answer = await talk.choose("Which hosts?", _menu(step))
        if answer in {Command.BACK, "done"}:
            return
        if answer == "take":
            found = step.found()
            stage.flow.selection.add_hosts(found)
            talk.say(*(f"For the whitelist: {address} ({label})." for address, label in found.items()))
            return
        if answer in {"ask", "again"}:
            await _ask(stage, step.unasked() if answer == "ask" else step.failed())
        elif answer == "add":
            await _add(talk, step)
        elif answer == "check":
            await _check(talk, step)


def _menu(step: HostsStep) -> Menu:
    menu: dict[str, str] = {}
    if unasked := step.unasked():
        menu["ask"] = f"ask {_named(unasked)}."
    if found := step.found():
        menu["take"] = f"take to the whitelist: {', '.join(map(str, found))}."
    if failed := step.failed():
        menu["again"] = f"ask {_named(failed)} once more."
    menu["add"] = "type the name of another host."
    if step.known():
        menu["check"] = "check or uncheck hosts."
    return menu | {"done": "go back to this host's address; nothing is lost."}


def _named(hosts: Sequence[Host]) -> str:
    return ", ".join(host.name for host in hosts) if len(hosts) <= 5 else f"{len(hosts)} hosts"


async def _ask(stage: Stage, hosts: tuple[Host, ...]) -> None:
    step, talk = stage.flow.hosts, stage.talk
    step.forget(hosts)
    await talk.attempt(
        lambda: step.ask(hosts, lambda answer: talk.say(*_answer(answer))),
        f"Asking {_named(hosts)} over OpenSSH",
        deadlines.closed(step.bounds.together),
    )


def _answer(answer: HostAnswer) -> Iterable[str]:
    yield f"  {answer.host.name}, after {answer.milliseconds:.0f} ms: {answer.sentence()}"
    if answer.advice():
        yield f"    {answer.advice()}"
    if answer.has_proxy:
        yield "    A proxy is set in that login; it was not used."


async def _add(talk: Talk, step: HostsStep) -> None:
    """Ask for a name until it is one."""
    while (typed := await talk.line("Host, as [user@]host; an empty line ends")) not in {"", Command.BACK}:
        try:
            talk.say(f"{step.add(typed).name} is added and checked.")
        except WizardError as error:
            talk.tell(error)


async def _check(talk: Talk, step: HostsStep) -> None:
    """Turn the marks of the hosts that are named."""
    hosts = step.known()
    talk.say(*_list(step))
    typed = await talk.line("Numbers or names parted by commas, or all, or none")
    if typed in {"", Command.BACK}:
        return
    if typed in {"all", "none"}:
        step.check(hosts, typed == "all")
    else:
        _turn(talk, step, typed)
    talk.say(*_list(step))


def _turn(talk: Talk, step: HostsStep, typed: str) -> None:
    hosts = step.known()
    named = {host.name: host for host in hosts} | {str(number): host for number, host in enumerate(hosts, 1)}
    for word in filter(None, map(str.strip, typed.split(","))):
        if host := named.get(word):
            step.check((host,), not step.is_checked(host))
        else:
            talk.say(f"No host is called {word}. add takes a new name.")


def _list(step: HostsStep) -> Iterable[str]:
    hosts = step.known()
    if not hosts:
        yield 'None is known: neither hosts = ["bot-1"] in config.toml nor a Host in ~/.ssh/config names one.'
    for number, host in enumerate(hosts, 1):
        answer = step.answer(host)
        mark = "checked" if step.is_checked(host) else "not checked"
        yield f"  {number}. {host.name}: {mark}.{f' {answer.sentence()}' if answer else ''}"
