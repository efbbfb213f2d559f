"""The desk: what the exchange's API-management page would do, as JSON over HTTP.

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

from wizard.errors import WizardError
from wizard.rehearsal.exchange.desk_forms import (
    Form,
    FormRefused,
    check_withdrawals,
    faults_form,
    kind_field,
    permissions_field,
    text_field,
    whitelist_field,
)
from wizard.rehearsal.exchange.keys import ApiKey, KeyKind, listed, permission_flags
from wizard.rehearsal.exchange.nat import read_nat
from wizard.rehearsal.exchange.signatures import HmacVerifier, ed25519_verifier, rsa_verifier
from wizard.rehearsal.exchange.state import State

PREFIX = "/desk"


class NoSuchKey(WizardError):
    """The path names a key that was never made or is deleted."""


class NotAtTheDesk(WizardError):
    """The request comes from a web page."""


_OWN_NAMES = ("127.0.0.1", "localhost", "::1")
_STATUSES: dict[type[WizardError], int] = {NoSuchKey: 404, NotAtTheDesk: 403}

Action = Callable[[State, Form], object]
KeyAction = Callable[[State, ApiKey, Form], object]


def routes(state: State) -> list[Route]:
    """Return the desk's routes."""
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


def _create(state: State, form: Form) -> object:
    kind, label = kind_field(form), text_field(form, "label")
    networks = whitelist_field(form, "whitelist", state.max_entries)
    permissions = permissions_field(form.get("permissions"))
    check_withdrawals(permissions, networks)
    public_key = text_field(form, "public_key")
    if kind is KeyKind.HMAC:
        if public_key:
            raise FormRefused("An HMAC key has no public key")
        secret = state.mint.text()
        key = state.create_key(label, kind, HmacVerifier(secret), permissions, networks)
        return {"api_key": key.api_key, "secret": secret}
    verifier = (ed25519_verifier if kind is KeyKind.ED25519 else rsa_verifier)(public_key)
    key = state.create_key(label, kind, verifier, permissions, networks)
    return {"api_key": key.api_key, "secret": None}


def _keys(state: State, _form: Form) -> object:
    return [_shown(key) for key in state.keys.values()]


def _change_whitelist(state: State, key: ApiKey, form: Form) -> object:
    if "text" not in form:
        raise FormRefused("text is missing; null makes the key unrestricted")
    networks = whitelist_field(form, "text", state.max_entries)
    check_withdrawals(key.permissions, networks)
    return _shown(state.change_whitelist(key, networks))


def _change_permissions(state: State, key: ApiKey, form: Form) -> object:
    permissions = permissions_field(form.get("permissions", form))
    check_withdrawals(permissions, key.whitelist)
    return _shown(state.change_permissions(key, permissions))


def _disable(state: State, key: ApiKey, _form: Form) -> object:
    return _shown(state.disable(key))


def _delete(state: State, key: ApiKey, _form: Form) -> object:
    state.delete(key)
    return {}


def _replace_nat(state: State, form: Form) -> object:
    state.nat = read_nat(form)
    return state.nat


def _replace_faults(state: State, form: Form) -> object:
    state.faults = faults_form(form)
    return {}


def _log(state: State, _form: Form) -> object:
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


def _route(state: State, method: str, path: str, action: Action, status: int = 200) -> Route:
    async def respond(request: Request) -> Response:
        try:
            _check_visitor(request)
            return JSONResponse(action(state, await _form(request)), status)
        except WizardError as refused:
            return _refusal(refused)

    return Route(path, respond, methods=[method])


def _key_route(state: State, method: str, path: str, action: KeyAction) -> Route:
    async def respond(request: Request) -> Response:
        try:
            _check_visitor(request)
            form = await _form(request)
            return JSONResponse(action(state, _key(state, request), form))
        except WizardError as refused:
            return _refusal(refused)

    return Route(path, respond, methods=[method])


def _check_visitor(request: Request) -> None:
    """Keep web pages out: a browser names the page in Origin, or in Host the name that it made point to here."""
    if request.url.hostname not in _OWN_NAMES or "origin" in request.headers:
        raise NotAtTheDesk("The desk serves programs on this machine, not web pages")


def _refusal(refused: WizardError) -> Response:
    return JSONResponse({"msg": refused.what}, _STATUSES.get(type(refused), 400))


def _key(state: State, request: Request) -> ApiKey:
    key = state.keys.get(request.path_params["api_key"])
    if key is None:
        raise NoSuchKey("There is no such API key")
    return key


async def _form(request: Request) -> Form:
    body = await request.body()
    try:
        form = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise FormRefused("The body is not JSON") from None
    if not isinstance(form, dict):
        raise FormRefused("The body must be a JSON object")
    return form
