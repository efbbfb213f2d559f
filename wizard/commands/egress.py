"""`key-wizard egress`: which address does the exchange see?"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Sequence

from wizard.commands.console import fail, print_json, tell
from wizard.commands.observations import ask_exchange, keep_observation
from wizard.commands.standard_input import standard_input
from wizard.core import settings
from wizard.core.errors import WizardError
from wizard.core.exit_codes import Exit
from wizard.core.settings import Environment, Paths
from wizard.core.text import printable
from wizard.core.threads import leaving_lookups_behind
from wizard.egress.agreement import EgressVerdict, describe_sampling
from wizard.egress.answers import Sample
from wizard.egress.detection import EgressReport, detect, sample_more
from wizard.egress.exchange_observation import ExchangeObservation
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
from wizard.net.route import Route
from wizard.rotation.exchange_calls import ipv6_route_to_exchange, route_to_exchange

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
    asking = _ask(environment, paths, hosts, samples_more=options.sample_more)
    report, way, answers = asyncio.run(leaving_lookups_behind(asking))
    if report.unfinished:
        tell(f"Not waited for: {', '.join(printable(service.name) for service in report.unfinished)}.")
    tell(report.sentence())
    if options.sample_more:
        tell(describe_sampling(report.samples))
    if way:
        tell(f"Attention: {way.sentence()}")
    if history := keep_observation(report, environment, paths, "egress"):
        tell(history)
    tell_advice(answers)
    observation, trouble = None, None
    try:
        observation = ask_exchange(environment, paths, known, report.verdict) if options.ask_exchange else None
    except WizardError as error:
        trouble = fail(error)
    if options.json:
        told: dict[str, object] = {"hosts": [_host_json(answer) for answer in answers]} if hosts else {}
        told |= {"exchange": _exchange_json(observation, report.verdict)} if options.ask_exchange else {}
        print_json({"environment": environment.name, **as_json(report), **_ipv6_json(way), "history": history, **told})
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
    )


async def _ask(
    environment: Environment, paths: Paths, hosts: Sequence[Host], *, samples_more: bool
) -> tuple[EgressReport, Ipv6Route | None, tuple[HostAnswer, ...]]:
    route = route_to_exchange(environment, os.environ)
    services = load_services(paths.services_file)
    tell(f"Route of {environment.name}: {route.shown} ({route.source}).")
    report, way, answers = await asyncio.gather(
        _detect(services, route, environment, samples_more=samples_more),
        ipv6_route_to_exchange(environment, route, Ipv6Lookup()),
        _ask_hosts(hosts, services, environment),
    )
    return report, way, answers


async def _detect(
    services: Sequence[EchoService], route: Route, environment: Environment, *, samples_more: bool
) -> EgressReport:
    report = await detect(services, route, rules=environment.rules, on_sample=_tell_sample)
    if not samples_more:
        return report
    return await sample_more(report, services, rules=environment.rules, on_sample=_tell_sample)


def _tell_sample(sample: Sample) -> None:
    who = f"{printable(sample.service.operator, 14):<14} {printable(sample.service.name, 18):<18}"
    tell(f"{who} {sample.milliseconds:6.0f} ms  {sample.address or sample.refusal}")


async def _ask_hosts(
    hosts: Sequence[Host], services: Sequence[EchoService], environment: Environment
) -> tuple[HostAnswer, ...]:
    if not hosts:
        return ()
    bounds = Bounds()
    ssh = find_openssh(os.environ)
    whom = "another host" if len(hosts) == 1 else f"{len(hosts)} other hosts"
    tell(
        f"Asking {whom} over OpenSSH, {bounds.at_a_time} at a time,"
        f" at most {bounds.each:g} s each and {bounds.together:g} s in all."
    )
    return await ask_hosts(hosts, services, ssh, rules=environment.rules, bounds=bounds, on_answer=_tell_answer)


def tell_advice(answers: Sequence[HostAnswer]) -> None:
    """Say what to do about the hosts that gave no address, once for all that have the same trouble."""
    troubled: dict[tuple[str, str], list[HostAnswer]] = {}
    for answer in answers:
        if answer.trouble is not None:
            troubled.setdefault((answer.trouble.kind, answer.trouble.advice), []).append(answer)
    for (kind, _), those in troubled.items():
        names = ", ".join(answer.host.name for answer in those)
        tell(f"{kind.replace('-', ' ').capitalize()} ({names}): {those[0].advice()}")
    for address, labelled in labels(answers).items():
        tell(f"For the whitelist: {address} # {', '.join(labelled)}")


def _tell_answer(answer: HostAnswer) -> None:
    proxy = " A proxy is set in that login; it was not used." if answer.has_proxy else ""
    tell(
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


def _ipv6_json(way: Ipv6Route | None) -> dict[str, object]:
    """`ipv6` is null where nothing here could call the exchange over IPv6, or the name service did not tell."""
    if way is None:
        return {"ipv6": None}
    return {"ipv6": {"host": way.host, "address": str(way.address), "source": str(way.source), "note": way.sentence()}}


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
