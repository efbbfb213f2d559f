"""What the journal knows that a whitelist is checked against: other lists, observations, labels, the list in use."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network

from wizard.core.settings import Environment
from wizard.custody.records import Slot
from wizard.rotation.journal import Journal
from wizard.whitelist import ListContext, OtherList, RequiredAddress, parse


def list_context(journal: Journal, environment: Environment, must_cover: Sequence[RequiredAddress]) -> ListContext:
    """Gather what a list of `environment` is checked against; `must_cover` also says whose those addresses are."""
    observed = journal.observed_addresses()
    owners = {IPv4Network(required.address): required.owner for required in must_cover}
    return ListContext(
        environment.rules,
        tuple(must_cover),
        others=tuple(OtherList(name, networks_of(text)) for name, text in journal.other_lists(environment.name)),
        previous=list_in_use(journal, environment.name),
        observed=tuple(map(IPv4Network, observed)) or None,
        labels={**owners, **labels_of(journal, environment.name)},
    )


def list_in_use(journal: Journal, environment: str) -> tuple[IPv4Network, ...]:
    """Return the list of the current key, which was proven before it came there, else the one proven last."""
    current = journal.key_in(environment, Slot.CURRENT)
    return networks_of(current.whitelist if current else journal.proven_whitelist(environment))


def labels_of(journal: Journal, environment: str) -> dict[IPv4Network, str]:
    """Return the labels that were typed for an environment's entries, empty ones too: they were removed by hand."""
    return {IPv4Network(network): label for network, label in journal.labels(environment).items()}


def networks_of(text: str) -> tuple[IPv4Network, ...]:
    """Return the networks in a list that was valid when it was kept."""
    return tuple(entry.network for entry in parse(text) if entry.network is not None)
