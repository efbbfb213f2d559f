"""What the answers of several operators mean together, and how many it takes to call a pool complete. Pure.

Invariant: no single operator can make an address `agreed`, however many services it runs and however often it is asked.
One operator alone can keep every address off the whitelist, by saying that WARP is on: the user may still tick one.
Sampling a pool cannot find an address that is rarely used, kept for a failover, or chosen by the destination.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wizard.egress.services import Sample

MIN_OPERATORS = 2
"""Different operators that must see the same address."""
MISSED = 0.01
"""How likely another, equally used address may be overlooked."""
_NUMBERS = {1: "another", 2: "a third", 3: "a fourth"}


class EgressState(StrEnum):
    """How far the answers settle which address others see."""

    AGREED = "agreed"
    """At least two operators saw one address, and nobody another."""
    AGREED_WITH_DISSENT = "agreed-with-dissent"
    """At least two operators saw one address, and one operator another."""
    POOL = "pool"
    """One operator saw several addresses: they change from connection to connection."""
    SPLIT = "split"
    """Operators disagree: the address depends on the destination."""
    SINGLE = "single"
    """One operator alone gave an address."""
    SHARED = "shared"
    """A service says that Cloudflare WARP is on: many people call from the addresses that services see."""
    UNKNOWN = "unknown"
    """Nobody gave an address."""


@dataclass(frozen=True, slots=True)
class EgressVerdict:
    """Which address others see, as far as the answers show it."""

    state: EgressState
    operators: Mapping[IPv4Address, tuple[str, ...]]
    """Who saw each address, in order of their answers; the address with most operators first."""

    @property
    def addresses(self) -> tuple[IPv4Address, ...]:
        """The addresses that were seen, the one with most operators first."""
        return tuple(self.operators)

    @property
    def address(self) -> IPv4Address | None:
        """The one that services agree on, if there is one."""
        return self.addresses[0] if self.is_agreed else None

    @property
    def proposed(self) -> tuple[IPv4Address, ...]:
        """The addresses that the evidence carries to a whitelist: none that one operator alone could have put there."""
        if self.is_agreed:
            return self.addresses[:1]
        if self.state is not EgressState.POOL:
            return ()
        return tuple(address for address, who in self.operators.items() if len(who) >= MIN_OPERATORS)

    @property
    def is_agreed(self) -> bool:
        """Whether the first address may be shown as the observed one."""
        return self.state in {EgressState.AGREED, EgressState.AGREED_WITH_DISSENT}

    @property
    def is_settled(self) -> bool:
        """Whether the others need not be waited for: two agree and nobody is against them, or nobody's word counts."""
        return self.state is EgressState.AGREED or (self.is_shared and bool(self.addresses))

    @property
    def is_shared(self) -> bool:
        """Whether an address that was seen is never proposed, whoever agrees on it."""
        return self.state is EgressState.SHARED

    @property
    def advice(self) -> str:
        """What the user can do, as sentences; nothing where nobody shares the address, as far as is known."""
        return WITHOUT_WARP if self.is_shared else ""

    def sentence(self) -> str:
        """Return the verdict for people. It says what was observed, never that it will stay so."""
        seen = [f"{named(who)} saw {address}" for address, who in self.operators.items()]
        return _SENTENCES[self.state].format(
            first=next(iter(self.addresses), ""),
            listed=", ".join(map(str, self.addresses)),
            witnesses=named(next(iter(self.operators.values()), ())),
            others=", ".join(seen[1:]),
            everybody=", ".join(seen),
        )


WITHOUT_WARP = "Switch WARP off, or exclude Binance and these services from it. Then retry."
_SENTENCES = {
    EgressState.AGREED: "The address is {first}. {witnesses} agree.",
    EgressState.AGREED_WITH_DISSENT: "The address is {first}. {witnesses} agree, but {others}. That service is"
    " wrong, or the route depends on the destination.",
    EgressState.POOL: "Several addresses are in use: {listed}. There may be more. The address can change between"
    " connections, so list every address of the pool.",
    EgressState.SPLIT: "The services disagree: {everybody}. The route seems to depend on the destination. Ask Binance,"
    " or choose.",
    EgressState.SINGLE: "Only {witnesses} answered and saw {first}. One service is not enough. Try again, or compare"
    " with another source.",
    EgressState.SHARED: "Cloudflare WARP is on, so many people share your address. On a whitelist it lets them in too."
    " It also changes.",
    EgressState.UNKNOWN: "No service saw a public IPv4 address.",
}


def judge(samples: Sequence[Sample]) -> EgressVerdict:
    """Return what `samples` mean."""
    seen: dict[IPv4Address, dict[str, None]] = {}
    for sample in samples:
        if sample.address is not None:
            seen.setdefault(sample.address, {})[sample.service.operator] = None
    ranked = sorted(seen.items(), key=lambda item: (-len(item[1]), item[0]))
    operators = {address: tuple(each) for address, each in ranked}
    is_shared = any(sample.is_shared for sample in samples)
    return EgressVerdict(EgressState.SHARED if is_shared else _state(operators), operators)


def _state(operators: Mapping[IPv4Address, tuple[str, ...]]) -> EgressState:
    voices = [operator for witnesses in operators.values() for operator in witnesses]
    if not operators:
        return EgressState.UNKNOWN
    if len(set(voices)) < len(voices):
        return EgressState.POOL
    if len(operators) == 1:
        return EgressState.AGREED if len(voices) >= MIN_OPERATORS else EgressState.SINGLE
    first, *others = operators.values()
    return (
        EgressState.AGREED_WITH_DISSENT
        if len(first) >= MIN_OPERATORS and list(map(len, others)) == [1]
        else EgressState.SPLIT
    )


def named(operators: Sequence[str]) -> str:
    """Return names as one phrase: `Amazon, Cloudflare and ipify`."""
    *most, last = operators or ("nobody",)
    return f"{', '.join(most)} and {last}" if most else last


def answers_needed(addresses: int) -> int:
    """Return how many answers show all of so many equally used addresses, but with a chance of `MISSED`.

    One of them is in none of the answers with at most the sum of their chances to be: 8 for two addresses, 15 for
    three, 21 for four.
    """
    answers = addresses
    while addresses * (1 - 1 / addresses) ** answers >= MISSED:
        answers += 1
    return answers


def answers_missing(samples: Sequence[Sample]) -> int:
    """Return how many more answers it takes until another, equally used address would have shown."""
    seen = [sample.address for sample in samples if sample.address is not None]
    return max(0, answers_needed(len(set(seen)) + 1) - len(seen))


def describe_sampling(samples: Sequence[Sample]) -> str:
    """Return what the answers prove about the number of addresses, and what they do not."""
    seen = [sample.address for sample in samples if sample.address is not None]
    distinct = len(set(seen))
    if not seen:
        return "No service answered, so nothing is known about further addresses."
    answers = f"{len(seen)} answer{'' if len(seen) == 1 else 's'}"
    counted = f"{f'At least {distinct} addresses' if distinct > 1 else '1 address'} in {answers}."
    another = f"{_NUMBERS.get(distinct, 'one more')} that is used as often"
    if missing := answers_missing(samples):
        return f"{counted} {missing} more would show whether there is {another}."
    return (
        f"{counted} The chance to miss {another} is less than {MISSED:.0%}."
        " One that is rarely used, or used for other destinations, is not found this way."
    )
