"""Environments, rules and paths, read once from `config.toml` and passed on as values."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from platformdirs import PlatformDirs

from wizard.addresses import read_ipv4
from wizard.errors import SettingsError
from wizard.rules import MOST_ENTRIES, Rules
from wizard.sites import Site, known_sites, read_site
from wizard.ssh_destination import InvalidDestination, read_destination

HOME_VARIABLE = "KEY_WIZARD_HOME"
JOURNAL = "journal.sqlite3"
"""The journal's file. SQLite alone may open it, and those beside it that begin with its name."""
LONGEST_DEADLINE = 120.0
"""Seconds: nobody waits longer for a keyring without believing that the program hangs."""
ANY_SOURCE = "0.0.0.0"  # noqa: S104 - a local address to call from, not one to listen on


OTHERS: Final = 0o077
"""The mode's bits for everybody but the owner."""


class UnknownEnvironment(SettingsError):
    """An environment was named that the settings do not have."""


class Place(StrEnum):
    """Where credentials are kept. There is no order: none takes the place of another by itself."""

    KEYRING = "keyring"
    """The operating system's own store of secrets."""
    ENCRYPTED_FILE = "encrypted-file"
    """A file below the state directory that a passphrase opens."""


@dataclass(frozen=True, slots=True)
class Custody:
    """How credentials are kept."""

    place: Place = Place.KEYRING
    deadline: float = 10.0
    """Seconds for one operation. A healthy keyring takes 0.2 s, most of it to start an interpreter."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One account, one site, one key, one whitelist."""

    name: str
    site: Site
    rules: Rules = field(default_factory=Rules)
    source_address: str = ANY_SOURCE
    """The local IPv4 address that connections leave from; `ANY_SOURCE` lets the system choose."""
    proxy: str | None = None
    """A proxy URL for this environment; None takes the one of the process environment, if any."""
    uses_futures: bool = False
    """Whether software of this environment trades futures: the futures host is then probed too."""
    hosts: tuple[str, ...] = ()
    """Other hosts that use the key, as `[user@]host` for ssh: their addresses belong into the whitelist as well."""
    is_rehearsal: bool = False

    @property
    def is_production(self) -> bool:
        """Whether a slip here costs money: such an environment asks for typed confirmations."""
        return self.name == "production"


@dataclass(frozen=True, slots=True)
class Paths:
    """Where configuration and state live."""

    config: Path
    state: Path

    @property
    def config_file(self) -> Path:
        """The settings file; it need not exist."""
        return self.config / "config.toml"

    @property
    def services_file(self) -> Path:
        """The user's additions to the echo services; it need not exist."""
        return self.config / "services.toml"

    @property
    def journal(self) -> Path:
        """The journal's database."""
        return self.state / JOURNAL

    @property
    def encrypted_file(self) -> Path:
        """The credentials, where the settings choose `Place.ENCRYPTED_FILE`."""
        return self.state / "credentials.vault"

    def lock(self, environment: str) -> Path:
        """The file whose lock makes one writer per environment."""
        return self.state / f"{environment}.lock"

    def within(self, name: str) -> Paths:
        """The paths of a world of its own below these: a rehearsal never touches real state."""
        return Paths(self.config / name, self.state / name)

    def create(self) -> None:
        """Make both directories, readable by their owner only.

        Raises:
            SettingsError: a directory cannot be made or written, or is another user's.
        """
        for directory in (self.config, self.state):
            try:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                _expect_own(directory, _WORLD_WRITABLE)
                _close_to_others(directory)
            except OSError as error:
                raise _unusable(directory, f"The system said: {error.strerror}.") from None


def paths(environ: Mapping[str, str] = os.environ) -> Paths:
    """Return the user's directories, or those below `KEY_WIZARD_HOME` where it is set.

    Raises:
        SettingsError: there is no such directory, or others can put files into it.
    """
    if home := environ.get(HOME_VARIABLE):
        root = _root(home)
        _expect_own(root, _WRITABLE)
        found = Paths(root / "config", root / "state")
    else:
        dirs = PlatformDirs("key-wizard", appauthor=False)
        found = Paths(dirs.user_config_path, dirs.user_state_path)
    for directory in (found.config, found.state):
        if not directory.is_absolute():
            raise _unusable(directory, "It is not an absolute path: the home directory is not known.")
        _expect_own(directory, _WORLD_WRITABLE)
    return found


_WORLD_WRITABLE: Final = stat.S_IWOTH
_WRITABLE: Final = stat.S_IWGRP | stat.S_IWOTH


def _root(home: str) -> Path:
    try:
        return Path(home).expanduser().absolute()
    except RuntimeError:
        raise _unusable(Path(home), "There is no user of that name.") from None
    except OSError:
        raise _unusable(Path(home), "The directory that this program was started in is gone.") from None


def _expect_own(directory: Path, writable: int) -> None:
    """Return if a directory is missing, or belongs to this user and nobody else can write into it.

    Who can write there can put settings, a journal or a link in the place of this user's.

    Args:
        directory: A link is followed: what counts is where the files lie.
        writable: The bits of its mode that would let others write.

    Raises:
        SettingsError: it is another user's, open to others, or no directory.
    """
    try:
        found = directory.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unusable(directory, f"The system said: {error.strerror}.") from None
    if not stat.S_ISDIR(found.st_mode):
        raise _unusable(directory, "It is not a directory.")
    if os.path.samestat(found, Path(directory.anchor).stat()):
        raise _unusable(directory, "It belongs to the whole system.")
    if os.name != "posix":  # on Windows rights come from the user's profile directory
        return
    if found.st_uid != os.geteuid():
        raise _unusable(directory, "It belongs to another user.")
    if found.st_mode & writable:
        raise SettingsError(
            f"The directory {directory} is not used",
            why="Other users of this system can write into it.",
            advice=f"Run: chmod go-w {directory}",
        )


def _close_to_others(directory: Path) -> None:
    """Let nobody but the owner into a directory. A link's target is never changed.

    Raises:
        SettingsError: it is a link to a directory that others can look into.
        OSError: it cannot be changed.
    """
    if os.name != "posix" or not directory.stat().st_mode & OTHERS:
        return
    if directory.is_symlink():
        target = directory.resolve()
        raise SettingsError(
            f"The directory {directory} is not used",
            why=f"It is a link to {target}, and other users of this system can look into that.",
            advice=f"Run: chmod go= {target}",
        )
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchmod(handle, 0o700)
    finally:
        os.close(handle)


def _unusable(directory: Path, why: str) -> SettingsError:
    return SettingsError(
        f"The directory {directory} cannot be used",
        why=why,
        advice=f"Set {HOME_VARIABLE} to a directory of your own that you can write into.",
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `config.toml` says, with defaults filled in."""

    environments: Mapping[str, Environment]
    custody: Custody = field(default_factory=Custody)

    @property
    def default(self) -> Environment:
        """The environment that is meant where none is named: `production`, else the first."""
        return self.environments.get("production") or next(iter(self.environments.values()))

    def environment(self, name: str) -> Environment:
        """Return the environment called `name`.

        Raises:
            UnknownEnvironment: there is none.
        """
        try:
            return self.environments[name]
        except KeyError:
            known = ", ".join(sorted(self.environments))
            raise UnknownEnvironment(
                f"There is no environment called {name!r}",
                why=f"The settings name: {known}.",
                advice="Choose one of them, or add a section [environments.NAME] to config.toml.",
            ) from None


def load(file: Path) -> Settings:
    """Read the settings; a missing file means the defaults.

    Raises:
        SettingsError: the file is not TOML, or says something that makes no sense.
    """
    data = _read_toml(file)
    sites = known_sites()
    rules = _rules(_table(data, "rules", file), Rules(), file)
    sections = _table(data, "environments", file) or {
        "production": {"site": "binance.com"},
        "staging": {"site": "demo"},
        "development": {"site": "testnet"},
    }
    environments = {name: _environment(name, section, sites, rules, file) for name, section in sections.items()}
    return Settings(environments, _custody(_table(data, "custody", file), file))


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(
            f"{file} cannot be read", why=str(error), advice="Correct the file or move it away."
        ) from None


def _table(data: Mapping[str, Any], name: str, file: Path) -> dict[str, Any]:
    table = data.get(name, {})
    if not isinstance(table, dict):
        raise SettingsError(f"{name} in {file} is not a table", advice=f"Write it as [{name}].")
    return table


def _custody(table: Mapping[str, Any], file: Path) -> Custody:
    where, default = f"[custody] in {file}", Custody()
    place, deadline = table.get("place", default.place), table.get("deadline", default.deadline)
    if place not in set(Place):
        raise SettingsError(
            f"{where}: there is no place {place!r}", advice=f"Choose one of: {', '.join(Place)}. Nothing else is used."
        )
    if isinstance(deadline, bool) or not isinstance(deadline, (int, float)) or not 1 <= deadline <= LONGEST_DEADLINE:
        raise SettingsError(
            f"{where}: deadline is {deadline!r}", advice=f"Write seconds from 1 to {LONGEST_DEADLINE:g}: deadline = 10"
        )
    return Custody(Place(place), float(deadline))


def _environment(name: str, section: object, sites: dict[str, Site], rules: Rules, file: Path) -> Environment:
    where = f"[environments.{name}] in {file}"
    if not isinstance(section, dict):
        raise SettingsError(
            f"{where} is not a table",
            advice=f'Write [environments.{name}] and site = "binance.com" below it.',
        )
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
        raise SettingsError(f"{where}: a name has letters, digits, - and _ only", advice="Rename the environment.")
    source = str(section.get("source_address", ANY_SOURCE))
    if read_ipv4(source) is None:
        raise SettingsError(
            f"{where}: source_address {source!r} is not an IPv4 address", advice="Write it as 192.0.2.10."
        )
    proxy = section.get("proxy")
    return Environment(
        name=name,
        site=read_site(section, sites, where),
        rules=_rules(section, rules, file),
        source_address=source,
        proxy=str(proxy) if proxy else None,
        uses_futures=_is_set(section, "uses_futures", where),
        hosts=_hosts(section, where),
    )


def _hosts(section: Mapping[str, Any], where: str) -> tuple[str, ...]:
    value = section.get("hosts", [])
    if not isinstance(value, list) or not all(isinstance(host, str) for host in value):
        raise SettingsError(f"{where}: hosts is not a list of names", advice='Write hosts = ["bot-1", "trader@bot-2"].')
    try:
        return tuple(dict.fromkeys(map(read_destination, value)))
    except InvalidDestination as error:
        raise SettingsError(f"{where}: {error.what}", why=error.why, advice=error.advice) from None


def _is_set(section: Mapping[str, Any], name: str, where: str) -> bool:
    value = section.get(name, False)
    if not isinstance(value, bool):
        raise SettingsError(f"{where}: {name} is {value!r}", advice="Write true or false, without quotes.")
    return value


def _rules(section: Mapping[str, Any], default: Rules, file: Path) -> Rules:
    limit = section.get("max_entries", default.max_entries)
    if not isinstance(limit, int) or not 1 <= limit <= MOST_ENTRIES:
        raise SettingsError(
            f"max_entries in {file} is {limit!r}", advice=f"Write a whole number from 1 to {MOST_ENTRIES}."
        )
    tolerated = section.get("tolerated_ranges", default.tolerated_ranges)
    return Rules(max_entries=limit, tolerated_ranges=frozenset(map(str, tolerated)))
