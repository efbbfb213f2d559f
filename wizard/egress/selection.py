"""Which of the addresses that were seen go to the whitelist: proposed by the evidence, chosen by the user. Pure.

What the exchange itself lets one know of the address it sees goes before every echo service: they tell by which address
they are called, and the way to the exchange may be another one (docs/egress.md). A `Selection` holds, beside the
evidence, what differs from it. So an address of this host that changes is followed by itself, and what the user ticked
or unticked stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network

from wizard.egress.agreement import MIN_OPERATORS, EgressState, EgressVerdict, named

_CDN = IPv4Network("130.176.0.0/16")
"""CloudFront's way to its customers. A refusal was seen to name such an address in the caller's place (REPORTED)."""
_SPLIT = "The route depends on the destination (split routing, or a proxy for one of the two)."


def callers_address(named: IPv4Address | None, seen: Sequence[IPv4Address]) -> IPv4Address | None:
    """Return the address that a refusal named; None where it is one of the exchange's CDN that nobody else saw."""
    return None if named is None or (named in _CDN and named not in seen) else named


@dataclass(frozen=True, slots=True)
class ExchangeObservation:
    """What a signed call with the current key showed."""

    site: str
    """Who was asked, for people."""
    accepted: bool = False
    """Whether the key was accepted from here."""
    is_restricted: bool | None = None
    """Whether the key works from listed addresses only; None where the exchange did not say."""
    listed: tuple[IPv4Network, ...] = ()
    """The key's list as it is known here."""
    named: IPv4Address | None = None
    """The address that the exchange named in a refusal; futures hosts do (REPORTED)."""
    trouble: str = ""
    """Why nothing was learnt; empty where something was."""

    def address(self, verdict: EgressVerdict | None) -> IPv4Address | None:
        """Return the address that the exchange named, or the one seen that an accepted key's list has; else None."""
        seen = self._comparable(verdict)
        if self.named is not None:
            return callers_address(self.named, seen)
        listed = [address for address in seen if self._lists(address)] if self._is_bound else []
        return listed[0] if len(listed) == 1 else None

    def confirms(self, verdict: EgressVerdict | None) -> bool | None:
        """Return whether the exchange sees an address that echo services saw; None where it does not tell."""
        seen = self._comparable(verdict)
        if self.named is not None:
            return None if callers_address(self.named, seen) is None else self.named in seen
        return any(map(self._lists, seen)) if self._is_bound and seen else None

    @property
    def _is_bound(self) -> bool:
        """Whether the key was accepted from here, and works from the addresses of a known list only."""
        return bool(self.accepted and self.is_restricted and self.listed)

    def _comparable(self, verdict: EgressVerdict | None) -> tuple[IPv4Address, ...]:
        """Return the addresses that the answer says something of.

        An accepted key whose list has several addresses tells only that this host has one of them. Which, no
        operator decides alone: it could name any other one.
        """
        if verdict is None:
            return ()
        has_several = sum(network.num_addresses for network in self.listed) > 1
        if self.named is not None or not has_several:
            return verdict.addresses
        return tuple(address for address, who in verdict.operators.items() if len(who) >= MIN_OPERATORS)

    def sentence(self, verdict: EgressVerdict | None) -> str:
        """Return what it means next to the addresses that echo services saw."""
        seen = self._comparable(verdict)
        confirmed = self.confirms(verdict)
        if self.named is not None:
            return self._named(self.named, seen, confirmed)
        if not self.accepted:
            return f"Binance did not show which address it sees. {self.trouble or 'It gave no reason'}."
        if confirmed is None:
            unbound = ", but the key is not bound to a list" if self.is_restricted is False else ""
            return f"Binance accepts the current key from here{unbound}. That does not show which address it sees."
        if confirmed:
            return (
                "Binance accepts the current key from here. The list you composed for it has an address that was seen."
            )
        return (
            "Binance accepts the current key from here. The list you composed for it has none of the addresses that"
            f" were seen. {_SPLIT} Or the list was changed on Binance's page. Compare it there."
        )

    def _named(self, named: IPv4Address, seen: Sequence[IPv4Address], confirmed: bool | None) -> str:
        if confirmed is None:
            return (
                f"Binance named {named}, which no service saw. It belongs to CloudFront, the network that Binance uses,"
                " so it says nothing about this host."
            )
        if confirmed:
            return f"Binance sees {named}, as the services do."
        others = f", not {' or '.join(map(str, seen))}" if seen else ""
        return f"Binance sees {named}{others}. {_SPLIT} Put it on the whitelist, and find out whose it is."

    def _lists(self, address: IPv4Address) -> bool:
        return any(address in network for network in self.listed)


THIS_HOST = "this host"


@dataclass(frozen=True, slots=True)
class ExchangeAddress:
    """The address that the exchange itself named for this host, and what operators saw beside it."""

    address: IPv4Address
    beside: frozenset[IPv4Address] = frozenset()
    """What the evidence proposed when the exchange answered."""
    is_instead: bool = False
    """Whether the address takes the place of these."""
    seen: frozenset[IPv4Address] = frozenset()
    """What operators saw then, also where they did not agree."""

    def stands(self, verdict: EgressVerdict | None) -> bool:
        """Return whether a later detection leaves the word standing.

        One that carries something else only does not, nor one that settles nothing and sees nothing of what was seen.
        """
        if verdict is None:
            return True
        then = self.beside | {self.address}
        now, known = (verdict.proposed, then) if verdict.proposed else (verdict.addresses, then | self.seen)
        return not now or not known.isdisjoint(now)

    @property
    def replaced(self) -> frozenset[IPv4Address]:
        """The addresses that do not go to the whitelist for its sake."""
        return self.beside - {self.address} if self.is_instead else frozenset()


@dataclass(frozen=True, slots=True)
class Selection:
    """The evidence of the echo services, and what the user, or the exchange's own word, decided beside it."""

    verdict: EgressVerdict | None = None
    """This host's newest detection; None before the first one."""
    ticked: Mapping[IPv4Address, str] = field(default_factory=dict)
    """Addresses that the user sends to the whitelist without two operators that agree, each with whose it is."""
    unticked: frozenset[IPv4Address] = frozenset()
    """Addresses that do not go there, whatever the evidence."""
    exchange: ExchangeAddress | None = None
    """What the exchange said last; it counts while detections leave it standing."""

    @property
    def evident(self) -> tuple[IPv4Address, ...]:
        """The addresses of this host that evidence carries: operators agree on one, or the exchange itself named it.

        With WARP on there is none. The user can still tick one: an organisation may have an address of its own there.
        """
        if self.verdict and self.verdict.is_shared:
            return ()  # the exchange may see yet another address of WARP
        told = (self.exchange.address,) if self.exchange and self.exchange.stands(self.verdict) else ()
        return (*(self.verdict.proposed if self.verdict else ()), *told)

    def wanted(self) -> dict[IPv4Address, str]:
        """Return what goes to the whitelist and has to be covered by it, each address with whose it is."""
        left_out = self.left_out()
        return {address: THIS_HOST for address in self.evident if address not in left_out} | dict(self.ticked)

    def left_out(self) -> frozenset[IPv4Address]:
        """Return what was seen and does not go to the whitelist, by the user's will or the exchange's word."""
        replaced = self.exchange.replaced if self.exchange and self.exchange.stands(self.verdict) else frozenset()
        return self.unticked | (replaced - self.ticked.keys())

    def outdated(self) -> frozenset[IPv4Address]:
        """Return what does not go to the whitelist any more: a later detection contradicts the exchange's word."""
        told = frozenset([self.exchange.address] if self.exchange else [])
        return told.difference(self.evident, self.wanted())

    def by_owner(self) -> tuple[dict[IPv4Address, str], dict[IPv4Address, str]]:
        """Return what goes to the whitelist, with whose it is: of this host, and of other hosts alone."""
        seen, wanted = self.verdict.addresses if self.verdict else (), self.wanted()
        own = {address: owner for address, owner in wanted.items() if owner == THIS_HOST or address in seen}
        return own, {address: owner for address, owner in wanted.items() if address not in own}

    def tick(self, address: IPv4Address, owner: str) -> Selection:
        """Return the selection with an address on it."""
        return replace(self, ticked={**self.ticked, address: owner}, unticked=self.unticked - {address})

    def untick(self, address: IPv4Address) -> Selection:
        """Return the selection without an address."""
        ticked = {one: owner for one, owner in self.ticked.items() if one != address}
        return replace(self, ticked=ticked, unticked=self.unticked | {address})

    def follow(self, observation: ExchangeObservation) -> Selection:
        """Return the selection with an address that the exchange names in the place of others, if no pool's."""
        verdict = self.verdict
        told = observation.address(verdict)
        if verdict is None or told is None:
            return self
        is_of_pool = verdict.state is EgressState.POOL and told in verdict.addresses
        is_instead = observation.named is not None and not is_of_pool
        exchange = ExchangeAddress(told, frozenset(verdict.proposed), is_instead, frozenset(verdict.addresses))
        ticked = {
            address: owner
            for address, owner in self.ticked.items()
            if owner != THIS_HOST or address not in exchange.replaced
        }
        return Selection(verdict, ticked, self.unticked - {told}, exchange)


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
    selection: Selection,
    *,
    observation: ExchangeObservation | None = None,
    hosts: Mapping[IPv4Address, str] | None = None,
) -> tuple[Candidate, ...]:
    """Return all addresses to choose from, Binance's first; `hosts` are those of other hosts, with their names."""
    hosts, verdict = hosts or {}, selection.verdict
    seen = verdict.operators if verdict else {}
    told = observation.address(verdict) if observation else None
    is_named = observation is not None and observation.named is not None
    now = "named by Binance" if is_named else "on the list of the key that Binance accepts"
    wanted = selection.wanted()
    earlier = selection.exchange if selection.exchange and told is None else None
    first = told or (earlier.address if earlier else None)
    known = dict.fromkeys((*([first] if first else []), *seen, *hosts, *selection.ticked, *sorted(selection.unticked)))
    return tuple(
        Candidate(
            address,
            wanted.get(address) or hosts.get(address) or THIS_HOST,
            _witnesses(
                now if address == told else _earlier(earlier, address, verdict),
                seen.get(address, ()),
                hosts.get(address, ""),
                is_shared=bool(verdict and verdict.is_shared and address in seen),
            ),
            address in wanted,
        )
        for address in known
    )


def _earlier(exchange: ExchangeAddress | None, address: IPv4Address, verdict: EgressVerdict | None) -> str:
    if exchange is None or exchange.address != address:
        return ""
    return "seen by Binance earlier" if exchange.stands(verdict) else "seen by Binance earlier, now outdated"


def _witnesses(exchange: str, operators: Sequence[str], hosts: str, *, is_shared: bool) -> str:
    parts = [exchange] if exchange else []
    if operators:
        parts.append(f"seen by {named(operators)}" if len(operators) > 1 else f"seen by {operators[0]} alone")
    if hosts:
        parts.append(f"address of {hosts}")
    if is_shared:
        parts.append("shared")
    return ", ".join(parts) or "chosen earlier"
