"""`key-wizard egress`: which address does the exchange see?"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TypeVar

from wizard.commands.console import print_error, print_json, print_message, standard_input
from wizard.commands.prompts import place_opener
from wizard.core import settings
from wizard.core.errors import Exit, WizardError
from wizard.core.settings import Environment, Paths, Settings
from wizard.core.text import printable
from wizard.core.threads import run_async
from wizard.egress.agreement import EgressVerdict, describe_sampling
from wizard.egress.answers import Sample
from wizard.egress.detection import EgressReport, detect, sample_more
from wizard.egress.exchange_observation import ExchangeObservation
from wizard.egress.history import describe_history
from wizard.egress.ipv6 import Ipv6Lookup, Ipv6Route
from wizard.egress.services import EchoService, load_services
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

Result = TypeVar("Result")
_HOSTS_HELP = (
    "also ask other hosts over OpenSSH, as your ~/.ssh/config says; names parted by commas, [user@]host each."
    f" {FROM_SETTINGS} stands for the environment's hosts = […] and is meant where no name is given,"
    f" {FROM_SSH_CONFIG} for every Host name in ~/.ssh/config, {FROM_STANDARD_INPUT} for the names on standard input,"
    " one per line"
)
_EXCHANGE_HELP = (
    "also ask the exchange itself, by read-only signed calls of the key in use: its word goes before the operators'"
)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "egress",
        help="what address does the exchange see?",
        description="Asks several operators which address they see. Exit code 0 when they agree, 6 when they do not;"
        " with --hosts, when they agree for every host; with --ask-exchange, when the exchange's own word confirms it"
        " or leaves it open.",
    )
    # SUPPRESS: a default would overwrite an --env that stands before the command.
    parser.add_argument(
        "--env", metavar="NAME", default=argparse.SUPPRESS, help="by whose route; production, else the first"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--sample-more", action="store_true", help="ask on until a second, equally used address would have shown"
    )
    parser.add_argument("--ask-exchange", action="store_true", help=_EXCHANGE_HELP)
    parser.add_argument("--hosts", metavar="A,B", nargs="?", const=FROM_SETTINGS, help=_HOSTS_HELP)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Ask over the environment's route, and say who saw what."""
    paths = settings.paths()
    known = settings.load(paths.config_file)
    environment = known.environment(options.env) if options.env else known.default
    hosts = _named_hosts(options.hosts, environment) if options.hosts is not None else ()
    report, way, answers = run_async(_ask(environment, paths, hosts, samples_more=options.sample_more))
    if report.unfinished:
        print_message(f"Not waited for: {', '.join(printable(service.name) for service in report.unfinished)}.")
    print_message(report.sentence())
    if options.sample_more:
        print_message(describe_sampling(report.samples))
    if way:
        print_message(f"Attention: {way.sentence()}")
    if history := keep_observation(report, environment, paths, "egress"):
        print_message(history)
    print_advice(answers)
    observation, trouble = None, None
    try:
        observation = ask_exchange(environment, paths, known, report.verdict) if options.ask_exchange else None
    except WizardError as error:
        trouble = print_error(error)
    if options.json:
        # It is null where nothing here could call the exchange over IPv6, or the name service did not tell.
        told: dict[str, object] = {"ipv6": way and _ipv6_json(way), "history": history}
        told |= {"hosts": [_host_json(answer) for answer in answers]} if hosts else {}
        told |= {"exchange": _exchange_json(observation, report.verdict)} if options.ask_exchange else {}
        print_json({"environment": environment.name, **as_json(report), **told})
    confirmed = observation.confirms(report.verdict) if observation else None
    is_known = (report.verdict.is_agreed if confirmed is None else confirmed) and all(one.address for one in answers)
    return trouble or (Exit.FINE if is_known else Exit.INCONCLUSIVE)


def _named_hosts(text: str, environment: Environment) -> tuple[Host, ...]:
    ssh_config = settings.home(os.environ) / ".ssh" / "config"
    hosts = named_hosts(text, environment.hosts, ssh_config=ssh_config, standard_input=standard_input)
    if hosts:
        return hosts
    raise WizardError(
        "There is no host to ask",
        why=f"{'Standard input' if text == FROM_STANDARD_INPUT else printable(text, 60)} names none.",
        advice=f'Write hosts = ["bot-1"] below [environments.{environment.name}] in config.toml, or --hosts bot-1.',
        code="hosts.none",
    )


async def _ask(
    environment: Environment, paths: Paths, hosts: Sequence[Host], *, samples_more: bool
) -> tuple[EgressReport, Ipv6Route | None, tuple[HostAnswer, ...]]:
    route = decide_route(environment, os.environ)
    services = load_services(paths.services_file)
    print_message(f"Route of {environment.name}: {route.shown} ({route.source}).")
    return await asyncio.gather(
        _detect(services, route, environment, samples_more=samples_more),
        ipv6_route_to_exchange(environment, route, Ipv6Lookup()),
        _ask_hosts(hosts, services, environment),
    )


async def _detect(
    services: Sequence[EchoService], route: Route, environment: Environment, *, samples_more: bool
) -> EgressReport:
    report = await detect(services, route, rules=environment.rules, on_sample=_print_sample)
    if not samples_more:
        return report
    return await sample_more(report, services, rules=environment.rules, on_sample=_print_sample)


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


def print_advice(answers: Sequence[HostAnswer]) -> None:
    """Say what to do about the hosts that gave no address, once for all that have the same trouble."""
    troubled: dict[tuple[str, str], list[HostAnswer]] = {}
    for answer in answers:
        if answer.trouble is not None:
            troubled.setdefault((answer.trouble.kind, answer.trouble.advice), []).append(answer)
    for (kind, _), those in troubled.items():
        names = ", ".join(answer.host.name for answer in those)
        print_message(f"{kind.replace('-', ' ').capitalize()} ({names}): {those[0].advice()}")
    for address, labelled in labels(answers).items():
        print_message(f"For the whitelist: {address} # {', '.join(labelled)}")


def _print_answer(answer: HostAnswer) -> None:
    proxy = " A proxy is set in that login; it was not used." if answer.has_proxy else ""
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
        "address": str(verdict.addresses[0]) if verdict.is_agreed else None,
        "proposed": list(map(str, verdict.proposed)),
        "addresses": [{"address": str(address), "operators": who} for address, who in verdict.operators.items()],
        "samples": [_sample_json(sample) for sample in report.samples],
        "unfinished": [service.name for service in report.unfinished],
        "route": {"kind": kind, "shown": route.shown, "source": route.source},
    }


def _ipv6_json(way: Ipv6Route) -> dict[str, object]:
    return {"host": way.host, "address": str(way.address), "source": str(way.source), "note": way.sentence()}


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
    told = observation.address(verdict)
    return {
        "site": observation.site,
        "accepted": observation.accepted,
        "address": str(told) if told else None,
        "confirms": observation.confirms(verdict),
        "sentence": observation.sentence(verdict),
    }


def keep_observation(report: EgressReport, environment: Environment, paths: Paths, asked_by: str) -> str:
    """Keep what was seen, and return what all observations over its route show; nothing where it was not kept.

    Args:
        report: The detection.
        environment: By whose route it was made.
        paths: Where the journal is.
        asked_by: The command's name: its observation is kept for the history alone.
    """

    def write(journal: Journal) -> str:
        journal.note_egress(environment.name, report.verdict, report.route.shown, asked_by=asked_by)
        return describe_history(journal.egress_history(environment.name, report.route.shown))

    return _in_journal(paths, write) or ""


def ask_exchange(
    environment: Environment, paths: Paths, known: Settings, verdict: EgressVerdict
) -> ExchangeObservation:
    """Ask, tell what it means beside the addresses that echo services saw, and keep an address that was named.

    Raises:
        wizard.core.errors.WizardError: no key is in use, or keyring or route cannot be used.
    """
    observation = run_async(_ask_exchange(environment, paths, known))
    print_message(observation.sentence(verdict))
    route = decide_route(environment, os.environ)
    _in_journal(paths, lambda journal: keep_exchange_observation(observation, route, journal, environment.name))
    return observation


async def _ask_exchange(environment: Environment, paths: Paths, known: Settings) -> ExchangeObservation:
    key = current_key(environment.name, paths)
    credentials = await fetch(key, await place_opener(paths, known)())
    try:
        route = decide_route(environment, os.environ)
        async with open_exchange(environment, route, timeout=CALL_DEADLINE) as client:
            return await observe_address(client, credentials, environment.site, networks_of(key.whitelist))
    finally:
        credentials.wipe()


def _in_journal(paths: Paths, write: Callable[[Journal], Result]) -> Result | None:
    """Write to the journal; where that cannot be, say so and return None."""
    try:
        with closing(open_journal(paths)) as journal:
            return write(journal)
    except WizardError as error:
        print_error(error)
        print_message("The address was observed, but not kept.")
        return None
