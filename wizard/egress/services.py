"""The echo services to ask, those that ship with the wizard and what the user makes of them, and what one said.

What it said is untrusted: read strictly, shown only when printable. Each refusal has a case behind it (docs/egress.md).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from urllib.parse import urlsplit

from wizard.core.addresses import read_ipv4, special_range
from wizard.core.destinations import read_url
from wizard.core.rules import Rules
from wizard.core.sites import problem_of
from wizard.core.text import printable
from wizard.core.toml_file import Section, read_toml

_EXAMPLES = {"operator": "Example Ltd", "url": "https://ip.example", "parser": "plain", "note": ""}
_NEEDED = ", ".join(f'{key} = "{example}"' for key, example in _EXAMPLES.items() if example)
_ADVICE = f'A service needs {_NEEDED}. The parser can be "plain", "json" or "trace".'


class Parser(StrEnum):
    """How echo services answer: with the address alone, with it under `ip`, with Cloudflare's lines of `key=value`."""

    PLAIN = "plain"
    JSON = "json"
    TRACE = "trace"
    """The only one that says whether WARP is on."""


@dataclass(frozen=True, slots=True)
class EchoService:
    """One echo service."""

    name: str
    operator: str
    """Who runs it. Agreement counts operators: two services of one operator are one voice."""
    url: str
    parser: Parser
    note: str = ""


def load_services(user_file: Path | None) -> tuple[EchoService, ...]:
    """Return the shipped services, then the user's; a `WizardError` with the line where the file makes no sense."""
    shipped = tomllib.loads(Path(__file__).with_name("services.toml").read_text("utf-8"))
    added = read_toml(user_file) if user_file else Section(Path())
    added.expect_only(["shipped", *(name for name, value in added.values.items() if not isinstance(value, bool))])
    if not added.flag("shipped", default=True):
        shipped = {}
    names = [*shipped, *(name for name in added.values if name not in shipped and name != "shipped")]
    spelled: dict[str, str] = {}
    services = (_service(added, name, shipped.get(name, {}), spelled) for name in names)
    return tuple(service for service in services if service is not None)


def _service(added: Section, name: str, shipped: Mapping[str, str], spelled: dict[str, str]) -> EchoService | None:
    """Return a service as the user's table changes it, None where off; `spelled` makes an operator one voice."""
    section = added.section(name)
    section.expect_only([*_EXAMPLES, "enabled"])
    if not section.flag("enabled", default=True):
        return None
    values = {key: section.string(key, example, shipped.get(key, "")) for key, example in _EXAMPLES.items()}
    if missing := [key for key in _EXAMPLES if key != "note" and not values[key].strip()]:
        raise section.refusal(missing[0], "It is missing.", _ADVICE)
    if values["parser"] not in set(Parser):
        raise section.refusal("parser", "There is no such parser.", _ADVICE)
    url = read_url(values["url"])
    if problem := "It is not the URL of a host." if url is None else problem_of(url):
        raise section.refusal("url", problem, _ADVICE)
    operator = " ".join(values["operator"].split())
    operator = spelled.setdefault(operator.casefold(), operator)
    return EchoService(name, operator, values["url"], Parser(values["parser"]), values["note"])


BODY_LIMIT = 4096
"""Bytes of an answer that are read; the longest honest one, Cloudflare's trace, has about 300."""
_LONGEST_PLAIN = 64
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Sample:
    """One question to one echo service and what came of it."""

    service: EchoService
    address: IPv4Address | None
    """The address that the service saw; None when there was no usable answer."""
    refusal: str
    """Why there is no address, as a phrase for people; empty when there is one."""
    milliseconds: float
    """From the question to the answer or to giving up."""
    is_shared: bool = False
    """Whether the service says that WARP is on: then many people call from the address that services see."""


class NoAddressError(Exception):
    """An answer that names no usable address. Its text is safe to show."""

    is_shared = False
    """See `Sample.is_shared`."""


def refuse_status(status: int, location: str) -> None:
    """Raise `NoAddressError` for any status but 200, whatever the body says; `location` is shown, never followed."""
    if 300 <= status < 400:
        raise NoAddressError(f"redirected to {printable(location, _SHOWN) or 'nowhere'}, possibly by a captive portal")
    if status == 407:
        raise NoAddressError("the proxy asks for a user name and a password (HTTP 407)")
    if status in {403, 429}:
        raise NoAddressError(f"blocked or rate-limited (HTTP {status})")
    if status != 200:
        raise NoAddressError(f"HTTP {status}")


def read_answer(service: EchoService, body: bytes, rules: Rules) -> IPv4Address:
    """Return the IPv4 address that `body` names; a `NoAddressError` where it names none, several or one not public."""
    if len(body) > BODY_LIMIT:
        raise NoAddressError(f"more than {BODY_LIMIT} bytes, so a web page and no address")
    try:
        text = body.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise NoAddressError("not text, but compressed or binary") from None
    if service.parser is Parser.JSON:
        text = _json(text)
    elif service.parser is Parser.TRACE:
        text = _trace(text, service)
    address = read_ipv4(text)
    if address is None:
        raise NoAddressError(_why_no_ipv4(text))
    special = special_range(address)
    if special and special.kind not in rules.tolerated_ranges:
        raise NoAddressError(f"{address} is {special.reason}, not a public address")
    return address


def _json(text: str) -> str:
    try:
        answer = json.loads(text)["ip"]
    except (ValueError, LookupError, TypeError, RecursionError):
        answer = None
    if not isinstance(answer, str):
        raise NoAddressError(f"not the expected JSON: {_excerpt(text)}")
    return answer


def _trace(text: str, service: EchoService) -> str:
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    parts = urlsplit(service.url)
    if values.get("h") not in {parts.hostname, parts.netloc}:
        raise NoAddressError(f"not a trace of {parts.hostname}: {_excerpt(text)}")
    if values.get("warp", "off") != "off":
        shared = NoAddressError("Cloudflare WARP is on, so many people share the address")
        shared.is_shared = True
        raise shared
    return values.get("ip", "")


def _why_no_ipv4(text: str) -> str:
    if "<" in text or len(text) > _LONGEST_PLAIN:
        return "a web page, not an address, possibly of a captive portal"
    if "," in text or len(text.split()) > 1:
        return f"several words or addresses: {_excerpt(text)}"
    try:
        # A scope behind % may be any text.
        return f"the IPv6 address {printable(str(IPv6Address(text)), _SHOWN)}, but the list takes IPv4"
    except ValueError:
        return f"not an address: {_excerpt(text)}"


def _excerpt(text: str) -> str:
    return repr(printable(text, _SHOWN))
