"""`key-wizard egress`: which address does Binance see?"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from typing import Any

from wizard.commands.console import ArgumentParser, print_error, print_json, print_message, print_result, standard_input
from wizard.commands.prompts import place_opener
from wizard.core import settings
from wizard.core.errors import Exit, WizardError
from wizard.core.settings import Environment, Paths, Settings
from wizard.core.text import printable
from wizard.core.threads import run_async
from wizard.egress.agreement import EgressVerdict, describe_sampling
from wizard.egress.detection import EgressReport, detect, sample_more
from wizard.egress.history import describe_history
from wizard.egress.ipv6 import Ipv6Route
from wizard.egress.selection import ExchangeObservation
from wizard.egress.services import EchoService, Sample, load_services
from wizard.egress.ssh_hosts.hosts import (
    FROM_SETTINGS,
    FROM_SSH_CONFIG,
    FROM_STANDARD_INPUT,
    Host,
    HostAnswer,
    labels,
    named_hosts,
)
from wizard.egress.ssh_hosts.openssh import find_openssh
from wizard.egress.ssh_hosts.remote_detection import Bounds, ask_hosts
from wizard.net.route import Route, decide_route
from wizard.rotation.current_credentials import current_key, fetch
from wizard.rotation.exchange_calls import ipv6_route_to_exchange, observe_address, open_exchange
from wizard.rotation.journal import Journal, networks_of, open_journal
from wizard.rotation.steps.egress import keep_exchange_observation

CALL_DEADLINE = 10.0
"""Seconds for one call; there are two at the same time."""

SUMMARY = "which address does Binance see?"
EXAMPLES = """\
key-wizard egress                                 ask several services, two must agree
key-wizard egress --ask-exchange                  ask Binance too, with the current key
key-wizard egress --hosts bot-1,trader@bot-2      ask other hosts too, over OpenSSH
ansible all --list-hosts | key-wizard egress --hosts -"""
ABOUT = f"""\
No key or secret is sent to other hosts, and no host key is accepted for you.
--hosts without names asks those of the settings ({FROM_SETTINGS}).
--hosts {FROM_SSH_CONFIG} asks all of ~/.ssh/config. --hosts {FROM_STANDARD_INPUT} reads names from standard input.
Exit codes: 0 the address is known, also of every host, 1 Cloudflare WARP is on, 6 it is not known."""


def add_arguments(parser: ArgumentParser) -> None:
    """Say what it takes."""
    # SUPPRESS: a default would overwrite an --env that stands before the command.
    parser.add_argument("--env", metavar="NAME", default=argparse.SUPPRESS, help="use the route of this environment")
    parser.add_argument(
        "--sample-more", action="store_true", help="ask until a second, equally used address would have shown"
    )
    parser.add_argument("--ask-exchange", action="store_true", help="also ask Binance, by read-only signed calls")
    parser.add_argument("--hosts", metavar="A,B", nargs="?", const=FROM_SETTINGS, help="also ask these hosts")


def run(options: argparse.Namespace) -> int:
    """Ask over the environment's route, and say who saw what."""
    paths, known = settings.read()
    environment = known.environment(options.env) if options.env else known.default
    hosts = _named_hosts(options.hosts, environment) if options.hosts is not None else ()
    report, way, answers = run_async(_ask(environment, paths, hosts, _detect_more if options.sample_more else detect))
    if report.unfinished:
        print_message(f"Not waited for: {', '.join(service.name for service in report.unfinished)}.")
    if way:
        print_message(f"Warning: {way.sentence()}")
    history = keep_observation(report, environment, paths, "egress")
    sampling = describe_sampling(report.samples) if options.sample_more else ""
    warn_of_hosts(answers)
    observation, trouble = None, None
    try:
        observation = ask_exchange(environment, paths, known) if options.ask_exchange else None
    except WizardError as error:
        trouble = print_error(error)
    observed = observation.sentence(report.verdict) if observation else ""
    listed = [f"For the whitelist: {address} # {', '.join(names)}" for address, names in labels(answers).items()]
    words = filter(None, (report.sentence(), report.verdict.advice, sampling, history, observed, *listed))
    (print_message if options.json else print_result)(*words)
    if options.json:
        # It is null where nothing here could call Binance over IPv6, or the name service did not answer.
        ipv6 = (
            {"host": way.host, "address": str(way.address), "source": str(way.source), "note": way.sentence()}
            if way
            else None
        )
        more: dict[str, object] = {"ipv6": ipv6, "history": history}
        more |= {"hosts": [_host_json(answer) for answer in answers]} if hosts else {}
        more |= {"exchange": _exchange_json(observation, report.verdict)} if options.ask_exchange else {}
        print_json({"environment": environment.name, **as_json(report), **more})
    confirmed = observation.confirms(report.verdict) if observation else None
    is_known = (report.verdict.is_agreed if confirmed is None else confirmed) and all(one.address for one in answers)
    if report.verdict.is_shared or any(one.verdict.is_shared for one in answers):
        return trouble or Exit.SAYS_NO  # asking again does not help
    return trouble or (Exit.FINE if is_known else Exit.INCONCLUSIVE)


def _named_hosts(text: str, environment: Environment) -> tuple[Host, ...]:
    ssh_config = settings.home(os.environ) / ".ssh" / "config"
    hosts = named_hosts(text, environment.hosts, ssh_config=ssh_config, standard_input=standard_input)
    if hosts:
        return hosts
    source = {FROM_SETTINGS: "Your settings file", FROM_STANDARD_INPUT: "Standard input"}.get(text, printable(text, 60))
    raise WizardError(
        "There is no host to ask",
        why=f"{source} names none.",
        advice=f'Write hosts = ["bot-1"] below [environments.{environment.name}] in config.toml, or --hosts bot-1.',
        code="hosts.none",
    )


async def _ask(
    environment: Environment, paths: Paths, hosts: Sequence[Host], look: Callable[..., Awaitable[EgressReport]]
) -> tuple[EgressReport, Ipv6Route | None, tuple[HostAnswer, ...]]:
    route = decide_route(environment, os.environ)
    services = load_services(paths.services_file)
    print_message(f"Route of {environment.name}: {route.shown} ({route.source}).")
    return await asyncio.gather(
        look(services, route, rules=environment.rules, on_sample=_print_sample),
        ipv6_route_to_exchange(environment, route),
        _ask_hosts(hosts, services, environment),
    )


async def _detect_more(services: Sequence[EchoService], route: Route, **how: Any) -> EgressReport:
    """Ask as `detect` does, then until another address would have shown."""
    return await sample_more(await detect(services, route, **how), services, **how)


def _print_sample(sample: Sample) -> None:
    who = f"{printable(sample.service.operator, 14):<14} {printable(sample.service.name, 18):<18}"
    print_message(f"{who} {sample.milliseconds:6.0f} ms  {sample.address or sample.refusal}")


async def _ask_hosts(
    hosts: Sequence[Host], services: Sequence[EchoService], environment: Environment
) -> tuple[HostAnswer, ...]:
    if not hosts:
        return ()
    bounds = Bounds()
    ssh = find_openssh(os.environ)
    whom = "another host" if len(hosts) == 1 else f"{len(hosts)} other hosts"
    print_message(
        f"Asking {whom} over OpenSSH, {bounds.at_a_time} at a time,"
        f" at most {bounds.each:g} s each and {bounds.together:g} s in all."
    )
    return await ask_hosts(hosts, services, ssh, rules=environment.rules, bounds=bounds, on_answer=_print_answer)


def warn_of_hosts(answers: Sequence[HostAnswer]) -> None:
    """Say what to do about the hosts that gave no address, once for all that have the same trouble."""
    troubled: dict[tuple[str, str], list[HostAnswer]] = {}
    for answer in answers:
        if answer.trouble is not None:
            troubled.setdefault((answer.trouble.kind, answer.trouble.advice), []).append(answer)
    for (kind, _), those in troubled.items():
        names = ", ".join(answer.host.name for answer in those)
        print_message(f"{kind.replace('-', ' ').capitalize()} ({names}): {those[0].advice()}")


def _print_answer(answer: HostAnswer) -> None:
    proxy = " A proxy is set in that login. It was not used." if answer.has_proxy else ""
    print_message(
        f"{answer.host.name:<24} {answer.address or 'no address'!s:<16} {answer.milliseconds:6.0f} ms"
        f"  {answer.sentence()}{proxy}"
    )


def as_json(report: EgressReport) -> dict[str, object]:
    """Return a report as JSON shapes. `address` is null unless at least two operators agree on it.

    `proposed` is what the evidence carries to a whitelist: of a pool, the addresses that two operators saw.
    """
    verdict, route = report.verdict, report.route
    kind = "proxy" if route.is_proxied else "direct"
    return {
        "state": verdict.state,
        "address": str(verdict.address) if verdict.address else None,
        "proposed": list(map(str, verdict.proposed)),
        "addresses": [{"address": str(address), "operators": who} for address, who in verdict.operators.items()],
        "samples": [_sample_json(sample) for sample in report.samples],
        "unfinished": [service.name for service in report.unfinished],
        "route": {"kind": kind, "shown": route.shown, "source": route.source},
    }


def _sample_json(sample: Sample) -> dict[str, object]:
    return {
        "provider": sample.service.name,
        "operator": sample.service.operator,
        "url": sample.service.url,
        "address": str(sample.address) if sample.address else None,
        "refusal": sample.refusal,
        "milliseconds": round(sample.milliseconds, 1),
    }


def _host_json(answer: HostAnswer) -> dict[str, object]:
    trouble = answer.trouble
    return {
        "host": answer.host.name,
        "source": answer.host.source,
        "state": answer.verdict.state,
        "address": str(answer.address) if answer.address else None,
        "addresses": [{"address": str(one), "operators": who} for one, who in answer.verdict.operators.items()],
        "trouble": trouble.kind if trouble else None,
        "reason": answer.sentence(),
        "advice": answer.advice(),
        "client": answer.client,
        "has_proxy": answer.has_proxy,
        "milliseconds": round(answer.milliseconds, 1),
    }


def _exchange_json(observation: ExchangeObservation | None, verdict: EgressVerdict) -> dict[str, object] | None:
    """Return it as JSON shapes; null where it was not asked, or could not be.

    `address` is what it points to: named by the exchange, or alone on the list of the key that it accepts; else null.
    """
    if observation is None:
        return None
    pointed_to = observation.address(verdict)
    return {
        "site": observation.site,
        "accepted": observation.accepted,
        "address": str(pointed_to) if pointed_to else None,
        "confirms": observation.confirms(verdict),
        "sentence": observation.sentence(verdict),
    }


async def observe(environment: Environment, paths: Paths) -> EgressReport | WizardError:
    """Return what services see of this host over the environment's route, or why none could be asked."""
    try:
        route = decide_route(environment, os.environ)
        return await detect(load_services(paths.services_file), route, rules=environment.rules)
    except WizardError as error:
        return error


def keep_observation(report: EgressReport, environment: Environment, paths: Paths, asked_by: str) -> str:
    """Keep it for the history alone, and return what all over its route show; nothing where it was not kept."""

    def write(journal: Journal) -> str:
        journal.note_egress(environment.name, report.verdict, report.route.shown, asked_by=asked_by)
        return describe_history(journal.egress_history(environment.name, report.route.shown))

    return _in_journal(paths, write) or ""


def ask_exchange(environment: Environment, paths: Paths, known: Settings) -> ExchangeObservation:
    """Ask Binance, and keep an address that it named; raise WizardError without a key in use, its place, or a route."""
    observation = run_async(_ask_exchange(environment, paths, known))
    route = decide_route(environment, os.environ)
    _in_journal(paths, lambda journal: keep_exchange_observation(observation, route, journal, environment.name))
    return observation


async def _ask_exchange(environment: Environment, paths: Paths, known: Settings) -> ExchangeObservation:
    key = current_key(environment.name, paths)
    with await fetch(key, await place_opener(paths, known)()) as credentials:
        route = decide_route(environment, os.environ)
        async with open_exchange(environment.site, route, timeout=CALL_DEADLINE) as client:
            return await observe_address(client, credentials, environment.site, networks_of(key.whitelist))


def _in_journal(paths: Paths, write: Callable[[Journal], str | None]) -> str | None:
    """Write to the journal; where that cannot be, say so and return None."""
    try:
        with closing(open_journal(paths)) as journal:
            return write(journal)
    except WizardError as error:
        print_error(error)
        print_message("The address was observed and not kept.")
        return None
