"""Reads what is filled in on the simulated page, and refuses nonsense with the kind of message the page shows.

The rules of the exchange's page for the text in its whitelist field.

The page's real rules are not documented (docs/binance.md section 10). These are the mission's:
addresses and CIDR blocks, at most 20, no wildcard, nothing malformed, no empty field, IPv6 ignored
in silence. The separator of the real page is UNKNOWN, so commas, blanks and lines all separate.

Written apart from the wizard's own reading of such texts, so that the two can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from wizard.core.text import printable
from wizard.rehearsal.simulator.faults import CannedAnswer, Faults
from wizard.rehearsal.simulator.keys import PERMISSIONS, READING, WITHDRAWALS, Networks, PageKeyKind
from wizard.rehearsal.simulator.refusals import PageError

_BLANKS = re.compile(r"[ \t\r\n]+")
_PREFIX = re.compile(r"[0-9]|[12][0-9]|3[0-2]")


def read_page_text(text: str, max_entries: int) -> tuple[IPv4Network, ...]:
    """Return the IPv4 blocks that the page saves, in the order in which they were written.

    Raises:
        PageError: the page refuses the whole text.
    """
    entries = _entries(text)
    if len(entries) > max_entries:
        raise PageError("Too many IPs")
    return tuple(network for network in map(_network, entries) if network is not None)


def _entries(text: str) -> list[str]:
    fields = [field.strip(" \t\r\n") for field in text.split(",")]
    if not all(fields):
        raise PageError("An IP address must not be empty")
    return [entry for field in fields for entry in _BLANKS.split(field)]


def _network(entry: str) -> IPv4Network | None:
    if "*" in entry:
        raise PageError(f"Wildcards are not allowed: {printable(entry, 60)}")
    try:
        if ":" not in entry:
            return _ipv4(entry)
        IPv6Network(entry, strict=False)
    except ValueError:
        raise PageError(f"Illegal IP: {printable(entry, 60)}") from None
    return None


def _ipv4(entry: str) -> IPv4Network:
    address, slash, prefix = entry.partition("/")
    if slash and not _PREFIX.fullmatch(prefix):
        raise ValueError("the prefix is not a number from 0 to 32")
    number = IPv4Address(address)
    if prefix == "0" or int(number) == 0:
        raise PageError(f"Wildcards are not allowed: {printable(entry, 60)}")
    return IPv4Network(f"{number}/{prefix or 32}")


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


def text_field(form: Form, name: str, default: str = "") -> str:
    """Return a text, or `default` where it is left out or null."""
    value = form.get(name)
    if not isinstance(value, str | None):
        raise PageError(f"{name} must be a text")
    if value is None:
        return default
    if _LONE_SURROGATE.search(value):
        raise PageError(f"{name} is not Unicode text")
    return value


def kind_field(form: Form) -> PageKeyKind:
    """Return the kind of key; HMAC where the form does not say, as on the page ("System generated")."""
    try:
        return PageKeyKind(text_field(form, "kind", PageKeyKind.HMAC))
    except ValueError:
        raise PageError(f"kind must be one of {', '.join(PageKeyKind)}") from None


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
        raise PageError(f"There is no such permission: {', '.join(sorted(unknown))}")
    if not all(isinstance(flag, bool) for flag in flags.values()):
        raise PageError("A permission is true or false")
    return frozenset(name for name, flag in flags.items() if flag)


def check_withdrawals(permissions: frozenset[str], networks: Networks) -> None:
    """Refuse withdrawals without a whitelist (CONFIRMED, apiRestrictions documentation)."""
    if WITHDRAWALS in permissions and networks is None:
        raise PageError("You must apply the IP Access Restriction filter in order to enable withdrawals")


def faults_form(form: Form) -> Faults:
    """Return the faults of a form with the fields of `FAULTS`; what is left out is right."""
    _only(form, FAULTS)
    answers = form.get("answers", [])
    if not isinstance(answers, list):
        raise PageError("answers must be a list")
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
        raise PageError("path must be a path of the exchange or of an echo service")
    if not (isinstance(status, int) and isinstance(times, int)):
        raise PageError("status and times must be whole numbers")
    headers = {name: str(text) for name, text in _object(form.get("headers")).items()}
    return _sendable(CannedAnswer(path, times, status, form.get("body", ""), headers))


def _sendable(canned: CannedAnswer) -> CannedAnswer:
    if not all(_HEADER_NAME.fullmatch(name) and _HEADER_TEXT.fullmatch(text) for name, text in canned.headers.items()):
        raise PageError("A header has a name of letters and dashes and one line of ASCII text")
    try:
        canned.response()
    except (ValueError, RecursionError):
        raise PageError("body cannot be sent as an answer") from None
    return canned


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict | None):
        raise PageError("An object is expected here")
    return value or {}


def _only(form: Form, names: Sequence[str]) -> None:
    if unknown := set(form) - set(names):
        raise PageError(f"There is no such field: {', '.join(sorted(unknown))}. There are: {', '.join(names)}")


def _number(form: Form, name: str, least: int, most: int, *, default: int = 0) -> int | float:
    value = form.get(name, default)
    # NaN compares false with everything, so it is refused here too.
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise PageError(f"{name} must be a number from {least} to {most}")
    return value
