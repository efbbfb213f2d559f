"""Findings: what is wrong or remarkable, how bad it is, and the text that would fix it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network

from wizard.core.rules import Rules
from wizard.whitelist.rendering import written


class Severity(StrEnum):
    """How bad a finding is. Only an error keeps a list from being used."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class ListFinding:
    """One remark about an entry or about the whole list."""

    code: str
    """A stable word for programs: `host-bits`, `private`, `too-many`…"""
    severity: Severity
    message: str
    """What is wrong and what to do, for people. Safe to show: foreign characters are replaced."""
    suggestion: str | None = None
    """For an entry: the text to write in its place; an empty text removes it. For the list: the
    entry to add. None where no text can be suggested."""
    is_safe: bool = False
    """Whether the suggestion lets in what the typed text plainly means and drops nothing that a person
    would want to know: it can be applied unread."""
    alternative: str | None = None
    """For an entry: the other text that may have been meant."""


@dataclass(frozen=True, slots=True)
class RequiredAddress:
    """An address that calls the exchange and so has to be on the list."""

    address: IPv4Address
    owner: str
    """Whose address it is, as shown: `this host`, `bot-1`."""


@dataclass(frozen=True, slots=True)
class OtherList:
    """The list of another environment: the two should have nothing in common."""

    environment: str
    networks: tuple[IPv4Network, ...]


@dataclass(frozen=True, slots=True)
class ListContext:
    """What a list is judged by, beside itself."""

    rules: Rules = field(default_factory=Rules)
    """The limit on entries, and the special ranges that this environment really uses."""
    must_cover: tuple[RequiredAddress, ...] = ()
    """Addresses that would be locked out if they were not on the list."""
    others: tuple[OtherList, ...] = ()
    """The lists of the other environments."""
    previous: tuple[IPv4Network, ...] = ()
    """The last list that was proven."""
    observed: tuple[IPv4Network, ...] | None = None
    """What observations have seen calling out; None where nobody looked."""
    labels: Mapping[IPv4Network, str] = field(default_factory=dict)
    """Whose an entry is, as far as is known already."""

    def whose(self, network: IPv4Network) -> str:
        """Return `network (label)`, or the network alone where no label is known."""
        label = self.labels.get(network)
        return f"{written(network)} ({label})" if label else written(network)


@dataclass(frozen=True)
class EntryContext:
    """What a suggestion has to know about the rest of the list."""

    rules: Rules
    missing: tuple[RequiredAddress, ...]
    """Required addresses that no usable entry covers."""
    room: int
    """How many entries may stand in the place of one."""

    @cached_property
    def stand_in(self) -> str:
        """What replaces an entry that can never work: the missing addresses, or nothing."""
        return ",".join(str(required.address) for required in self.missing)


def error(
    code: str, message: str, suggestion: str | None = None, *, is_safe: bool = False, alternative: str | None = None
) -> ListFinding:
    """Return a finding that keeps the list from being used."""
    return ListFinding(code, Severity.ERROR, message, suggestion, is_safe, alternative)
