"""The echo services to ask: those that ship with the wizard, and what the user makes of them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from wizard.core.destinations import read_url
from wizard.core.sites import problem_of
from wizard.core.toml_file import Section, read_toml

_EXAMPLES = {"operator": "Example Ltd", "url": "https://ip.example", "parser": "plain", "note": ""}
_NEEDED = ", ".join(f'{key} = "{example}"' for key, example in _EXAMPLES.items() if example)
_ADVICE = f'A service needs {_NEEDED}. The parser can be "plain", "json" or "trace".'


class Parser(StrEnum):
    """The shapes in which echo services answer."""

    PLAIN = "plain"
    """The address and nothing else."""
    JSON = "json"
    """An object with the address under `ip`."""
    TRACE = "trace"
    """Cloudflare's lines of `key=value`."""


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
    """Return the echo services in the order of the files, those of `user_file`, which need not exist, last.

    Raises `WizardError`, with the line, where the file is not TOML, or a table in it makes no service.
    """
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
    """Return one service: what ships with the wizard, changed by the user's table; None where it is switched off.

    Each operator is written as it is `spelled` first: `cloudflare` and `Cloudflare` are one voice.
    """
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
