"""Hosts that can be asked, who names them, and what one said.

They are named by a list that is typed, the settings, the user's ssh configuration, or standard input.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from glob import glob
from ipaddress import IPv4Address
from pathlib import Path

from wizard.core.destinations import read_destination
from wizard.core.errors import WizardError
from wizard.egress.agreement import EgressVerdict, judge
from wizard.egress.services import Sample

FROM_SETTINGS = "@settings"
FROM_SSH_CONFIG = "@ssh-config"
FROM_STANDARD_INPUT = "-"
_HEADING = re.compile(r"hosts \([0-9]+\):")
"""What `ansible all --list-hosts` writes above the names."""
_FILE_LIMIT = 1024 * 1024
_LINE = re.compile(r"\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*)")


class HostSource(StrEnum):
    """Who named a host."""

    TYPED = "typed"
    SETTINGS = "settings"
    SSH_CONFIG = "ssh-config"


@dataclass(frozen=True, slots=True)
class Host:
    """A host that ssh can reach, as far as its name tells."""

    name: str
    """What ssh is given, `[user@]host`; also the label of its address in a whitelist."""
    source: HostSource = HostSource.TYPED


def typed_host(text: str, source: HostSource = HostSource.TYPED) -> Host:
    """Return the host that was written as `[user@]host`; a `WizardError` where it names none."""
    return Host(read_destination(text), source)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a host gave no address, or no call came through it, for people."""

    kind: str
    """For programs, such as `unknown-host-key`."""
    reason: str
    """A phrase, without a full stop."""
    advice: str
    """What to do, as sentences; `{host}` stands for the host's name."""


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """What one host said. Its words are untrusted: a host can lie about its address, and about nothing else."""

    host: Host
    milliseconds: float
    """From the start of ssh to the end of the script."""
    samples: tuple[Sample, ...] = ()
    """What the echo services said to the host."""
    trouble: Trouble | None = None
    """Why there is no address at all; None when there is one."""
    client: str = ""
    """The program on the host that asked: `curl`, `wget` or `python3`."""
    has_proxy: bool = False
    """Whether a proxy is set in the environment of that login; it was not used."""

    @property
    def verdict(self) -> EgressVerdict:
        """What the samples mean, judged as those of this host are."""
        return judge(self.samples)

    @property
    def address(self) -> IPv4Address | None:
        """The address that at least two operators agree on."""
        return self.verdict.address

    def sentence(self) -> str:
        """Return what was found, for people."""
        if self.trouble is not None:
            reason = self.trouble.reason
            return f"{reason[:1].upper()}{reason[1:]}."
        return self.verdict.sentence()

    def advice(self) -> str:
        """Return what the user can do about it; nothing where there is nothing to do."""
        return self.trouble.advice.replace("{host}", self.host.name) if self.trouble else self.verdict.advice


def labels(answers: Iterable[HostAnswer]) -> dict[IPv4Address, tuple[str, ...]]:
    """Return the addresses that hosts agreed on, each with the hosts that have it: what a whitelist says about it."""
    found: dict[IPv4Address, dict[str, None]] = {}
    for answer in answers:
        if answer.address is not None:
            found.setdefault(answer.address, {})[answer.host.name] = None
    return {address: tuple(names) for address, names in found.items()}


def named_hosts(
    text: str, configured: Sequence[str], *, ssh_config: Path, standard_input: Callable[[], str]
) -> tuple[Host, ...]:
    """Return the hosts that a list of `[user@]host` with commas between names, each once; none where it names none.

    The three words above stand for other sources: the hosts of the settings (`configured`), `~/.ssh/config`, and
    standard input with a name on each line. Raises `WizardError` where a name is not one that ssh may be given, or
    standard input cannot be read.
    """
    sources: dict[str, Callable[[], Iterable[Host]]] = {
        FROM_SETTINGS: lambda: (typed_host(host, HostSource.SETTINGS) for host in configured),
        FROM_SSH_CONFIG: lambda: hosts_of_ssh_config(ssh_config),
        FROM_STANDARD_INPUT: lambda: map(typed_host, _listed(standard_input())),
    }
    words = [word.strip() for word in text.split(",")]
    found = [host for word in words for host in (sources[word]() if word in sources else [typed_host(word)])]
    first: dict[str, Host] = {}
    for host in found:
        first.setdefault(host.name, host)
    return tuple(first.values())


def _listed(text: str) -> Iterator[str]:
    return (line for line in map(str.strip, text.splitlines()) if line and not _HEADING.fullmatch(line))


def hosts_of_ssh_config(file: Path) -> tuple[Host, ...]:
    """Return the concrete names after `Host` in `file` and what it includes, each once; unreadable files name none."""
    names = dict.fromkeys(_names(file, file.parent, set()))
    return tuple(Host(name, HostSource.SSH_CONFIG) for name in names)


def _names(file: Path, directory: Path, read: set[Path]) -> Iterator[str]:
    if file in read:
        return
    read.add(file)
    for keyword, words in _lines(file):
        if keyword == "host":
            yield from filter(_is_concrete, words)
        elif keyword == "include":
            for word in words:
                for included in _matching(directory, word):
                    yield from _names(included, directory, read)


def _lines(file: Path) -> Iterator[tuple[str, list[str]]]:
    try:
        if not file.is_file():  # a pipe would be waited for
            return
        with file.open("rb") as opened:
            text = opened.read(_FILE_LIMIT).decode("utf-8", "replace")
    except OSError:
        return
    for line in text.splitlines():
        if found := _LINE.fullmatch(line):
            with suppress(ValueError):  # an open quotation mark: ssh does not read the line either
                yield found[1].lower(), shlex.split(found[2], comments=True)


def _matching(directory: Path, word: str) -> list[Path]:
    pattern = Path(word).expanduser() if word.startswith("~/") else directory / word
    try:
        # As ssh does, and Path.glob does not: `**` is `*`, names with a dot in front do not match.
        return sorted(map(Path, glob(str(pattern))))  # noqa: PTH207
    except (ValueError, OSError, RuntimeError):
        return []


def _is_concrete(name: str) -> bool:
    try:
        return read_destination(name) == name
    except WizardError:
        return False
