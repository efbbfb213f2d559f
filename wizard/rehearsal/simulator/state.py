"""The state of one embedded exchange. Nothing is shared between two of them.

Records are frozen; this registry is the one thing that changes, and only from the event loop that
serves it, between two awaits.

Everything here runs on one machine, so a client that binds another loopback address plays another
host. Headers such as X-Forwarded-For say what the caller likes, so they are never read.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wizard.core.clock import Clock
from wizard.core.text import printable
from wizard.rehearsal.scenarios import Scenario
from wizard.rehearsal.simulator.faults import CannedAnswer, Faults, alter, faults_of, first_faults, move_host
from wizard.rehearsal.simulator.keys import ApiKey, KeyGenerator, Networks, PageKeyKind, Verifier
from wizard.rehearsal.simulator.refusals import TOO_MUCH_WEIGHT, RequestError

DEFAULT_NAT: Mapping[str, str] = {
    "127.0.0.1": "203.0.113.42",
    "127.0.0.2": "203.0.113.77",
    "127.0.0.66": "192.0.2.66",  # the stranger of a rehearsal
}
KEPT_ENTRIES = 10_000
"""Older calls are forgotten, so that a long run does not fill the memory."""
SUCCESS = 0
USED_WEIGHT_HEADER = "X-MBX-USED-WEIGHT-1M"
WEIGHT_LIMIT = 6000
"""A minute for each address, whatever key it uses (rest-api.md, IP limits)."""
MINUTE = 60
_INTERVAL = "1 MINUTE"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One signed call that reached the exchange, also a refused one: the API activity history."""

    time: int
    """Milliseconds since 1970, without the clock fault."""
    api_key: str = field(repr=False)
    """The key as the caller named it, also when there is no such key."""
    ip: str
    """The public address of the caller."""
    method: str
    """That of HTTP; empty on the WebSocket API."""
    path: str
    """Without the query, which holds the signature."""
    status: int
    code: int
    """The JSON error code, or 0 for success."""


@dataclass(frozen=True, slots=True)
class SubAccount:
    """One sub-account of the master account."""

    email: str
    uid: int
    created: int
    """Milliseconds since 1970."""
    is_frozen: bool = False
    is_managed: bool = False
    is_asset_management: bool = False


class WeightMeter:
    """Counts the weight that each caller used in the minute of the clock: an address, or what else has a limit.

    Nobody is banned for going on after a 429: how much of that Binance bears is UNKNOWN.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._minute = 0.0
        self._weights: Counter[str] = Counter()

    def used(self, caller: str) -> int:
        """Return the weight that `caller` used in this minute."""
        if (minute := self._clock() // MINUTE) != self._minute:
            self._minute, self._weights = minute, Counter()
        return self._weights[caller]

    def rate_limits(self, ip: str) -> list[dict[str, object]]:
        """Return how much of the limit `ip` used, as the WebSocket API tells it with each answer."""
        limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": WEIGHT_LIMIT}
        return [{**limit, "count": self.used(ip)}]

    def charge(self, caller: str, weight: int, limit: int = WEIGHT_LIMIT) -> None:
        """Count one request, or raise RequestError with 429 and `Retry-After` above the limit."""
        self._weights[caller] = self.used(caller) + weight
        if self._weights[caller] > limit:
            raise RequestError(TOO_MUCH_WEIGHT, limit, _INTERVAL, retry_after=MINUTE - self._clock() % MINUTE)


class ExchangeState:
    """Keys, addresses, faults, weights and the log of one exchange; see `EmbeddedExchange`."""

    def __init__(self, clock: Clock, generator: KeyGenerator, scenario: Scenario, passes_after: float) -> None:
        self.clock = clock
        self.generator = generator
        self.uid = generator.uid()
        self.keys: dict[str, ApiKey] = {}
        self.accounts: dict[str, SubAccount] = {}
        """The sub-accounts by email."""
        self.nat: Mapping[str, str] = DEFAULT_NAT
        self._scenario = scenario
        self._moves_host = scenario.moves_host_later
        self._passes_after = passes_after
        self._made: defaultdict[str | None, list[str]] = defaultdict(list)
        self._faults = first_faults(scenario)
        self._planted = (Faults(), 0.0)
        self.meter = WeightMeter(clock)
        self.log: deque[LogEntry] = deque(maxlen=KEPT_ENTRIES)

    @property
    def faults(self) -> Faults:
        """What is wrong now: what the scenario brings until that passes, else what the page was asked for."""
        planted, until = self._planted
        return planted if self.clock() < until else self._faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._faults, self._planted = faults, (Faults(), 0.0)

    def uid_of(self, key: ApiKey) -> int:
        """Return the number of the account that the key belongs to."""
        return self.uid if key.account is None else self.accounts[key.account].uid

    def server_time(self) -> int:
        """The time that the exchange believes in, in microseconds since 1970."""
        return round(self.clock() * 1_000_000) + self.faults.clock_offset

    def public_address(self, source: str) -> str:
        """Return the address that the exchange sees; a source that is not in the table is seen as itself."""
        return self.nat.get(source, source)

    def write_log(self, api_key: str, ip: str, path: str, status: int, code: int, *, method: str = "") -> None:
        """Write down one call."""
        now, name = round(self.clock() * 1000), printable(api_key, 64)
        self.log.append(LogEntry(now, name, ip, method, printable(path), status, code))
        if code == SUCCESS and self._moves_host:
            self._moves_host, self.nat = False, move_host(self.nat)

    def take_canned(self, path: str, method: str = "") -> CannedAnswer | None:
        """Return the canned answer for one request to `path` and use it up."""
        before = self.faults
        canned, left = before.take(path, method)
        if left != before:
            self.faults = left
        return canned

    def create_key(
        self,
        label: str,
        kind: PageKeyKind,
        verifier: Verifier,
        permissions: frozenset[str],
        networks: Networks,
        *,
        account: str | None = None,
    ) -> ApiKey:
        """Add a key. Its first whitelist counts after the whitelist delay too; until then it lets nobody in."""
        counts_from = self.clock() + (0.0 if networks is None else self.faults.whitelist_delay)
        text, created = self.generator.text(), round(self.clock() * 1000)
        key = ApiKey(text, label, kind, verifier, permissions, created, networks, counts_from, account=account)
        self.put(key)
        made = self._made[account]
        made.append(key.api_key)
        return self._begin_scenario(key) if len(made) == 2 else key

    def _begin_scenario(self, key: ApiKey) -> ApiKey:
        passes_at = self.clock() + self._passes_after
        faults = faults_of(self._scenario, self._passes_after)
        self._planted = (faults, passes_at if faults != Faults() else 0.0)
        if self._scenario.moves_host:
            self.nat = move_host(self.nat)
        return self.put(alter(key, self._scenario, passes_at))

    def change_whitelist(self, key: ApiKey, networks: Networks) -> ApiKey:
        """Replace the key's whitelist; it counts after the whitelist delay."""
        return self.put(key.with_whitelist(networks, self.clock(), self.faults.whitelist_delay))

    def disable(self, key: ApiKey) -> ApiKey:
        """Switch the key off; it stays known."""
        disabled = replace(key, enabled=False)
        return disabled if self._stays(key) else self.put(disabled)

    def delete(self, key: ApiKey, after: float = 0.0) -> None:
        """Forget the key, or let it work for some seconds more."""
        if not self._stays(key) and not after:
            del self.keys[key.api_key]
        elif not self._stays(key):
            self.put(replace(key, works_until=self.clock() + after))

    def _stays(self, key: ApiKey) -> bool:
        """Return whether disabling or deleting this key is confirmed and not carried out."""
        return self._scenario.keeps_first_key and key.api_key == self._made[key.account][0]

    def put(self, key: ApiKey) -> ApiKey:
        """Keep a key as it is now."""
        self.keys[key.api_key] = key
        return key
