"""`key-wizard egress`: which address does the exchange see?"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence

from wizard import settings
from wizard.commands import exchange_word, other_hosts
from wizard.commands.console import fail, print_json, tell
from wizard.commands.observing import keep_observation
from wizard.egress.answers import Sample
from wizard.egress.detection import EgressReport, detect, sample_more
from wizard.egress.ipv6 import Ipv6Lookup, Ipv6Way
from wizard.egress.pools import tell_sampling
from wizard.egress.route import Route
from wizard.egress.services import EchoService, load_services
from wizard.egress.ssh_hosts.model import Host, HostAnswer
from wizard.errors import WizardError
from wizard.exit_codes import Exit
from wizard.rotation.reaching import ipv6_way_to_exchange, route_to_exchange
from wizard.settings import Environment, Paths
from wizard.text import printable
from wizard.threads import leaving_lookups_behind


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
    parser.add_argument("--ask-exchange", action="store_true", help=exchange_word.HELP)
    parser.add_argument("--hosts", metavar="A,B", nargs="?", const=other_hosts.FROM_SETTINGS, help=other_hosts.HELP)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Ask over the environment's route, and say who saw what."""
    paths = settings.paths()
    known = settings.load(paths.config_file)
    environment = known.environment(options.env) if options.env else known.default
    hosts = other_hosts.named_hosts(options.hosts, environment) if options.hosts is not None else ()
    asking = _ask(environment, paths, hosts, SAMPLERS[options.sample_more])
    report, way, answers = asyncio.run(leaving_lookups_behind(asking))
    if report.unfinished:
        tell(f"Not waited for: {', '.join(printable(service.name) for service in report.unfinished)}.")
    tell(report.sentence())
    if options.sample_more:
        tell(tell_sampling(report.samples))
    if way:
        tell(f"Attention: {way.sentence()}")
    if history := keep_observation(report, environment, paths, "egress"):
        tell(history)
    other_hosts.tell_advice(answers)
    observation, trouble = None, None
    try:
        observation = exchange_word.ask(environment, paths, known, report.verdict) if options.ask_exchange else None
    except WizardError as error:
        trouble = fail(error)
    if options.json:
        told: dict[str, object] = {"hosts": [other_hosts.as_json(answer) for answer in answers]} if hosts else {}
        told |= {"exchange": exchange_word.as_json(observation, report.verdict)} if options.ask_exchange else {}
        print_json({"environment": environment.name, **as_json(report), **_ipv6_json(way), "history": history, **told})
    confirmed = observation.confirms(observation.comparable(report.verdict)) if observation else None
    is_known = (report.verdict.is_agreed if confirmed is None else confirmed) and all(one.address for one in answers)
    return trouble or (Exit.FINE if is_known else Exit.INCONCLUSIVE)


async def _ask(
    environment: Environment, paths: Paths, hosts: Sequence[Host], sampler: Sampler
) -> tuple[EgressReport, Ipv6Way | None, tuple[HostAnswer, ...]]:
    route = route_to_exchange(environment, os.environ)
    services = load_services(paths.services_file)
    tell(f"Route of {environment.name}: {route.shown} ({route.source}).")
    report, way, answers = await asyncio.gather(
        sampler(services, route, environment),
        ipv6_way_to_exchange(environment, route, Ipv6Lookup()),
        other_hosts.ask(hosts, services, environment),
    )
    return report, way, answers


async def _once(services: Sequence[EchoService], route: Route, environment: Environment) -> EgressReport:
    return await detect(services, route, rules=environment.rules, on_sample=_tell_sample)


async def _on_and_on(services: Sequence[EchoService], route: Route, environment: Environment) -> EgressReport:
    report = await _once(services, route, environment)
    return await sample_more(report, services, rules=environment.rules, on_sample=_tell_sample)


Sampler = Callable[[Sequence[EchoService], Route, Environment], Awaitable[EgressReport]]
SAMPLERS: dict[bool, Sampler] = {False: _once, True: _on_and_on}
"""By whether `--sample-more` was given."""


def _tell_sample(sample: Sample) -> None:
    who = f"{printable(sample.service.operator, 14):<14} {printable(sample.service.name, 18):<18}"
    tell(f"{who} {sample.milliseconds:6.0f} ms  {sample.address or sample.refusal}")


def as_json(report: EgressReport) -> dict[str, object]:
    """Return a report as JSON shapes. `address` is null unless at least two operators agree on it.

    `proposed` is what the evidence carries to a whitelist: of a pool, the addresses that two operators saw.
    """
    verdict = report.verdict
    return {
        "state": verdict.state,
        "address": str(verdict.addresses[0]) if verdict.is_agreed else None,
        "proposed": list(map(str, verdict.carried)),
        "addresses": [{"address": str(address), "operators": who} for address, who in verdict.operators.items()],
        "samples": [_sample_json(sample) for sample in report.samples],
        "unfinished": [service.name for service in report.unfinished],
        "route": {"kind": report.route.kind, "shown": report.route.shown, "source": report.route.source},
    }


def _ipv6_json(way: Ipv6Way | None) -> dict[str, object]:
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
