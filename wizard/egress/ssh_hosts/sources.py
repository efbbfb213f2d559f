"""Who names hosts: a list that is typed, the settings, the user's ssh configuration, standard input."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from glob import glob
from pathlib import Path

from wizard.core.ssh_destination import InvalidDestination, read_destination
from wizard.egress.ssh_hosts.model import Host, HostSource, typed_host

FROM_SETTINGS = "@settings"
FROM_SSH_CONFIG = "@ssh-config"
FROM_STANDARD_INPUT = "-"

_HEADING = re.compile(r"hosts \([0-9]+\):")
"""What `ansible all --list-hosts` writes above the names."""
_DEEPEST = 16
"""Includes within includes, as ssh_config(5) allows."""
_MOST_FILES = 200
_FILE_LIMIT = 1024 * 1024
_LINE = re.compile(r"\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*)")


def named_hosts(
    text: str, configured: Sequence[str], *, ssh_config: Path, standard_input: Callable[[], str]
) -> tuple[Host, ...]:
    """Return the hosts that a list names, each once; none where it names none.

    Args:
        text: Names with commas between them, `[user@]host` each; the three words above stand for other sources.
        configured: The hosts of the settings.
        ssh_config: `~/.ssh/config`.
        standard_input: Reads it. A name stands on each line, with blanks and blank lines around it.

    Raises:
        wizard.core.ssh_destination.InvalidDestination: a name is not one that ssh may be given.
        wizard.core.errors.WizardError: standard input cannot be read.
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
    """Return the concrete names after `Host` in `file` and what it includes, each once, in their order.

    Files that are missing or cannot be read name no hosts, as for ssh. What a `Match` says is not read.

    Args:
        file: `~/.ssh/config`; names of included files are relative to its directory.
    """
    names = dict.fromkeys(_names(file, file.parent, set(), 0))
    return tuple(Host(name, HostSource.SSH_CONFIG) for name in names)


def _names(file: Path, directory: Path, read: set[Path], depth: int) -> Iterator[str]:
    if depth > _DEEPEST or len(read) >= _MOST_FILES or file in read:
        return
    read.add(file)
    for keyword, words in _lines(file):
        if keyword == "host":
            yield from filter(_is_concrete, words)
        elif keyword == "include":
            for word in words:
                for included in _matching(directory, word):
                    yield from _names(included, directory, read, depth + 1)


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
            yield found[1].lower(), _words(found[2])


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return []


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
    except InvalidDestination:
        return False
