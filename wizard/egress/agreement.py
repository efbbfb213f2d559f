"""What the answers of several operators mean together. Pure.

Invariant: no single operator can make an address `agreed`, however many services it runs and
however often it was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address

from wizard.egress.answers import Sample
from wizard.egress.services import EchoService

MIN_OPERATORS = 2
"""Different operators that must see the same address."""


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
    UNKNOWN = "unknown"
    """Nobody gave an address."""


@dataclass(frozen=True, slots=True)
class EgressVerdict:
    """Which address others see, as far as the answers show it."""

    state: EgressState
    operators: Mapping[IPv4Address, tuple[str, ...]]
    """Who saw each address, in order of their answers; the address with most operators first."""
    is_settled: bool
    """Whether waiting for the outstanding services is of no more use."""

    @property
    def addresses(self) -> tuple[IPv4Address, ...]:
        """The addresses that were seen, the one with most operators first."""
        return tuple(self.operators)

    @property
    def carried(self) -> tuple[IPv4Address, ...]:
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

    def sentence(self) -> str:
        """Return the verdict for people. It says what was observed, never that it will stay so."""
        return _SENTENCES[self.state].format(
            first=next(iter(self.addresses), ""),
            count=len(self.addresses),
            listed=", ".join(map(str, self.addresses)),
            witnesses=_named(next(iter(self.operators.values()), ())),
            others="; ".join(f"{_named(who)} saw {address}" for address, who in list(self.operators.items())[1:]),
            everybody="; ".join(f"{_named(who)} saw {address}" for address, who in self.operators.items()),
        )


_SENTENCES = {
    EgressState.AGREED: "Observed {first}, seen alike by {witnesses}.",
    EgressState.AGREED_WITH_DISSENT: "Observed {first}, seen alike by {witnesses}, but {others}: "
    "a faulty service, or a route that depends on the destination.",
    EgressState.POOL: "Observed {count} addresses from this host ({listed}); there may be more. "
    "One operator saw several, so the address can change between connections: list every address of the pool.",
    EgressState.SPLIT: "The operators disagree: {everybody}. The route seems to depend on the destination; "
    "take the exchange's own word, or choose.",
    EgressState.SINGLE: "Observed {first}, but only {witnesses} answered. One operator is not enough: "
    "ask again, or compare with another source.",
    EgressState.UNKNOWN: "No operator gave a public IPv4 address.",
}


def judge(samples: Sequence[Sample], *, pending: Sequence[EchoService] = ()) -> EgressVerdict:
    """Return what `samples` mean, while `pending` services have not answered yet.

    Two operators that agree, with nobody against them, settle the matter: the stragglers are not
    waited for. Everything else is settled only when nobody is left to answer.
    """
    operators = _witnesses(samples)
    state = _state(operators)
    return EgressVerdict(state, operators, is_settled=state is EgressState.AGREED or not pending)


def _witnesses(samples: Iterable[Sample]) -> dict[IPv4Address, tuple[str, ...]]:
    seen: dict[IPv4Address, dict[str, None]] = {}
    for sample in samples:
        if sample.address is not None:
            seen.setdefault(sample.address, {})[sample.service.operator] = None
    ranked = sorted(seen.items(), key=lambda item: (-len(item[1]), item[0]))
    return {address: tuple(operators) for address, operators in ranked}


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


def _named(operators: Sequence[str]) -> str:
    *most, last = operators or ("nobody",)
    return f"{', '.join(most)} and {last}" if most else last
