"""Sub-accounts' API keys by the master account's key, as documented since July 2026 (docs/binance.md).

CONFIRMED are the paths, parameters, weights and fields, with their disagreements: `apiKey` here and `apikey` there, a
status that is a number here and a text there. UNKNOWN are most refusals and much of what the calls do. What stands
here is a choice then, and where a client must bear either way, `faults.SubAccountFaults` switches it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address, IPv4Network

from wizard.rehearsal.simulator import faults, keys, refusals
from wizard.rehearsal.simulator.authentication import admit
from wizard.rehearsal.simulator.calls import Call, Endpoint
from wizard.rehearsal.simulator.keys import ApiKey, Networks, PageKeyKind, hmac_verifier, listed, read_public_key
from wizard.rehearsal.simulator.refusals import PageError, RequestError
from wizard.rehearsal.simulator.state import ExchangeState, SubAccount

PREFIX = "/sub-account/"
_BY_ACCOUNT = (3000, 180_000, "X-SAPI-USED-UID-WEIGHT-1M")
"""The weight of a call, the limit of an endpoint in a minute, and the header that counts. Whether the methods of one
path share the limit is UNKNOWN: here they do not."""
_BY_ADDRESS = (1, 12_000, "X-SAPI-USED-IP-WEIGHT-1M")
MAX_CHARACTERS = 500
"""In one `ipAddress`."""
MAX_ADDRESSES = 30
"""Of one key. Documented for related kinds of keys only."""
DEFAULT_ROWS, MAX_ROWS = 30, 100
"""On one page of keys. Those of the list of sub-accounts are UNKNOWN, so that these hold there too."""
FLAGS: Mapping[str, str] = {
    "canTrade": keys.SPOT_TRADING,
    "canMarginLoanRepay": "enableMargin",
    "canFuturesTrade": keys.FUTURES,
    "canUniversalTransfer": "permitsUniversalTransfer",
    "canVanillaOptions": "enableVanillaOptions",
}
"""What a parameter is called in apiRestrictions. The pairing is inferred from the names."""
FIX_FLAGS: Mapping[str, str] = {"canFixApiTrading": "enableFixApiTrade", "canFixApiReading": "enableFixReadOnly"}
_OPEN, _LISTED = "1", "2"
_NUMBER = re.compile("[1-9][0-9]{0,8}")

Fields = dict[str, object]


def _refuse(text: str) -> RequestError:
    return RequestError(refusals.SUB_ACCOUNT, text)


def _list(state: ExchangeState, call: Call) -> Fields:
    email, frozen = call.parameters.get("email"), call.parameters.get("isFreeze").lower()
    rows: list[Fields] = [
        {
            "subUserId": account.uid,
            "email": account.email,
            "remark": "",
            "isFreeze": account.is_frozen,
            "createTime": account.created,
            "isManagedSubAccount": account.is_managed,
            "isAssetManagementSubAccount": account.is_asset_management,
        }
        for account in state.accounts.values()
        if email in ("", account.email) and frozen in ("", str(account.is_frozen).lower())
    ]
    return {"subAccounts": _page(call, rows, "limit")}


def _create(state: ExchangeState, call: Call, *, version: int) -> Fields:
    account, name, status = _account(state, call, writes=True), _needed(call, "apiName"), _needed(call, "status")
    if status not in (_OPEN, _LISTED):
        raise _refuse("Only the status 1 and 2 are served here")
    # An address list beside status 1 counts for nothing here; what it does on Binance is UNKNOWN.
    networks = _addresses(call.parameters.get("ipAddress")) if status == _LISTED else None
    flags = {**FLAGS, **FIX_FLAGS} if version > 1 else FLAGS
    permissions, public_key = _permissions(call, flags), call.parameters.get("publicKey")
    if version > 1 and "publicKey" in call.parameters.in_query:
        raise _refuse("publicKey must be in the request body")
    secret = None if public_key else state.generator.text()
    try:
        kind, verifier = read_public_key(public_key) if secret is None else (PageKeyKind.HMAC, hmac_verifier(secret))
    except PageError as problem:
        raise _refuse(problem.what) from None
    if kind is PageKeyKind.RSA and version == 1:
        raise _refuse("Only Ed25519 public keys are supported")
    if kind is not PageKeyKind.ED25519 and permissions & set(FIX_FLAGS.values()):
        raise _refuse("Unsupported operation")  # CONFIRMED
    if len(_keys(state, account)) >= state.faults.sub_accounts.max_keys:
        raise _refuse("This sub-account has too many API keys")
    key = state.create_key(name, kind, verifier, permissions | {keys.READING}, networks, account=account.email)
    delays, now = state.faults.sub_accounts, state.clock()
    key = replace(key, works_from=now + delays.key_after_s, row_from=now + delays.row_after_s)
    state.put(replace(key, list_from=now + delays.restriction_after_s))
    # What stands for the secret of a public key is UNKNOWN: null, an empty text or nothing at all.
    made: Fields = {"apiName": name, "apiKey": key.api_key, "secretKey": secret, **_flags(key, flags)}
    return {**made, "status": int(status), "ipList": listed(networks) or []}


def _query(state: ExchangeState, call: Call) -> Fields:
    account, wanted = _account(state, call), call.parameters.get("subAccountApiKey")
    found = [key for key in _keys(state, account) if key.row_from <= state.clock() and wanted in ("", key.api_key)]
    rows = [{"email": account.email, **_row(key)} for key in found]
    if state.faults.sub_accounts.masks_rows:
        rows = [{**row, "apikey": f"{row['apikey']:.3}***"} for row in rows]
    name = "list" if state.faults.sub_accounts.rows_named_list else "rows"
    return {"total": len(rows), name: _page(call, rows, "size")}


def _modify(state: ExchangeState, call: Call) -> Fields:
    key = _key(state, call)
    # Whether a flag that is left out stays as it is, is UNKNOWN. Here it is switched off.
    kept = key.permissions - set(FLAGS.values())
    return _row(state.put(replace(key, permissions=kept | _permissions(call, FLAGS))))


def _delete(state: ExchangeState, call: Call) -> Fields:
    state.delete(_key(state, call), state.faults.sub_accounts.delete_after_s)
    return {}


def _restriction(state: ExchangeState, call: Call) -> Fields:
    key = _key(state, call, writes=False)
    return _restricted(key if key.list_from <= state.clock() else replace(key, whitelist=key.whitelist_before))


def _restrict(state: ExchangeState, call: Call) -> Fields:
    key, status = _key(state, call), call.parameters.get("status") or _OPEN
    if status not in (_OPEN, _LISTED):
        raise RequestError(refusals.MISSING, "status")
    # Without a status, or with 1, the key is open to every address (CONFIRMED).
    kept = listed(key.whitelist) if state.faults.sub_accounts.restriction_adds else None
    wanted = ",".join((*(kept or ()), call.parameters.get("ipAddress")))
    changed = _change(state, key, _addresses(wanted) if status == _LISTED else None)
    addresses = {"ipList": listed(changed.whitelist)} if changed.whitelist else {}
    return {"status": status, **addresses, **_change_of(changed)}


def _remove(state: ExchangeState, call: Call) -> Fields:
    key, removed = _key(state, call), set(_addresses(call.parameters.get("ipAddress")))
    if key.whitelist is None or not removed <= set(key.whitelist):
        raise _refuse("The IP address is not on the list of this API key")
    left: Networks = tuple(network for network in key.whitelist if network not in removed)
    if not left and (effect := state.faults.sub_accounts.last_address) != faults.CLOSED:
        if effect == faults.REFUSED:
            raise _refuse("The last IP address cannot be deleted")
        left = None
    return _restricted(_change(state, key, left))


def _change(state: ExchangeState, key: ApiKey, networks: Networks) -> ApiKey:
    shown_from = state.clock() + state.faults.sub_accounts.restriction_after_s
    return state.put(replace(state.change_whitelist(key, networks), list_from=shown_from))


def _restricted(key: ApiKey) -> Fields:
    restriction = "false" if key.whitelist is None else "true"
    return {"ipRestrict": restriction, "ipList": listed(key.whitelist) or [], **_change_of(key)}


def _change_of(key: ApiKey) -> Fields:
    return {"updateTime": round(key.counts_from * 1000), "apiKey": key.api_key}


def _row(key: ApiKey) -> Fields:
    return {"apiName": key.label, "apikey": key.api_key, **_flags(key, FLAGS), "timestamp": key.created}


def _flags(key: ApiKey, names: Mapping[str, str]) -> Fields:
    return {name: permission in key.permissions for name, permission in names.items()}


def _account(state: ExchangeState, call: Call, *, writes: bool = False) -> SubAccount:
    account = state.accounts.get(_needed(call, "email"))
    if account is None:
        raise _refuse("This sub-account does not exist")
    # Documented for asset management, and for four of the five writing calls. The others are a choice.
    if writes and (account.is_frozen or account.is_managed or account.is_asset_management):
        raise _refuse("This operation is not supported for this sub-account")
    return account


def _keys(state: ExchangeState, account: SubAccount) -> list[ApiKey]:
    return [key for key in state.keys.values() if key.account == account.email and key.works_until == math.inf]


def _key(state: ExchangeState, call: Call, *, writes: bool = True) -> ApiKey:
    account = _account(state, call, writes=writes)
    name = _needed(call, "subAccountApiKey")
    for key in _keys(state, account):
        if key.api_key == name:
            return key
    raise _refuse("This API key does not exist")


def _needed(call: Call, name: str) -> str:
    if not (value := call.parameters.get(name)):
        raise RequestError(refusals.MISSING, name)
    return value


def _permissions(call: Call, flags: Mapping[str, str]) -> frozenset[str]:
    for name in flags:
        if call.parameters.get(name).lower() not in ("", "true", "false"):
            raise RequestError(refusals.MISSING, name)
    return frozenset(flags[name] for name in flags if call.parameters.get(name).lower() == "true")


def _addresses(text: str) -> tuple[IPv4Network, ...]:
    """Return the addresses of `ipAddress`. Documents mention neither CIDR nor IPv6, so that both are refused."""
    if len(text) > MAX_CHARACTERS or len(names := dict.fromkeys(text.split(","))) > MAX_ADDRESSES:
        raise _refuse("Too many IP addresses")
    try:
        return tuple(IPv4Network(IPv4Address(name)) for name in names)
    except ValueError:
        raise _refuse("An IP address is missing or not valid") from None


def _page(call: Call, rows: list[Fields], size_name: str) -> list[Fields]:
    page, size = call.parameters.get("page") or "1", call.parameters.get(size_name) or str(DEFAULT_ROWS)
    if not (_NUMBER.fullmatch(page) and _NUMBER.fullmatch(size)) or int(size) > MAX_ROWS:
        raise _refuse(f"page starts at 1, {size_name} goes from 1 to {MAX_ROWS}")
    first = (int(page) - 1) * int(size)
    return rows[first : first + int(size)]


def _endpoint(
    method: str, path: str, answer: Callable[[ExchangeState, Call], Fields], *, writes: bool = True, by_ip: bool = False
) -> Endpoint:
    """Return an endpoint for a master account's key.

    Reading is needed, and for what writes Spot & Margin Trading too: CONFIRMED for the list of addresses, inferred for
    the others. That such a key must be restricted to addresses is one reading of "KYC IP restriction check".
    """

    def guarded(state: ExchangeState, call: Call) -> object:
        if by_ip:
            _charge(state, call, f"{method} {path} {call.ip}", _BY_ADDRESS)
        key, switches = admit(state, call, keys.READING), state.faults.sub_accounts
        if not by_ip:
            _charge(state, call, f"{method} {path} {state.uid_of(key)}", _BY_ACCOUNT)
        may_write = keys.SPOT_TRADING in key.permissions and key.whitelist is not None
        if key.account is not None or (writes and not may_write) or switches.refuses_master:
            raise RequestError(refusals.KEY_REJECTED)
        if switches.refuses_kyc and writes and "ipRestriction" not in path:
            raise _refuse("The KYC IP restriction check failed")
        unknown = {"notDocumented": 1} if switches.unknown_fields else {}
        return json.loads(json.dumps(answer(state, call)), object_hook=lambda each: {**each, **unknown})

    return Endpoint(method, path, 0, guarded, is_signed=True)


def _charge(state: ExchangeState, call: Call, caller: str, rule: tuple[int, int, str]) -> None:
    weight, limit, header = rule
    try:
        state.meter.charge(caller, weight, limit)
    finally:
        call.headers[header] = str(state.meter.used(caller))


_V1, _V2 = "/sapi/v1" + PREFIX, "/sapi/v2" + PREFIX
ENDPOINTS = (
    _endpoint("GET", _V1 + "list", _list, writes=False, by_ip=True),
    _endpoint("POST", _V1 + "subAccountApi", partial(_create, version=1)),
    _endpoint("POST", _V2 + "subAccountApi", partial(_create, version=2)),
    _endpoint("GET", _V1 + "subAccountApi", _query, writes=False),
    _endpoint("DELETE", _V1 + "subAccountApi", _delete),
    _endpoint("POST", _V1 + "subAccountApiPermission", _modify),
    _endpoint("GET", _V1 + "subAccountApi/ipRestriction", _restriction, writes=False),
    _endpoint("POST", _V2 + "subAccountApi/ipRestriction", _restrict),
    _endpoint("DELETE", _V1 + "subAccountApi/ipRestriction/ipList", _remove),
)
