"""What `key-wizard egress --hints` asks beside the verdict: reverse DNS and IPinfo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from wizard.commands.console import fail, tell
from wizard.egress.detect import EgressReport
from wizard.egress.hints import Organisation, OrganisationUnknown, ask_organisation, reverse_names, tell_names
from wizard.egress.system import System

HELP = "also ask reverse DNS and IPinfo whose the address may be: hints, which count for nothing"


@dataclass(frozen=True, slots=True)
class Hints:
    """What was told of the observed addresses."""

    names: Mapping[IPv4Address, str]
    organisation: Organisation | None

    def as_json(self) -> dict[str, object]:
        """Return it as JSON shapes. `organisation` is null where IPinfo did not tell."""
        told = self.organisation
        return {
            "names": {str(address): name for address, name in self.names.items()},
            "organisation": {"address": str(told.address), "name": told.name} if told else None,
        }


async def ask(report: EgressReport, system: System) -> Hints:
    """Ask for hints over the report's route and tell them."""
    addresses = report.verdict.addresses
    names = await reverse_names(addresses, system=system)
    for sentence in tell_names(addresses, names):
        tell(sentence)
    try:
        organisation = await ask_organisation(report.route)
    except OrganisationUnknown as error:
        fail(error)
        return Hints(names, None)
    tell(organisation.sentence())
    return Hints(names, organisation)
