"""The simulated page: what the exchange's API-management page would do, as JSON over HTTP.

It stands in for a person at the page, so it asks for no key; it listens on loopback like the rest.
A secret is in the answer to its creation and nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wizard.rehearsal.simulator.keys import ApiKey, PageKeyKind, listed, permission_flags
from wizard.rehearsal.simulator.page_forms import (
    Form,
    check_withdrawals,
    faults_form,
    kind_field,
    permissions_field,
    text_field,
    whitelist_field,
)
from wizard.rehearsal.simulator.refusals import PageError
from wizard.rehearsal.simulator.signatures import HmacVerifier, ed25519_verifier, rsa_verifier
from wizard.rehearsal.simulator.state import ExchangeState, read_nat

PREFIX = "/desk"


_OWN_NAMES = ("127.0.0.1", "localhost", "::1")

Action = Callable[[ExchangeState, Form], object]
KeyAction = Callable[[ExchangeState, ApiKey, Form], object]


def routes(state: ExchangeState) -> list[Route]:
    """Return the routes of the simulated page."""
    one_key = PREFIX + "/keys/{api_key}"
    return [
        _route(state, "POST", PREFIX + "/keys", _create, status=201),
        _route(state, "GET", PREFIX + "/keys", _keys),
        _key_route(state, "PUT", one_key + "/whitelist", _change_whitelist),
        _key_route(state, "PUT", one_key + "/permissions", _change_permissions),
        _key_route(state, "POST", one_key + "/disable", _disable),
        _key_route(state, "DELETE", one_key, _delete),
        _route(state, "PUT", PREFIX + "/nat", _replace_nat),
        _route(state, "PUT", PREFIX + "/faults", _replace_faults),
        _route(state, "GET", PREFIX + "/log", _log),
    ]


def _create(state: ExchangeState, form: Form) -> object:
    kind, label = kind_field(form), text_field(form, "label")
    networks = whitelist_field(form, "whitelist", state.max_entries)
    permissions = permissions_field(form.get("permissions"))
    check_withdrawals(permissions, networks)
    public_key = text_field(form, "public_key")
    if kind is PageKeyKind.HMAC:
        if public_key:
            raise PageError("An HMAC key has no public key")
        secret = state.generator.text()
        key = state.create_key(label, kind, HmacVerifier(secret), permissions, networks)
        return {"api_key": key.api_key, "secret": secret}
    verifier = (ed25519_verifier if kind is PageKeyKind.ED25519 else rsa_verifier)(public_key)
    key = state.create_key(label, kind, verifier, permissions, networks)
    return {"api_key": key.api_key, "secret": None}


def _keys(state: ExchangeState, _form: Form) -> object:
    return [_shown(key) for key in state.keys.values()]


def _change_whitelist(state: ExchangeState, key: ApiKey, form: Form) -> object:
    if "text" not in form:
        raise PageError("text is missing; null makes the key unrestricted")
    networks = whitelist_field(form, "text", state.max_entries)
    check_withdrawals(key.permissions, networks)
    return _shown(state.change_whitelist(key, networks))


def _change_permissions(state: ExchangeState, key: ApiKey, form: Form) -> object:
    permissions = permissions_field(form.get("permissions", form))
    check_withdrawals(permissions, key.whitelist)
    return _shown(state.change_permissions(key, permissions))


def _disable(state: ExchangeState, key: ApiKey, _form: Form) -> object:
    return _shown(state.disable(key))


def _delete(state: ExchangeState, key: ApiKey, _form: Form) -> object:
    state.delete(key)
    return {}


def _replace_nat(state: ExchangeState, form: Form) -> object:
    state.nat = read_nat(form)
    return state.nat


def _replace_faults(state: ExchangeState, form: Form) -> object:
    state.faults = faults_form(form)
    return {}


def _log(state: ExchangeState, _form: Form) -> object:
    return [asdict(entry) for entry in state.log.entries()]


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "label": key.label,
        "kind": key.kind,
        "api_key": key.api_key,
        "permissions": permission_flags(key.permissions),
        "whitelist": listed(key.whitelist),
        "created": key.created,
        "state": "active" if key.enabled else "disabled",
    }


def _route(state: ExchangeState, method: str, path: str, action: Action, status: int = 200) -> Route:
    async def respond(request: Request) -> Response:
        try:
            _check_visitor(request)
            return JSONResponse(action(state, await _form(request)), status)
        except PageError as refused:
            return _refusal(refused)

    return Route(path, respond, methods=[method])


def _key_route(state: ExchangeState, method: str, path: str, action: KeyAction) -> Route:
    async def respond(request: Request) -> Response:
        try:
            _check_visitor(request)
            form = await _form(request)
            return JSONResponse(action(state, _key(state, request), form))
        except PageError as refused:
            return _refusal(refused)

    return Route(path, respond, methods=[method])


def _check_visitor(request: Request) -> None:
    """Keep web pages out: a browser names the page in Origin, or in Host the name that it made point to here."""
    if request.url.hostname not in _OWN_NAMES or "origin" in request.headers:
        raise PageError("The simulated page serves programs on this machine, not web pages", status=403)


def _refusal(refused: PageError) -> Response:
    return JSONResponse({"msg": refused.what}, refused.status)


def _key(state: ExchangeState, request: Request) -> ApiKey:
    key = state.keys.get(request.path_params["api_key"])
    if key is None:
        raise PageError("There is no such API key", status=404)
    return key


async def _form(request: Request) -> Form:
    body = await request.body()
    try:
        form = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise PageError("The body is not JSON") from None
    if not isinstance(form, dict):
        raise PageError("The body must be a JSON object")
    return form
