"""The echo services to ask: those that ship with the wizard, and what the user makes of them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any

from wizard.errors import SettingsError
from wizard.sites import is_safe_url

_NEEDED = {"operator", "url", "parser"}
_ADVICE = 'Write a table as [name] with operator = "…", url = "https://…" and parser = "plain", "json" or "trace".'


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
    """Return the echo services in the order of the files, the user's additions last.

    Args:
        user_file: `services.toml` of the user; it need not exist.

    Raises:
        SettingsError: the file is not TOML, or a table in it makes no service.
    """
    shipped = tomllib.loads(resources.files("wizard.egress").joinpath("services.toml").read_text("utf-8"))
    added = _read(user_file) if user_file else {}
    if added.pop("shipped", True) is False:
        shipped = {}
    tables = {name: {**shipped.get(name, {}), **added.get(name, {})} for name in {**shipped, **added}}
    services = (
        _service(f"[{name}] in {user_file}", name, table)
        for name, table in tables.items()
        if table.get("enabled") is not False
    )
    return tuple(_spelt_alike(services))


def _spelt_alike(services: Iterable[EchoService]) -> Iterator[EchoService]:
    """Write each operator as it is written first: `cloudflare` and `Cloudflare` are one voice."""
    first: dict[str, str] = {}
    for service in services:
        operator = " ".join(service.operator.split())
        yield replace(service, operator=first.setdefault(operator.casefold(), operator))


def _read(file: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(
            f"{file} cannot be read", why=str(error), advice="Correct the file or move it away."
        ) from None
    if not isinstance(tables.get("shipped", True), bool):
        raise SettingsError(f"shipped in {file} is neither true nor false", advice="Write shipped = false.")
    for name, table in tables.items():
        if name != "shipped" and not isinstance(table, dict):
            raise SettingsError(f"{name!r} in {file} is not a table", advice=_ADVICE)
    return tables


def _service(where: str, name: str, table: dict[str, Any]) -> EchoService:
    values = {key: value for key, value in table.items() if key != "enabled"}
    if (
        not values.keys() >= _NEEDED
        or not values.keys() <= _NEEDED | {"note"}
        or table.get("enabled", True) is not True
    ):
        raise SettingsError(f"{where} does not describe an echo service", advice=_ADVICE)
    if not all(isinstance(value, str) and value for value in values.values()) or values["parser"] not in list(Parser):
        raise SettingsError(f"{where} has a value that makes no sense", advice=_ADVICE)
    if not is_safe_url(values["url"]):
        raise SettingsError(
            f"{where}: the url must begin with https://",
            why="Over http anybody on the way could answer; http is accepted for this machine only.",
            advice=_ADVICE,
        )
    return EchoService(name, values["operator"], values["url"], Parser(values["parser"]), values.get("note", ""))
