"""What the exchange itself lets one know of the address it sees, beside what echo services say. Pure.

It goes before every echo service: echo services tell by which address they are called, and the way to
the exchange may be another one (docs/egress.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from wizard.egress.agreement import MIN_OPERATORS, EgressVerdict

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
