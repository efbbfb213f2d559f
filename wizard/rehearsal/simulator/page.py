"""The simulated page: what the exchange's API-management page would do, as JSON over HTTP.

It stands in for a person at the page, so it asks for no key; it listens on loopback like the rest.
A secret is in the answer to its creation and nowhere else.

The real page's rules for the text in its whitelist field are not documented (docs/binance.md). These are
the mission's: addresses and CIDR blocks, at most 20, no wildcard, nothing malformed, no empty field, IPv6 ignored in
silence. The separator is UNKNOWN, so commas, blanks and lines all separate. They are written apart from the wizard's
own reading of such texts, so that the two can be compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wizard.core.text import printable
from wizard.rehearsal.simulator import keys
from wizard.rehearsal.simulator.faults import read_faults
from wizard.rehearsal.simulator.keys import ApiKey, Networks, PageKeyKind
from wizard.rehearsal.simulator.refusals import PageError
from wizard.rehearsal.simulator.state import ExchangeState, SubAccount

PREFIX = "/desk"
MAX_ENTRIES = 20
"""In one whitelist."""

Form = Mapping[str, object]
_OWN_NAMES = ("127.0.0.1", "localhost", "::1")
_BLANKS = re.compile(r"[ \t\r\n]+")
_PREFIX_LENGTH = re.compile(r"[0-9]|[12][0-9]|3[0-2]")


def routes(state: ExchangeState) -> list[Route]:
    """Return the routes of the simulated page."""
    all_keys, one_key = PREFIX + "/keys", PREFIX + "/keys/{api_key}"
    return [
        _route(state, "POST", all_keys, _create, status=201),
        _route(
            state,
            "GET",
            all_keys,
            lambda *_: [_shown(key) for key in state.keys.values() if state.clock() < key.works_until],
        ),
        _route(state, "PUT", one_key + "/whitelist", _change_whitelist),
        _route(state, "PUT", one_key + "/permissions", _change_permissions),
        _route(state, "POST", one_key + "/disable", lambda _state, _form, key: _shown(state.disable(key))),
        _route(state, "DELETE", one_key, _delete),
        _route(state, "POST", PREFIX + "/sub-accounts", _open_sub_account, status=201),
        _route(state, "PUT", PREFIX + "/nat", _replace_nat),
        _route(state, "PUT", PREFIX + "/faults", _replace_faults),
        _route(state, "GET", PREFIX + "/log", lambda *_: [asdict(entry) for entry in state.log]),
    ]


def _create(state: ExchangeState, form: Form) -> object:
    try:
        kind = PageKeyKind(_text(form, "kind") or PageKeyKind.HMAC)
    except ValueError:
        raise PageError(f"kind must be one of {', '.join(PageKeyKind)}") from None
    label, public_key = _text(form, "label"), _text(form, "public_key")
    networks, permissions = _whitelist(form, "whitelist"), _permissions(form.get("permissions"))
    _check_withdrawals(permissions, networks)
    secret = None
    if kind is not PageKeyKind.HMAC:
        verifier = keys.public_key_verifier(kind, public_key)
    elif public_key:
        raise PageError("An HMAC key has no public key")
    else:
        secret = state.generator.text()
        verifier = keys.hmac_verifier(secret)
    account = _text(form, "account") or None
    if account is not None and account not in state.accounts:
        raise PageError("There is no such sub-account")
    key = state.create_key(label, kind, verifier, permissions, networks, account=account)
    return {"api_key": key.api_key, "secret": secret}


def _change_whitelist(state: ExchangeState, form: Form, key: ApiKey) -> object:
    if "text" not in form:
        raise PageError("text is missing; null makes the key unrestricted")
    networks = _whitelist(form, "text")
    _check_withdrawals(key.permissions, networks)
    return _shown(state.change_whitelist(key, networks))


def _change_permissions(state: ExchangeState, form: Form, key: ApiKey) -> object:
    permissions = _permissions(form.get("permissions", form))
    _check_withdrawals(permissions, key.whitelist)
    return _shown(state.put(replace(key, permissions=permissions)))


def _delete(state: ExchangeState, _form: Form, key: ApiKey) -> object:
    state.delete(key)
    return {}


def _open_sub_account(state: ExchangeState, form: Form) -> object:
    email, flags = _text(form, "email"), [form.get(name, False) for name in ("frozen", "managed", "asset_management")]
    if "@" not in email or email in state.accounts or not all(isinstance(flag, bool) for flag in flags):
        raise PageError("A sub-account has an email that no other one has, and flags that are true or false")
    opened = SubAccount(email, state.generator.uid(), round(state.clock() * 1000), *map(bool, flags))
    state.accounts[email] = opened
    return {"email": email, "uid": opened.uid}


def _replace_nat(state: ExchangeState, form: Form) -> object:
    try:
        # The texts are asked for because ip_address would read the number 1 as 0.0.0.1.
        state.nat = {str(ip_address(source)): str(ip_address(_text(form, source))) for source in form}
    except ValueError:
        raise PageError("A NAT table maps one IP address to another") from None
    return state.nat


def _replace_faults(state: ExchangeState, form: Form) -> object:
    state.faults = read_faults(form)
    return {}


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "label": key.label,
        "kind": key.kind,
        "api_key": key.api_key,
        "permissions": keys.permission_flags(key.permissions),
        "whitelist": keys.listed(key.whitelist),
        "created": key.created,
        "state": "active" if key.enabled else "disabled",
        "account": key.account,
    }


def _route(state: ExchangeState, method: str, path: str, action: Callable[..., object], status: int = 200) -> Route:
    """Return the route of an action on the state and the form, and on the key that the path names, if any."""

    async def respond(request: Request) -> Response:
        # A browser names the page that asks in Origin, or in Host the name that it made point to here.
        if request.url.hostname not in _OWN_NAMES or "origin" in request.headers:
            raise PageError("The simulated page serves programs on this machine, not web pages", status=403)
        arguments: tuple[object, ...] = (_form(await request.body()),)
        if "api_key" in request.path_params:
            key = state.keys.get(request.path_params["api_key"])
            if key is None:
                raise PageError("There is no such API key", status=404)
            arguments = (*arguments, key)
        return JSONResponse(action(state, *arguments), status)

    return Route(path, respond, methods=[method])


def _form(body: bytes) -> Form:
    try:
        form = json.loads(body or b"{}")
        # NaN, and half a surrogate pair, cannot be repeated in an answer.
        json.dumps(form, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise PageError("The body is not JSON") from None
    if not isinstance(form, dict):
        raise PageError("The body must be a JSON object")
    return form


def _text(form: Form, name: str) -> str:
    """Return a text; empty where it is left out or null."""
    value = form.get(name)
    if not isinstance(value, str | None):
        raise PageError(f"{name} must be a text")
    return value or ""


def _whitelist(form: Form, name: str) -> Networks:
    """Return the whitelist; null or left out is unrestricted."""
    return None if form.get(name) is None else read_page_text(_text(form, name))


def _permissions(value: object) -> frozenset[str]:
    """Return the permissions that are on. In an object reading is on where it is not named, as on the page."""
    if not isinstance(value, dict | list | None):
        raise PageError("permissions must be an object or a list")
    flags = dict.fromkeys(map(str, value), True) if isinstance(value, list) else {keys.READING: True, **(value or {})}
    if unknown := set(flags) - set(keys.PERMISSIONS):
        raise PageError(f"There is no such permission: {', '.join(sorted(unknown))}")
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise PageError("A permission is true or false")
    return frozenset(name for name, flag in flags.items() if flag)


def _check_withdrawals(permissions: frozenset[str], networks: Networks) -> None:
    """Refuse withdrawals without a whitelist (CONFIRMED, apiRestrictions documentation)."""
    if keys.WITHDRAWALS in permissions and networks is None:
        raise PageError("You must apply the IP Access Restriction filter in order to enable withdrawals")


def read_page_text(text: str) -> tuple[IPv4Network, ...]:
    """Return the IPv4 blocks that the page saves, in the order of the text, or raise PageError for the whole of it."""
    fields = [field.strip(" \t\r\n") for field in text.split(",")]
    if not all(fields):
        raise PageError("An IP address must not be empty")
    entries = [entry for field in fields for entry in _BLANKS.split(field)]
    if len(entries) > MAX_ENTRIES:
        raise PageError("Too many IPs")
    return tuple(network for network in map(_network, entries) if network is not None)


def _network(entry: str) -> IPv4Network | None:
    """Return the block of one entry; None for an IPv6 address, which is ignored in silence."""
    address, slash, prefix = entry.partition("/")
    try:
        if ":" in entry:
            IPv6Network(entry, strict=False)
            return None
        is_wildcard = "*" in entry or prefix == "0" or int(IPv4Address(address)) == 0
        if not is_wildcard and (not slash or _PREFIX_LENGTH.fullmatch(prefix)):
            return IPv4Network(f"{address}/{prefix or 32}")
    except ValueError:
        is_wildcard = False
    problem = "Wildcards are not allowed" if is_wildcard else "Illegal IP"
    raise PageError(f"{problem}: {printable(entry, 60)}")
