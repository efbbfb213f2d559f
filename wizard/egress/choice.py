"""Which of the addresses that were seen go to the whitelist: proposed by the evidence, chosen by the user. Pure.

A `Choice` holds what differs from the evidence alone. So an address of this host that changes is followed by
itself, and what the user ticked or unticked stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address

from wizard.egress.exchange_word import ExchangeWord
from wizard.egress.quorum import EgressState, EgressVerdict

THIS_HOST = "this host"


@dataclass(frozen=True, slots=True)
class Told:
    """The exchange's own word about this host, and what operators saw beside it. It is as old as that."""

    address: IPv4Address
    beside: frozenset[IPv4Address] = frozenset()
    """What the evidence carried when the exchange spoke."""
    is_instead: bool = False
    """Whether the address takes the place of these."""
    seen: frozenset[IPv4Address] = frozenset()
    """What operators saw then, also without a quorum."""

    def stands(self, verdict: EgressVerdict | None) -> bool:
        """Return whether a later detection leaves the word standing.

        One that carries something else only does not, nor one that settles nothing and sees nothing of what was seen.
        """
        if verdict is None:
            return True
        told = self.beside | {self.address}
        now, known = (verdict.carried, told) if verdict.carried else (verdict.addresses, told | self.seen)
        return not now or not known.isdisjoint(now)

    @property
    def replaced(self) -> frozenset[IPv4Address]:
        """The addresses that do not go to the whitelist for its sake."""
        return self.beside - {self.address} if self.is_instead else frozenset()


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user, or the exchange's own word, decided beside the evidence of the echo services."""

    ticked: Mapping[IPv4Address, str] = field(default_factory=dict)
    """Addresses that the user sends to the whitelist without a quorum of operators, each with whose it is."""
    unticked: frozenset[IPv4Address] = frozenset()
    """Addresses that do not go there, whatever the evidence."""
    told: Told | None = None
    """What the exchange said last; it counts while detections leave it standing."""

    def wanted(self, verdict: EgressVerdict | None) -> dict[IPv4Address, str]:
        """Return what goes to the whitelist, each address with whose it is.

        Args:
            verdict: This host's newest detection; None before the first one.
        """
        carried = verdict.carried if verdict else ()
        told = [self.told.address] if self.told and self.told.stands(verdict) else []
        left_out = self.left_out(verdict)
        return {address: THIS_HOST for address in (*carried, *told) if address not in left_out} | dict(self.ticked)

    def left_out(self, verdict: EgressVerdict | None) -> frozenset[IPv4Address]:
        """Return what does not go to the whitelist although it was seen: by the user's will, or the exchange's word."""
        replaced = self.told.replaced if self.told and self.told.stands(verdict) else frozenset()
        return self.unticked | (replaced - self.ticked.keys())

    def outdated(self, verdict: EgressVerdict | None) -> frozenset[IPv4Address]:
        """Return what the exchange named before a later detection that contradicts it."""
        return frozenset() if self.told is None or self.told.stands(verdict) else frozenset([self.told.address])

    def tick(self, address: IPv4Address, owner: str) -> Choice:
        """Return the choice with an address on it."""
        return replace(self, ticked={**self.ticked, address: owner}, unticked=self.unticked - {address})

    def untick(self, address: IPv4Address) -> Choice:
        """Return the choice without an address."""
        ticked = {one: owner for one, owner in self.ticked.items() if one != address}
        return replace(self, ticked=ticked, unticked=self.unticked | {address})

    def follow(self, word: ExchangeWord, verdict: EgressVerdict) -> Choice:
        """Return the choice after the exchange spoke: an address that it names takes the place of others.

        Where this host has a pool and the named address is one of it, the others stay.
        """
        told = word.address(word.comparable(verdict))
        if told is None:
            return self
        is_of_pool = verdict.state is EgressState.POOL and told in verdict.addresses
        is_instead = word.named is not None and not is_of_pool
        heard = Told(told, frozenset(verdict.carried), is_instead, frozenset(verdict.addresses))
        ticked = {
            address: owner
            for address, owner in self.ticked.items()
            if owner != THIS_HOST or address not in heard.replaced
        }
        return Choice(ticked, self.unticked - {told}, heard)


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
    wanted = choice.wanted(verdict)
    earlier = choice.told if choice.told and told is None else None
    first = told or (earlier.address if earlier else None)
    known = dict.fromkeys((*([first] if first else []), *seen, *hosts, *choice.ticked, *sorted(choice.unticked)))
    return tuple(
        Candidate(
            address,
            wanted.get(address) or hosts.get(address) or THIS_HOST,
            _witnesses(
                _exchange(word) if word and address == told else _earlier(earlier, address, verdict),
                seen.get(address, ()),
                hosts.get(address, ""),
            ),
            address in wanted,
        )
        for address in known
    )


def _exchange(word: ExchangeWord) -> str:
    return f"named by {word.site} itself" if word.named else f"on the list of the key that {word.site} takes"


def _earlier(told: Told | None, address: IPv4Address, verdict: EgressVerdict | None) -> str:
    if told is None or told.address != address:
        return ""
    return "the exchange's word, earlier" if told.stands(verdict) else "the exchange's word, outdated: ask it again"


def _witnesses(exchange: str, operators: Sequence[str], hosts: str) -> str:
    parts = [exchange] if exchange else []
    if operators:
        parts.append(f"seen by {', '.join(operators)}" if len(operators) > 1 else f"seen by {operators[0]} alone")
    if hosts:
        parts.append(f"address of {hosts}")
    return "; ".join(parts) or "chosen earlier"
