"""Plants what a scenario is about (`wizard.rehearsal.scenarios`) when the second key is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address

from wizard.rehearsal.exchange.faults import CannedAnswer, Faults
from wizard.rehearsal.exchange.keys import ApiKey
from wizard.rehearsal.exchange.weights import slow_down_body
from wizard.rehearsal.scenarios import PASSES_AFTER, SMOOTH, Scenario

_RATE_LIMITED = 429
_ADDRESSES_MOVED = 50
"""How far each public address moves; the example addresses stay within their network."""


class OtherKeysVerifier:
    """Belongs to another secret: no signature of this key's holder is right."""

    def verify(self, payload: bytes, signature: str) -> bool:  # noqa: ARG002 - see `Verifier`
        """See `Verifier`."""
        return False


@dataclass(slots=True)
class Plot:
    """What goes wrong in one exchange, and how far it has come."""

    scenario: Scenario = SMOOTH
    passes_after: float = PASSES_AFTER
    """Seconds."""
    first_key: str = ""
    is_sprung: bool = False

    def springs_with(self, key: ApiKey) -> bool:
        """Return whether it begins with this key, which was just made: with the second one, once."""
        if not self.first_key:
            self.first_key = key.api_key
            return False
        is_second, self.is_sprung = not self.is_sprung, True
        return is_second

    def keeps(self, key: ApiKey) -> bool:
        """Return whether disabling or deleting this key is confirmed and not carried out."""
        return self.scenario.keeps_first_key and key.api_key == self.first_key

    def faults(self) -> Faults:
        """Return what is wrong until it passes by itself."""
        scenario = self.scenario
        return Faults(
            clock_offset=scenario.clock_offset_ms * 1000,
            whitelist_delay=self.passes_after if scenario.delays_whitelist else 0.0,
            outage=_outage(scenario.outage, self.passes_after) if scenario.outage else None,
        )

    def spoiled(self, key: ApiKey, now: float) -> ApiKey:
        """Return the new key as it is saved; `now` is in seconds since 1970."""
        if self.scenario.loses_whitelist:
            key = key.with_whitelist(None, now, 0.0)
        if self.scenario.delays_whitelist and key.whitelist is not None:
            key = replace(key, versions=()).with_whitelist(key.whitelist, now, self.passes_after)
        if self.scenario.swaps_secret:
            key = replace(key, verifier=OtherKeysVerifier())
        return replace(key, permissions=key.permissions - {self.scenario.loses_permission})

    def moved(self, nat: Mapping[str, str]) -> Mapping[str, str]:
        """Return where each host is seen from now on."""
        if not self.scenario.moves_host:
            return nat
        return {source: str(ip_address(public) + _ADDRESSES_MOVED) for source, public in nat.items()}


def _outage(status: int, seconds: float) -> CannedAnswer:
    if status == _RATE_LIMITED:
        headers = {"Retry-After": str(max(1, round(seconds)))}
        return CannedAnswer("", status=status, body=slow_down_body(), headers=headers)
    return CannedAnswer("", status=status, body="<html><body>Service Unavailable</body></html>")
