"""Findings: what is wrong or remarkable, how bad it is, and the text that would fix it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network

from wizard.core.rules import Rules


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
class ListContext:
    """What a list is judged by, beside itself."""

    rules: Rules = field(default_factory=Rules)
    """The limit on entries, and the special ranges that this environment really uses."""
    must_cover: Mapping[IPv4Address, str] = field(default_factory=dict)
    """Addresses that call the exchange and would be locked out if they were not on the list, each with whose it is, as
    shown: `this host`, `bot-1`."""
    others: Mapping[str, tuple[IPv4Network, ...]] = field(default_factory=dict)
    """The lists of the other environments, by their names: the two should have nothing in common."""
    previous: tuple[IPv4Network, ...] = ()
    """The last list that was proven."""
    observed: tuple[IPv4Network, ...] | None = None
    """What observations have seen calling out; None where nobody looked."""
    labels: Mapping[IPv4Network, str] = field(default_factory=dict)
    """Whose an entry is, as far as is known already."""


@dataclass(frozen=True)
class EntryContext:
    """What a suggestion has to know about the rest of the list."""

    rules: Rules
    missing: Mapping[IPv4Address, str]
    """Required addresses that no usable entry covers and a list may have, each with whose it is."""
    room: int
    """How many entries may stand in the place of one."""

    @cached_property
    def stand_in(self) -> str:
        """What replaces an entry that can never work: the missing addresses, or nothing."""
        return ",".join(map(str, self.missing))


def error(
    code: str, message: str, suggestion: str | None = None, *, is_safe: bool = False, alternative: str | None = None
) -> ListFinding:
    """Return a finding that keeps the list from being used."""
    return ListFinding(code, Severity.ERROR, message, suggestion, is_safe, alternative)
