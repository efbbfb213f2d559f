"""The state of one embedded exchange. Nothing is shared between two of them.

Records are frozen; this registry is the one thing that changes, and only from the event loop that
serves it, between two awaits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address

from wizard.clock import Clock
from wizard.rehearsal.exchange.activity import ActivityLog
from wizard.rehearsal.exchange.faults import CannedAnswer, Faults
from wizard.rehearsal.exchange.keys import ApiKey, KeyKind, Mint, Networks
from wizard.rehearsal.exchange.nat import DEFAULT_NAT
from wizard.rehearsal.exchange.plot import Plot
from wizard.rehearsal.exchange.signatures import Verifier
from wizard.rehearsal.exchange.timing import MICROSECONDS
from wizard.rehearsal.exchange.weights import WeightMeter


class State:
    """Keys, addresses, faults, weights and the log of one exchange.

    Args:
        clock: The true time.
        mint: Makes API keys and secrets.
        max_entries: How many entries the page accepts in a whitelist.
        plot: What will go wrong.
    """

    def __init__(self, clock: Clock, mint: Mint, max_entries: int, plot: Plot) -> None:
        self.clock = clock
        self.mint = mint
        self.max_entries = max_entries
        self.uid = mint.uid()
        self.keys: dict[str, ApiKey] = {}
        self.nat: Mapping[str, str] = DEFAULT_NAT
        self.plot = plot
        self._faults = Faults()
        self._planted = (Faults(), 0.0)
        self.meter = WeightMeter(clock)
        self.log = ActivityLog()

    @property
    def faults(self) -> Faults:
        """What is wrong now: what the plot planted until that passes, else what was set at the desk."""
        planted, until = self._planted
        return planted if self.clock() < until else self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults, self._planted = faults, (Faults(), 0.0)

    def now_ms(self) -> int:
        """The true time in milliseconds since 1970, for records."""
        return round(self.clock() * 1000)

    def server_time(self) -> int:
        """The time that the exchange believes in, in microseconds since 1970."""
        return round(self.clock() * MICROSECONDS) + self.faults.clock_offset

    def public_address(self, source: str) -> str:
        """Return the address that the exchange sees; a source that is not in the table is seen as itself."""
        return self.nat.get(source, source)

    def take_canned(self, path: str) -> CannedAnswer | None:
        """Return the canned answer for one request to `path` and use it up."""
        before = self.faults
        canned, left = before.take(path)
        if left is not before:
            self.faults = left
        return canned

    def create_key(
        self, label: str, kind: KeyKind, verifier: Verifier, permissions: frozenset[str], networks: Networks
    ) -> ApiKey:
        """Add a key. Its first whitelist counts after the whitelist delay too; until then it lets nobody in."""
        key = ApiKey(self.mint.text(), label, kind, verifier, permissions, self.now_ms(), ())
        delay = 0.0 if networks is None else self.faults.whitelist_delay
        key = self._put(key.with_whitelist(networks, self.clock(), delay))
        return self._spring(key) if self.plot.springs_with(key) else key

    def _spring(self, key: ApiKey) -> ApiKey:
        now = self.clock()
        self._planted = (self.plot.faults(), now + self.plot.passes_after)
        self.nat = self.plot.moved(self.nat)
        return self._put(self.plot.spoiled(key, now))

    def change_whitelist(self, key: ApiKey, networks: Networks) -> ApiKey:
        """Replace the key's whitelist; it counts after the whitelist delay."""
        return self._put(key.with_whitelist(networks, self.clock(), self.faults.whitelist_delay))

    def change_permissions(self, key: ApiKey, permissions: frozenset[str]) -> ApiKey:
        """Replace the key's permissions."""
        return self._put(replace(key, permissions=permissions))

    def disable(self, key: ApiKey) -> ApiKey:
        """Switch the key off; it stays known."""
        if self.plot.keeps(key):
            return replace(key, enabled=False)
        return self._put(replace(key, enabled=False))

    def delete(self, key: ApiKey) -> None:
        """Forget the key."""
        if not self.plot.keeps(key):
            del self.keys[key.api_key]

    def lets_in(self, key: ApiKey, ip: str) -> bool:
        """Return whether the key may be used from the public address `ip` now."""
        return key.lets_in(ip_address(ip), self.clock())

    def _put(self, key: ApiKey) -> ApiKey:
        self.keys[key.api_key] = key
        return key
