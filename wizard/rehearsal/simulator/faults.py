"""Faults of a rehearsal: a slow line, a wrong clock, a whitelist that takes its time, canned answers.

They lie in front of the exchange, as a proxy or an outage would, and never touch the simulated page. What a scenario
is about (`wizard.rehearsal.scenarios`) is applied when the second key is made.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from ipaddress import ip_address

from starlette.responses import JSONResponse, Response

from wizard.rehearsal.scenarios import Scenario
from wizard.rehearsal.simulator.keys import ApiKey
from wizard.rehearsal.simulator.refusals import TOO_MUCH_WEIGHT, PageError

_ECHO = "/echo/"
_RATE_LIMITED = 429
_ADDRESSES_MOVED = 50
"""How far each public address moves; the example addresses stay within their network."""
_FIELDS = ("latency_ms", "clock_offset_ms", "whitelist_delay_s", "answers", "warp", "trading_until", "sub_accounts")
_FUTURES_BALANCE = frozenset({"/fapi/v2/balance", "/fapi/v3/balance"})
"""Two versions of one endpoint: an answer that is planted for one holds for both."""
_ANSWER_FIELDS = ("path", "times", "status", "body", "headers", "method", "skip", "carried_out", "sends")
THIS, RESULT, NOTHING, SILENCE = "this", "result", "nothing", "silence"
REFUSED, OPEN, CLOSED = "refused", "open", "closed"
_LONGEST_LATENCY = 3_600_000
"""Milliseconds: an hour."""
_FARTHEST_CLOCK = 10 * 366 * 86_400_000
"""Milliseconds: ten years, either way."""
_LONGEST_DELAY = 86_400
"""Seconds: a day."""
_LATEST = 10**13 - 1
"""Milliseconds since 1970: in the year 2286."""
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}: [\x20-\x7e]{0,1000}")


def alter(key: ApiKey, scenario: Scenario, passes_at: float) -> ApiKey:
    """Return the new key as a scenario lets it be saved; `passes_at` is in seconds since 1970."""
    if scenario.loses_whitelist:
        key = replace(key, whitelist=None)
    if scenario.delays_whitelist and key.whitelist is not None:
        key = replace(key, counts_from=passes_at)
    if scenario.swaps_secret:
        key = replace(key, verifier=lambda _payload, _signature: False)
    return replace(key, permissions=key.permissions - {scenario.loses_permission})


def move_host(nat: Mapping[str, str]) -> Mapping[str, str]:
    """Return a NAT table in which every host has another public address."""
    return {source: str(ip_address(public) + _ADDRESSES_MOVED) for source, public in nat.items()}


@dataclass(frozen=True, slots=True)
class CannedAnswer:
    """The next `times` requests to `path` get this answer, and reach the exchange only where `carried_out` says so."""

    path: str
    times: int = 1
    status: int = 503
    body: object = ""
    """A text is sent as it is, as HTML where `headers` do not say otherwise; anything else as JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = ""
    """That of HTTP; empty for any."""
    skip: int = 0
    """So many of the requests that it would meet are let through first."""
    carried_out: int = 0
    """How often the exchange carries the request out before it is answered."""
    sends: str = THIS
    """`NOTHING` closes the connection, `SILENCE` leaves it open, `RESULT` is what the exchange itself answered."""

    def response(self) -> Response:
        """Return a new HTTP answer."""
        if isinstance(self.body, str):
            return Response(self.body, self.status, dict(self.headers), media_type="text/html")
        return JSONResponse(self.body, self.status, dict(self.headers))


@dataclass(frozen=True, slots=True)
class SubAccountFaults:
    """Which way Binance goes where that is UNKNOWN for keys of sub-accounts, and what goes wrong with them."""

    restriction_adds: bool = False
    """A change of the list adds to it. Otherwise it replaces it."""
    last_address: str = REFUSED
    """Removing it is refused, makes the key unrestricted (`OPEN`), or lets nobody in (`CLOSED`)."""
    key_after_s: float = 0.0
    """Seconds until a key that is made now works. So for its row, and until a change of the list is shown."""
    row_after_s: float = 0.0
    restriction_after_s: float = 0.0
    delete_after_s: float = 0.0
    """Seconds that a key still works which is deleted now. It is listed no more."""
    hides_unknown: bool = False
    """A key that is not known is refused with -2015 on `/sapi` too: -2008 there is REPORTED only."""
    max_keys: int = 30
    masks_rows: bool = False
    rows_named_list: bool = False
    unknown_fields: bool = False
    refuses_master: bool = False
    refuses_kyc: bool = False


@dataclass(frozen=True, slots=True)
class Faults:
    """Everything that is wrong on purpose at one moment."""

    latency: float = 0.0
    """Seconds before every answer."""
    clock_offset: int = 0
    """Microseconds by which the exchange's clock is ahead of the true time."""
    whitelist_delay: float = 0.0
    """Seconds until a whitelist that is saved now begins to count."""
    answers: tuple[CannedAnswer, ...] = ()
    outage: CannedAnswer | None = None
    """The answer to everything but the echo services, which are other people's; its path means nothing."""
    warp: bool = False
    """Whether `/echo/trace` says that Cloudflare WARP is on. The addresses stay."""
    trading_until: int = 0
    """What apiRestrictions says of every key as `tradingAuthorityExpirationTime`, in milliseconds; 0 for nothing."""
    sub_accounts: SubAccountFaults = SubAccountFaults()

    def take(self, path: str, method: str) -> tuple[CannedAnswer | None, Faults]:
        """Return the canned answer for one request, if any, and the faults that are left."""
        answers = list(self.answers)
        for position, canned in enumerate(self.answers):
            is_path = canned.path == path or _FUTURES_BALANCE.issuperset((canned.path, path))
            if not is_path or canned.method not in ("", method):
                continue
            if not canned.skip:
                answers[position : position + 1] = [replace(canned, times=canned.times - 1)] if canned.times > 1 else []
                return canned, replace(self, answers=tuple(answers))
            answers[position] = replace(canned, skip=canned.skip - 1)
        return (None if path.startswith(_ECHO) else self.outage), replace(self, answers=tuple(answers))

    async def slow_down(self) -> None:
        """Wait out the latency."""
        if self.latency:
            await asyncio.sleep(self.latency)


def first_faults(scenario: Scenario) -> Faults:
    """Return what a scenario makes wrong from the start: it is about a key that is made by API."""
    paths = [f"/sapi/v{version}/sub-account/subAccountApi" for version in (1, 2)] if scenario.loses_answer else []
    lost = tuple(CannedAnswer(path, method="POST", carried_out=1, sends=NOTHING) for path in paths)
    return Faults(answers=lost, sub_accounts=SubAccountFaults(refuses_master=scenario.refuses_master))


def faults_of(scenario: Scenario, passes_after: float) -> Faults:
    """Return what a scenario makes wrong until it passes by itself, in so many seconds."""
    return Faults(
        clock_offset=scenario.clock_offset_ms * 1000,
        whitelist_delay=passes_after if scenario.delays_whitelist else 0.0,
        outage=_outage(scenario.outage, passes_after) if scenario.outage else None,
    )


def _outage(status: int, seconds: float) -> CannedAnswer:
    if status == _RATE_LIMITED:
        headers = {"Retry-After": str(max(1, round(seconds)))}
        body = {"code": TOO_MUCH_WEIGHT.code, "msg": TOO_MUCH_WEIGHT.text % (6000, "1 MINUTE")}
        return CannedAnswer("", status=status, body=body, headers=headers)
    return CannedAnswer("", status=status, body="<html><body>Service Unavailable</body></html>")


def read_faults(form: Mapping[str, object]) -> Faults:
    """Return the faults of a JSON object, or raise PageError; what is left out is right."""
    _expect_only(form, _FIELDS)
    answers = form.get("answers", [])
    if not isinstance(answers, list):
        raise PageError("answers must be a list")
    if not isinstance(warp := form.get("warp", False), bool):
        raise PageError("warp must be true or false")
    return Faults(
        latency=_number(form, "latency_ms", 0, _LONGEST_LATENCY) / 1000,
        clock_offset=round(_number(form, "clock_offset_ms", -_FARTHEST_CLOCK, _FARTHEST_CLOCK) * 1000),
        whitelist_delay=_number(form, "whitelist_delay_s", 0, _LONGEST_DELAY),
        answers=tuple(map(_canned, answers)),
        warp=warp,
        trading_until=round(_number(form, "trading_until", 0, _LATEST)),
        sub_accounts=_sub_accounts(form.get("sub_accounts", {})),
    )


def _sub_accounts(form: object) -> SubAccountFaults:
    if not isinstance(form, dict):
        raise PageError("sub_accounts must be an object")
    kinds = {each.name: type(each.default) for each in fields(SubAccountFaults)}
    _expect_only(form, list(kinds))
    for name, value in form.items():
        if kinds[name] in (int, float):
            _number(form, name, 0, _LONGEST_DELAY)
        elif value not in ((REFUSED, OPEN, CLOSED) if name == "last_address" else (True, False)):
            raise PageError(f"{name} must be true or false, and last_address {REFUSED}, {OPEN} or {CLOSED}")
    return SubAccountFaults(**form)


def _canned(form: object) -> CannedAnswer:
    if not isinstance(form, dict):
        raise PageError("An answer must be an object")
    _expect_only(form, _ANSWER_FIELDS)
    path, headers = form.get("path"), form.get("headers") or {}
    if not isinstance(path, str) or not path.startswith("/") or path.startswith("/desk"):
        raise PageError("path must be a path of the exchange or of an echo service")
    if not isinstance(headers, dict) or not all(_HEADER.fullmatch(f"{name}: {text}") for name, text in headers.items()):
        raise PageError("A header has a name of letters and dashes and one line of ASCII text")
    status, times = _number(form, "status", 200, 599, default=503), _number(form, "times", 1, 10**9, default=1)
    texts = {name: str(text) for name, text in headers.items()}
    skip, carried_out = int(_number(form, "skip", 0, 10**9)), int(_number(form, "carried_out", 0, 2))
    method, sends = form.get("method", ""), form.get("sends", THIS)
    if not isinstance(method, str) or sends not in (THIS, NOTHING, SILENCE, *((RESULT,) if carried_out else ())):
        raise PageError("method is a text, sends is this, nothing, silence or, where it was carried out, result")
    return CannedAnswer(path, int(times), int(status), form.get("body", ""), texts, method, skip, carried_out, sends)


def _expect_only(form: Mapping[str, object], names: Sequence[str]) -> None:
    if unknown := set(form) - set(names):
        raise PageError(f"There is no such field: {', '.join(sorted(unknown))}. There are: {', '.join(names)}")


def _number(form: Mapping[str, object], name: str, least: int, most: int, *, default: int = 0) -> int | float:
    value = form.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise PageError(f"{name} must be a number from {least} to {most}")
    return value
