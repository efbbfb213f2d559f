"""Reads what is filled in at the desk; anything that makes no sense is refused with the page's kind of message."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from wizard.errors import WizardError
from wizard.rehearsal.exchange.faults import CannedAnswer, Faults
from wizard.rehearsal.exchange.keys import PERMISSIONS, READING, WITHDRAWALS, KeyKind, Networks
from wizard.rehearsal.exchange.whitelist_page import read_page_text

Form = Mapping[str, object]
FAULTS = ("latency_ms", "clock_offset_ms", "whitelist_delay_s", "answers")
CANNED = ("path", "times", "status", "body", "headers")
LONGEST_LATENCY = 3_600_000
"""Milliseconds: an hour."""
FARTHEST_CLOCK = 10 * 366 * 86_400_000
"""Milliseconds: ten years, either way."""
LONGEST_DELAY = 86_400
"""Seconds: a day."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""JSON can spell these; no answer could be encoded that repeats one."""


_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,100}")
_HEADER_TEXT = re.compile(r"[\x20-\x7e]{0,1000}")


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
    """Return the faults of a form with the fields of `FAULTS`; what is left out is right."""
    _only(form, FAULTS)
    answers = form.get("answers", [])
    if not isinstance(answers, list):
        raise FormRefused("answers must be a list")
    return Faults(
        latency=_number(form, "latency_ms", 0, LONGEST_LATENCY) / 1000,
        clock_offset=round(_number(form, "clock_offset_ms", -FARTHEST_CLOCK, FARTHEST_CLOCK) * 1000),
        whitelist_delay=_number(form, "whitelist_delay_s", 0, LONGEST_DELAY),
        answers=tuple(map(_canned, answers)),
    )


def _canned(value: object) -> CannedAnswer:
    form = _object(value)
    _only(form, CANNED)
    path = text_field(form, "path")
    status, times = _number(form, "status", 200, 599, default=503), _number(form, "times", 1, 10**9, default=1)
    if not path.startswith("/") or path.startswith("/desk"):
        raise FormRefused("path must be a path of the exchange or of an echo service")
    if not (isinstance(status, int) and isinstance(times, int)):
        raise FormRefused("status and times must be whole numbers")
    headers = {name: str(text) for name, text in _object(form.get("headers")).items()}
    return _sendable(CannedAnswer(path, times, status, form.get("body", ""), headers))


def _sendable(canned: CannedAnswer) -> CannedAnswer:
    if not all(_HEADER_NAME.fullmatch(name) and _HEADER_TEXT.fullmatch(text) for name, text in canned.headers.items()):
        raise FormRefused("A header has a name of letters and dashes and one line of ASCII text")
    try:
        canned.response()
    except (ValueError, RecursionError):
        raise FormRefused("body cannot be sent as an answer") from None
    return canned


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict | None):
        raise FormRefused("An object is expected here")
    return value or {}


def _only(form: Form, names: Sequence[str]) -> None:
    if unknown := set(form) - set(names):
        raise FormRefused(f"There is no such field: {', '.join(sorted(unknown))}. There are: {', '.join(names)}")


def _number(form: Form, name: str, least: int, most: int, *, default: int = 0) -> int | float:
    value = form.get(name, default)
    # NaN compares false with everything, so it is refused here too.
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise FormRefused(f"{name} must be a number from {least} to {most}")
    return value
