"""Which of the addresses that were seen go to the whitelist: proposed by the evidence, chosen by the user. Pure.

A `Choice` holds what differs from the evidence alone. So an address of this host that changes is followed by
itself, and what the user ticked or unticked stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from wizard.egress.exchange_word import ExchangeWord
from wizard.egress.quorum import EgressState, EgressVerdict

THIS_HOST = "this host"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user, or the exchange's own word, decided beside the evidence of the echo services."""

    ticked: Mapping[IPv4Address, str] = field(default_factory=dict)
    """Addresses that go to the whitelist without a quorum of operators, each with whose it is."""
    unticked: frozenset[IPv4Address] = frozenset()
    """Addresses that do not go there, whatever the evidence."""

    def wanted(self, carried: Iterable[IPv4Address]) -> dict[IPv4Address, str]:
        """Return what goes to the whitelist, each address with whose it is.

        Args:
            carried: What the evidence carries: `EgressVerdict.carried` of this host's newest detection.
        """
        own = {address: THIS_HOST for address in carried if address not in self.unticked}
        return own | dict(self.ticked)

    def tick(self, address: IPv4Address, owner: str) -> Choice:
        """Return the choice with an address on it."""
        return Choice({**self.ticked, address: owner}, self.unticked - {address})

    def untick(self, address: IPv4Address) -> Choice:
        """Return the choice without an address."""
        ticked = {one: owner for one, owner in self.ticked.items() if one != address}
        return Choice(ticked, self.unticked | {address})

    def follow(self, word: ExchangeWord, verdict: EgressVerdict) -> Choice:
        """Return the choice after the exchange spoke: an address that it names takes the place of others.

        Where this host has a pool and the named address is one of it, the others stay.
        """
        told = word.address(word.comparable(verdict))
        if told is None:
            return self
        is_of_pool = verdict.state is EgressState.POOL and told in verdict.addresses
        choice = self
        if word.named is not None and not is_of_pool:
            for other in set(verdict.carried) - {told}:
                choice = choice.untick(other)
        return choice.tick(told, self.ticked.get(told, THIS_HOST))


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that can go to the whitelist, and who says so."""

    address: IPv4Address
    owner: str
    """Whose it is: `this host`, or names of other hosts."""
    witnesses: str
    """Who says so, for people."""
    is_wanted: bool


def candidates(
    verdict: EgressVerdict | None,
    choice: Choice,
    *,
    word: ExchangeWord | None = None,
    hosts: Mapping[IPv4Address, str] | None = None,
) -> tuple[Candidate, ...]:
    """Return all addresses to choose from: the exchange's own word first, then by the number of operators.

    Args:
        verdict: This host's newest detection; None before the first one.
        choice: What was decided so far.
        word: What the exchange said, where it was asked.
        hosts: The addresses on which operators agreed for other hosts, each with those hosts' names.
    """
    hosts = hosts or {}
    seen = verdict.operators if verdict else {}
    told = word.address(word.comparable(verdict) if verdict else ()) if word else None
    wanted = choice.wanted(verdict.carried if verdict else ())
    known = dict.fromkeys((*([told] if told else []), *seen, *hosts, *choice.ticked, *sorted(choice.unticked)))
    return tuple(
        Candidate(
            address,
            wanted.get(address) or hosts.get(address) or THIS_HOST,
            _witnesses(word if address == told else None, seen.get(address, ()), hosts.get(address, "")),
            address in wanted,
        )
        for address in known
    )


def _witnesses(word: ExchangeWord | None, operators: Sequence[str], hosts: str) -> str:
    parts = []
    if word:
        parts.append(f"named by {word.site} itself" if word.named else f"on the list of the key that {word.site} takes")
    if operators:
        parts.append(f"seen by {', '.join(operators)}" if len(operators) > 1 else f"seen by {operators[0]} alone")
    if hosts:
        parts.append(f"address of {hosts}")
    return "; ".join(parts) or "chosen earlier"
