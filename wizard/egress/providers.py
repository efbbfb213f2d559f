"""The echo services to ask: those that ship with the wizard, and what the user makes of them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any

from wizard.errors import WizardError
from wizard.sites import is_safe_url

_NEEDED = {"operator", "url", "parser"}
_ADVICE = 'Write a table as [name] with operator = "…", url = "https://…" and parser = "plain", "json" or "trace".'


class ProvidersUnusable(WizardError):
    """The user's `providers.toml` cannot be used as it is."""


class Parser(StrEnum):
    """The shapes in which echo services answer."""

    PLAIN = "plain"
    """The address and nothing else."""
    JSON = "json"
    """An object with the address under `ip`."""
    TRACE = "trace"
    """Cloudflare's lines of `key=value`."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One echo service."""

    name: str
    operator: str
    """Who runs it. A quorum counts operators: two services of one operator are one voice."""
    url: str
    parser: Parser
    note: str = ""


def load_providers(user_file: Path | None) -> tuple[Provider, ...]:
    """Return the echo services in the order of the files, the user's additions last.

    Args:
        user_file: `providers.toml` of the user; it need not exist.

    Raises:
        ProvidersUnusable: the file is not TOML, or a table in it makes no provider.
    """
    shipped = tomllib.loads(resources.files("wizard.egress").joinpath("providers.toml").read_text("utf-8"))
    added = _read(user_file) if user_file else {}
    if added.pop("shipped", True) is False:
        shipped = {}
    tables = {name: {**shipped.get(name, {}), **added.get(name, {})} for name in {**shipped, **added}}
    providers = (
        _provider(f"[{name}] in {user_file}", name, table)
        for name, table in tables.items()
        if table.get("enabled") is not False
    )
    return tuple(_spelt_alike(providers))


def _spelt_alike(providers: Iterable[Provider]) -> Iterator[Provider]:
    """Write each operator as it is written first: `cloudflare` and `Cloudflare` are one voice."""
    first: dict[str, str] = {}
    for provider in providers:
        operator = " ".join(provider.operator.split())
        yield replace(provider, operator=first.setdefault(operator.casefold(), operator))


def _read(file: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ProvidersUnusable(
            f"{file} cannot be read", why=str(error), advice="Correct the file or move it away."
        ) from None
    if not isinstance(tables.get("shipped", True), bool):
        raise ProvidersUnusable(f"shipped in {file} is neither true nor false", advice="Write shipped = false.")
    for name, table in tables.items():
        if name != "shipped" and not isinstance(table, dict):
            raise ProvidersUnusable(f"{name!r} in {file} is not a table", advice=_ADVICE)
    return tables


def _provider(where: str, name: str, table: dict[str, Any]) -> Provider:
    values = {key: value for key, value in table.items() if key != "enabled"}
    if (
        not values.keys() >= _NEEDED
        or not values.keys() <= _NEEDED | {"note"}
        or table.get("enabled", True) is not True
    ):
        raise ProvidersUnusable(f"{where} does not describe an echo service", advice=_ADVICE)
    if not all(isinstance(value, str) and value for value in values.values()) or values["parser"] not in list(Parser):
        raise ProvidersUnusable(f"{where} has a value that makes no sense", advice=_ADVICE)
    if not is_safe_url(values["url"]):
        raise ProvidersUnusable(
            f"{where}: the url must begin with https://",
            why="Over http anybody on the way could answer; http is accepted for this machine only.",
            advice=_ADVICE,
        )
    return Provider(name, values["operator"], values["url"], Parser(values["parser"]), values.get("note", ""))
