"""Reads what is filled in at the desk; anything that makes no sense is refused with the page's kind of message."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from wizard.errors import WizardError
from wizard.rehearsal.exchange.faults import CannedAnswer, Faults
from wizard.rehearsal.exchange.keys import PERMISSIONS, READING, WITHDRAWALS, KeyKind, Networks
from wizard.rehearsal.exchange.whitelist_page import read_page_text

Form = Mapping[str, object]
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""JSON can spell these; no answer could be encoded that repeats one."""


class FormRefused(WizardError):
    """The form is not accepted; `what` is the message that is shown."""


def text_field(form: Form, name: str, default: str = "") -> str:
    """Return a text, or `default` where it is left out or null."""
    value = form.get(name)
    if not isinstance(value, str | None):
        raise FormRefused(f"{name} must be a text")
    if value is None:
        return default
    if _LONE_SURROGATE.search(value):
        raise FormRefused(f"{name} is not Unicode text")
    return value


def kind_field(form: Form) -> KeyKind:
    """Return the kind of key; HMAC where the form does not say, as on the page ("System generated")."""
    try:
        return KeyKind(text_field(form, "kind", KeyKind.HMAC))
    except ValueError:
        raise FormRefused(f"kind must be one of {', '.join(KeyKind)}") from None


def whitelist_field(form: Form, name: str, max_entries: int) -> Networks:
    """Return the whitelist; null or left out is unrestricted."""
    if form.get(name) is None:
        return None
    return read_page_text(text_field(form, name), max_entries)


def permissions_field(value: object) -> frozenset[str]:
    """Return the permissions that are on, from `{name: bool}` or a list of names.

    In the object, reading is on where it is not named and everything else is off, as on the page.
    """
    flags = dict.fromkeys(map(str, value), True) if isinstance(value, list) else {READING: True, **_object(value)}
    if unknown := set(flags) - set(PERMISSIONS):
        raise FormRefused(f"There is no such permission: {', '.join(sorted(unknown))}")
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise FormRefused("A permission is true or false")
    return frozenset(name for name, flag in flags.items() if flag)


def check_withdrawals(permissions: frozenset[str], networks: Networks) -> None:
    """Refuse withdrawals without a whitelist (CONFIRMED, apiRestrictions documentation)."""
    if WITHDRAWALS in permissions and networks is None:
        raise FormRefused("You must apply the IP Access Restriction filter in order to enable withdrawals")


def faults_form(form: Form) -> Faults:
    """Return the faults of `{latency_ms, clock_offset_ms, whitelist_delay_s, answers}`; what is left out is right."""
    _only(form, "latency_ms", "clock_offset_ms", "whitelist_delay_s", "answers")
    answers = form.get("answers", [])
    if not isinstance(answers, list):
        raise FormRefused("answers must be a list")
    return Faults(
        latency=_not_negative(form, "latency_ms") / 1000,
        clock_offset=round(_number(form, "clock_offset_ms", 0) * 1000),
        whitelist_delay=_not_negative(form, "whitelist_delay_s"),
        answers=tuple(map(_canned, answers)),
    )


def _canned(value: object) -> CannedAnswer:
    form = _object(value)
    _only(form, "path", "times", "status", "body", "headers")
    path, status, times = text_field(form, "path"), _number(form, "status", 503), _number(form, "times", 1)
    if not path.startswith("/") or path.startswith("/desk"):
        raise FormRefused("path must be a path of the exchange or of an echo service")
    if not (isinstance(status, int) and 200 <= status <= 599 and isinstance(times, int) and times >= 1):
        raise FormRefused("status must be from 200 to 599, times at least 1")
    headers = {str(name): str(text) for name, text in _object(form.get("headers")).items()}
    return CannedAnswer(path, times, status, form.get("body", ""), headers)


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict | None):
        raise FormRefused("An object is expected here")
    return value or {}


def _only(form: Form, *names: str) -> None:
    if unknown := set(form) - set(names):
        raise FormRefused(f"There is no such field: {', '.join(sorted(unknown))}")


def _number(form: Form, name: str, default: int) -> int | float:
    value = form.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise FormRefused(f"{name} must be a number")
    return value


def _not_negative(form: Form, name: str) -> float:
    value = _number(form, name, 0)
    if value < 0:
        raise FormRefused(f"{name} must not be negative")
    return value
