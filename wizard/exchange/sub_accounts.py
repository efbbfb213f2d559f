"""The keys of one sub-account, managed with its master account's key (docs/binance.md).

Nothing is repeated here: Binance has no token against a second creation. After a failure, `error.is_outcome_unknown`
says whether the call may have had its effect, and `SubAccountClient.keys` shows whether it had. Binance's documents
spell one field in two ways and give one value in two types. Both are read.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from wizard.core.addresses import read_ipv4
from wizard.core.clock import Clock
from wizard.core.credentials import Credentials, KeyName
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.text import printable
from wizard.exchange.client import ExchangeClient
from wizard.exchange.errors import Flaw, unreadable
from wizard.exchange.responses import Json, read_object
from wizard.exchange.signing import Parameter

CHANGE_DEADLINE = 60.0
"""Seconds for a call that changes something: to give up early leaves open what became of it."""
MOST_ADDRESSES = 30
"""Binance's limit for related kinds of keys (CONFIRMED). For these keys it names none."""
LONGEST_LIST = 500
"""Characters, commas included (CONFIRMED)."""
SYMBOLS_NOT_SEEN = "Binance's API neither shows nor sets a key's list of symbols. The new key may have none."
WEIGHT = 3_000
"""Of each call for a key, counted for the account (CONFIRMED)."""
WEIGHT_LIMIT = 180_000
"""For each path, minute and account (CONFIRMED). Whether methods of one path share it is unknown, so they do here."""
SPACING = 1.0
"""Seconds between two creations or two deletions in one sub-account. CONFIRMED for brokers only."""
_KEYS = "/sapi/v1/sub-account/subAccountApi"
_KEYS_V2 = _KEYS.replace("v1", "v2")
_WHOLE_KEY = re.compile(r"[A-Za-z0-9]{40,128}")
_LISTED = re.compile(r"[0-9A-Fa-f.:/]+")
_PARAMETERS = {
    "enableSpotAndMarginTrading": "canTrade",
    "enableMargin": "canMarginLoanRepay",
    "enableFutures": "canFuturesTrade",
    "permitsUniversalTransfer": "canUniversalTransfer",
    "enableVanillaOptions": "canVanillaOptions",
    "enableFixApiTrade": "canFixApiTrading",
    "enableFixReadOnly": "canFixApiReading",
}
"""What a call can grant by the names of `apiRestrictions`, with the parameter. Binance does not document the pairs."""
_FIX = frozenset({"enableFixApiTrade", "enableFixReadOnly"})
"""Only the second version of the creating call can grant these."""
_PERHAPS_BY_ACCOUNT = "enablePortfolioMarginTrading"
"""No call grants it. Whether it follows from the type of the account is unknown."""
_UNFIT = ("isFreeze", "isManagedSubAccount", "isAssetManagementSubAccount")
_Weigh = Callable[[int], None]
_Pause = Callable[[float], Awaitable[object]]


def parameters(granted: Collection[str]) -> dict[str, bool]:
    """Return the `can…` parameters that grant this, each one explicit; those of FIX only where one of them is on."""
    has_fix = _needs_v2(granted)
    return {each: name in granted for name, each in _PARAMETERS.items() if has_fix or name not in _FIX}


def _needs_v2(granted: Collection[str]) -> bool:
    return not _FIX.isdisjoint(granted)


@dataclass(frozen=True, slots=True)
class Grant:
    """How far a new key can be given what a key has. The names are Binance's (`apiRestrictions`)."""

    granted: tuple[str, ...]
    """What the key has beside reading, and a new one can get."""
    ungrantable: tuple[str, ...]
    """On, and no call grants it: withdrawals, internal transfer, and what is not known here."""
    doubtful: tuple[str, ...]
    """On, and perhaps the new key has it by the type of the account."""


def grantable(may: Mapping[str, bool]) -> Grant:
    """Return which permissions of a key the API can give to a new one. What is not shown is not granted."""
    has = [name for name, is_on in may.items() if is_on]
    return Grant(
        granted=tuple(name for name in _PARAMETERS if name in has),
        ungrantable=tuple(name for name in has if name not in {*_PARAMETERS, "enableReading", _PERHAPS_BY_ACCOUNT}),
        doubtful=(_PERHAPS_BY_ACCOUNT,) if _PERHAPS_BY_ACCOUNT in has else (),
    )


@dataclass(frozen=True, slots=True)
class SubAccountKey:
    """A key as the list shows it."""

    api_key: Secret | None
    """None where Binance masks it."""
    name: KeyName | None
    api_name: str


@dataclass(frozen=True, slots=True)
class Restriction:
    """The addresses from which a key works."""

    is_restricted: bool | None
    """None where Binance does not say."""
    addresses: frozenset[str]


class Pacer:
    """Keeps the calls of one master key below Binance's limits. Share one among all clients of that key.

    A call counts until a minute after its end: no minute of Binance's holds more, however late the call arrived.
    `clock` is in seconds and never goes back. `pause` waits for so many.
    """

    def __init__(self, clock: Clock = time.monotonic, pause: _Pause = asyncio.sleep) -> None:
        self._clock, self._pause = clock, pause
        self._spent: dict[str, list[list[float]]] = {}

    @asynccontextmanager
    async def turn(self, path: str, weight: int = WEIGHT, seconds: float = 60.0) -> AsyncIterator[_Weigh]:
        """Wait until `weight` more is within the limit of `path`, and let it count until `seconds` after the block.

        Yields what takes the weight that Binance counted. What is more than is known here counts too.
        """
        live = self._live(path)  # once for each look: what it holds may end between two
        while sum(one for _, one in live) + weight > WEIGHT_LIMIT:
            wait = min(until for until, _ in live) - self._clock()
            # Calls under way end at no known time. A wait that is too short to move the clock would never end.
            await self._pause(max(0.01, min(wait, 1.0)))
            live = self._live(path)
        spent = [math.inf, weight]
        self._live(path).append(spent)
        try:
            yield partial(self._count, path)
        finally:
            spent[0] = self._clock() + seconds

    def _count(self, path: str, used: int) -> None:
        if (others := used - sum(one for _, one in self._live(path))) > 0:
            self._live(path).append([self._clock() + 60.0, others])

    def _live(self, path: str) -> list[list[float]]:
        self._spent[path] = [one for one in self._spent.get(path, ()) if one[0] > self._clock()]
        return self._spent[path]


class SubAccountClient:
    """Manages the keys of the sub-account `email` with the key of its master account.

    Every call raises `ExchangeError`. It raises `WizardError` before anything is sent: for addresses or a key that must
    not be sent, or where the master's key cannot sign.
    """

    def __init__(self, client: ExchangeClient, master: Credentials, email: str, pacer: Pacer) -> None:
        self._client = client
        self._master = master
        self._email = email
        self._pacer = pacer

    async def account(self) -> None:
        """Raise `WizardError`, `sub-account.unknown` or `sub-account.unfit`, if keys cannot be changed there by API."""
        params = {"email": self._email}
        answer = read_object(await self._client.call_signed("/sapi/v1/sub-account/list", self._master, params=params))
        rows = [row for row in _rows(answer, "subAccounts") if row.get("email") == self._email]
        what = f"Keys of {printable(self._email)} cannot be changed by API"
        if len(rows) != 1:
            why = f"The master account lists {len(rows)} sub-accounts with exactly this email."
            advice = "Compare the email with Binance's page. Check that managed_by names the master account."
            raise WizardError(what, why=why, advice=advice, code="sub-account.unknown")
        if found := [name for name in _UNFIT if _flag(rows[0], name)]:
            why = f"Binance lists the sub-account with {found[0]}."
            raise WizardError(what, why=why, advice="Change the key on Binance's page.", code="sub-account.unfit")

    async def create(
        self, api_name: str, granted: Collection[str], addresses: Collection[str], public_key: str
    ) -> Secret:
        """Create a key that works from `addresses` only, and return it. `public_key` is the PEM text of an Ed25519 key.

        Never repeat it before `keys` shows that it is not there. An answer without a whole API key is unreadable, and
        the key may exist.
        """
        params: dict[str, Parameter] = {"apiName": api_name, "status": 2, "ipAddress": _joined(addresses, read_ipv4)}
        params |= {**parameters(granted), "publicKey": public_key}
        async with self._pacer.turn(f"create {self._email}", WEIGHT_LIMIT, SPACING):
            answer = await self._call("POST", _KEYS_V2 if _needs_v2(granted) else _KEYS, params)
        if (api_key := _read_key(answer)) is None:
            raise unreadable(Flaw.SHAPE, field="apiKey")
        return api_key

    async def keys(self) -> tuple[SubAccountKey, ...]:
        """Return all keys of the sub-account. A list that ends early or repeats a key is unreadable, never short."""
        rows: list[Json] = []
        for page in range(1, 101):
            answer = await self._call("GET", _KEYS, {"page": page, "size": 100})
            more, total = _rows(answer, "rows" if "rows" in answer else "list"), answer.get("total")
            rows += more
            if not more or not isinstance(total, int) or len(rows) >= total:
                break
        listed = tuple(map(_read_row, rows))
        names = [one.name for one in listed if one.name]
        if isinstance(total, int) and len(rows) >= total and len(set(names)) == len(names):
            return listed
        raise unreadable(Flaw.SHAPE, field="total")

    async def restriction(self, api_key: Secret) -> Restriction:
        """Return the addresses from which a key works."""
        answer = await self._call("GET", f"{_KEYS}/ipRestriction", self._named(api_key))
        if _read_key(answer) not in (None, api_key):
            raise unreadable(Flaw.SHAPE, field="apiKey")
        return Restriction(_flag(answer, "ipRestrict"), _addresses(answer))

    async def restrict(self, api_key: Secret, addresses: Collection[str]) -> None:
        """Send the whole list of a key. Whether it adds or replaces is unknown: read it back with `restriction`."""
        params = {**self._named(api_key), "status": 2, "ipAddress": _joined(addresses, read_ipv4)}
        await self._call("POST", f"{_KEYS_V2}/ipRestriction", params)

    async def remove(self, api_key: Secret, addresses: Collection[str]) -> None:
        """Take addresses, as `restriction` shows them, off a key's list. Never all: what then happens is unknown."""
        params = {**self._named(api_key), "ipAddress": _joined(addresses, _LISTED.fullmatch)}
        await self._call("DELETE", f"{_KEYS}/ipRestriction/ipList", params)

    async def delete(self, api_key: Secret, expect: Callable[[], Awaitable[object]] | None = None) -> None:
        """Delete a key. Whether it dies at once is unknown: ask with it.

        `expect` is awaited once the pace allows the call. What it raises leaves the key alive.
        """
        async with self._pacer.turn(f"delete {self._email}", WEIGHT_LIMIT, SPACING):
            await self._call("DELETE", _KEYS, self._named(api_key), expect)

    async def _call(
        self,
        method: str,
        path: str,
        params: Mapping[str, Parameter],
        expect: Callable[[], Awaitable[object]] | None = None,
    ) -> Json:
        params = {"email": self._email, **params}
        deadline = None if method == "GET" else CHANGE_DEADLINE
        async with self._pacer.turn(path) as weigh:
            if expect:
                await expect()
            parts = {"method": method, "params": params, "deadline": deadline, "weigh": weigh}
            return read_object(await self._client.call_signed(path, self._master, **parts))

    def _named(self, api_key: Secret) -> dict[str, Parameter]:
        if _WHOLE_KEY.fullmatch(api_key.reveal()) and api_key != self._master.api_key:
            return {"subAccountApiKey": api_key}
        why = "It is not a whole API key, or it is the master account's."
        raise WizardError("The call was not sent", why=why, advice="Use Binance's page.", code="sub-account.key")


def _joined(addresses: Collection[str], read: Callable[[str], object]) -> str:
    """Return a list as Binance takes it, if `read` takes each entry. An empty one might open the key to everybody."""
    entries = tuple(dict.fromkeys(addresses))
    text = ",".join(entries)
    if 0 < len(entries) <= MOST_ADDRESSES and len(text) <= LONGEST_LIST and all(map(read, entries)):
        return text
    why = f"It has {len(entries)} entries. The wizard sends 1 to {MOST_ADDRESSES} single IPv4 addresses by API."
    raise WizardError("The list was not sent", why=why, advice="Change the whitelist.", code="sub-account.addresses")


def _read_row(row: Json) -> SubAccountKey:
    api_key = _read_key(row)
    name = KeyName(api_key.fingerprint(), api_key.last_four()) if api_key else None
    return SubAccountKey(api_key, name, printable(str(row.get("apiName") or "")))


def _read_key(answer: Json) -> Secret | None:
    """Return the API key; None where it is masked."""
    told = answer.get("apiKey", answer.get("apikey"))
    return told if isinstance(told, Secret) and _WHOLE_KEY.fullmatch(told.reveal()) else None


def _rows(answer: Json, field: str) -> list[Json]:
    rows = answer.get(field)
    if not isinstance(rows, list):
        raise unreadable(Flaw.SHAPE, field=field)
    return [read_object(row) for row in rows]


def _addresses(answer: Json) -> frozenset[str]:
    told = answer.get("ipList") or []
    if not isinstance(told, list) or not all(isinstance(entry, str) for entry in told):
        raise unreadable(Flaw.SHAPE, field="ipList")
    return frozenset(printable(entry, 50) for entry in told)


def _flag(answer: Json, field: str) -> bool | None:
    """Return a boolean, which some calls give as text; None where it is neither."""
    return {"true": True, "false": False}.get(str(answer.get(field)).lower())
