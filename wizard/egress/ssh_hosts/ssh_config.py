"""The host names that the user's ssh configuration spells out: not patterns, and `Include` followed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from glob import glob
from pathlib import Path

from wizard.egress.ssh_hosts.model import Host, HostSource
from wizard.ssh_destination import InvalidDestination, read_destination

_DEEPEST = 16
"""Includes within includes, as ssh_config(5) allows."""
_MOST_FILES = 200
_FILE_LIMIT = 1024 * 1024
_LINE = re.compile(r"\s*([A-Za-z]+)(?:\s*=\s*|\s+)(.*)")


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
