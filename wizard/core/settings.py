"""Environments, rules and paths, read once from `config.toml` and passed on as values."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING, Final

from platformdirs import PlatformDirs

from wizard.core.addresses import SPECIAL_RANGES, read_ipv4
from wizard.core.destinations import is_this_machine, read_destination, read_url
from wizard.core.errors import UsageError, WizardError
from wizard.core.rules import MOST_ENTRIES, Rules
from wizard.core.sites import CUSTOM_SETTINGS, CUSTOM_SITE, Site, known_sites, read_site
from wizard.core.text import did_you_mean, printable
from wizard.core.toml_file import Section, read_toml
from wizard.core.unattended import KeyPolicy, RotationPolicy, read_block, read_key_policy, read_policy

if TYPE_CHECKING:
    from wizard.core.targets import Target

HOME_VARIABLE = "KEY_WIZARD_HOME"
JOURNAL = "journal.sqlite3"
"""The journal's file. SQLite alone may open it, and those beside it that begin with its name."""
LONGEST_DEADLINE = 120.0
"""Seconds: nobody waits longer for a keyring without believing that the program hangs."""
LONGEST_OVERLAP = 43200.0
"""Minutes, 30 days: what works for longer beside its successor was not replaced."""
ANY_SOURCE = "0.0.0.0"  # noqa: S104 - a local address to call from, not one to listen on
OTHERS: Final = 0o077
"""The mode's bits for everybody but the owner."""


class Place(StrEnum):
    """Where credentials are kept. There is no order: none takes the place of another by itself."""

    KEYRING = "keyring"
    """The operating system's own store of secrets."""
    ENCRYPTED_FILE = "encrypted-file"
    """A file below the state directory that a passphrase opens."""
    OPENBAO = "openbao"
    """OpenBao or HashiCorp Vault, for teams."""


TOKEN_VARIABLES: Final = ("BAO_TOKEN", "VAULT_TOKEN")
"""Who has the token has every key: only `exec` hands them on, as docs/security.md says."""


@dataclass(frozen=True, slots=True)
class OpenBao:
    """Where OpenBao or HashiCorp Vault is, and how to log in there, as in docs/openbao.md. It holds no secret."""

    url: str
    mount: str = "secret"
    path: str = "key-wizard"
    namespace: str = ""
    ca_file: str = ""
    role_id: str = ""
    secret_id_file: str = ""
    auth_mount: str = "approle"


@dataclass(frozen=True, slots=True)
class Custody:
    """How credentials are kept."""

    place: Place = Place.KEYRING
    deadline: float = 10.0
    """Seconds for one operation. A healthy keyring takes 0.2 s, most of it to start an interpreter."""
    openbao: OpenBao | None = None
    """Set at least where the place is `Place.OPENBAO`."""


@dataclass(frozen=True, slots=True)
class Bot:
    """A program that trades with the key of an environment."""

    name: str
    restart: tuple[str, ...]
    """The program and its arguments that have it take the new key. No shell reads them."""
    check: tuple[str, ...] = ()
    """What ends with 0 while the bot runs; nothing where that is not looked at."""


@dataclass(frozen=True, slots=True)
class SubAccountSettings:
    """Whose keys an environment has, where a master account manages them by API."""

    email: str
    """The sub-account's address, exactly as Binance lists it."""
    master: Environment
    """The environment whose key is the master account's."""


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
    bots: tuple[Bot, ...] = ()
    """What is restarted after a switch, in this order."""
    targets: tuple[Target, ...] = ()
    """Where the current key is written for bots."""
    openbao: OpenBao | None = None
    """The server of the targets that are there."""
    two_keys_limit: float = 3600.0
    """Seconds that the new and the legacy key may both work."""
    sub_account: SubAccountSettings | None = None
    """None: a person makes and deletes keys on Binance's page."""
    rotation: RotationPolicy = field(default_factory=RotationPolicy)
    policy: KeyPolicy = field(default_factory=KeyPolicy)
    whitelist: Mapping[IPv4Network, str] = field(default_factory=dict, hash=False)
    """Entries with their labels; proposed where no list is in use yet."""
    is_rehearsal: bool = False

    @property
    def is_production(self) -> bool:
        """Whether a slip here costs money: such an environment asks for typed confirmations."""
        return self.name == "production"

    def too_long(self, seconds: float) -> float:
        """Return by how many seconds two keys have worked for longer than they should; 0 within the limit."""
        return max(0.0, seconds - self.two_keys_limit)


@dataclass(frozen=True, slots=True)
class Paths:
    """Where configuration and state live. None of the files need exist."""

    config: Path
    state: Path

    @property
    def config_file(self) -> Path:
        """The settings."""
        return self.config / "config.toml"

    @property
    def services_file(self) -> Path:
        """The user's additions to the echo services."""
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
        """Make both directories, readable by their owner only, or raise WizardError."""
        for directory in (self.config, self.state):
            try:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                _expect_own(directory, _WORLD_WRITABLE)
                _close_to_others(directory)
            except OSError as error:
                raise _unusable(directory, f"The system answered “{error.strerror}”.") from None


def paths(environ: Mapping[str, str] = os.environ) -> Paths:
    """Return the directories, or those below `KEY_WIZARD_HOME`; raise WizardError if others can write there."""
    if root := _chosen(environ):
        _expect_own(root, stat.S_IWGRP | _WORLD_WRITABLE)
        found = Paths(root / "config", root / "state")
    else:
        dirs = PlatformDirs("key-wizard", appauthor=False)
        found = Paths(dirs.user_config_path, dirs.user_state_path)
    for directory in (found.config, found.state):
        if not directory.is_absolute():
            raise _unusable(
                directory, "It is not an absolute path, because the system does not know your home directory."
            )
        _expect_own(directory, _WORLD_WRITABLE)
    return found


def home(environ: Mapping[str, str]) -> Path:
    """Return the user's home directory; where it is not known, one in which nothing is found and nothing is made."""
    try:
        return Path(environ.get("HOME") or Path.home())
    except RuntimeError:  # this user has no entry in the system's list
        return Path("/nonexistent")


_WORLD_WRITABLE: Final = stat.S_IWOTH


def _chosen(environ: Mapping[str, str]) -> Path | None:
    chosen = environ.get(HOME_VARIABLE)
    try:
        return Path(chosen).expanduser().absolute() if chosen else None
    except (RuntimeError, OSError) as error:
        is_user = isinstance(error, RuntimeError)
        why = "There is no user of that name." if is_user else "The current directory no longer exists."
        raise _unusable(Path(chosen or ""), why) from None


def _expect_own(directory: Path, writable: int) -> None:
    """Return if a directory is missing, or belongs to this user and nobody can write into it by the bits `writable`.

    Who can, can put settings, a journal or a link in the place of this user's. A link is followed.
    """
    try:
        found = directory.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unusable(directory, f"The system answered “{error.strerror}”.") from None
    if not stat.S_ISDIR(found.st_mode):
        raise _unusable(directory, "It is not a directory.")
    if os.path.samestat(found, Path(directory.anchor).stat()):
        raise _unusable(directory, "It belongs to the whole system.")
    if os.name != "posix":  # on Windows rights come from the user's profile directory
        return
    if found.st_uid != os.geteuid():
        raise _unusable(directory, "It belongs to another user.")
    if found.st_mode & writable:
        raise _unusable(directory, "Other users of this system can write into it.", f"`chmod go-w {directory}`")


def _close_to_others(directory: Path) -> None:
    """Let nobody but the owner into a directory. A link's target is never changed."""
    if os.name != "posix" or not directory.stat().st_mode & OTHERS:
        return
    if directory.is_symlink():
        target = directory.resolve()
        raise _unusable(directory, f"It is a link to {target}, which other users can read.", f"`chmod go= {target}`")
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        os.fchmod(handle, 0o700)
    finally:
        os.close(handle)


def _unusable(directory: Path, why: str, command: str = "") -> WizardError:
    other = f"Set {HOME_VARIABLE} to a directory that is yours and that you can write into."
    advice = f"Close it to them with {command}." if command else other
    return WizardError(
        f"The wizard cannot use the directory {directory}", why=why, advice=advice, code="settings.directory"
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
        """Return the environment called `name`, or raise UsageError."""
        if name in self.environments:
            return self.environments[name]
        raise UsageError(
            f"There is no environment called {name!r}",
            why=f"The settings have {', '.join(sorted(self.environments))}.",
            advice=did_you_mean(name, self.environments)
            or "Choose one of them, or add a section [environments.NAME] to config.toml.",
            code="environment.unknown",
        )


def load(file: Path) -> Settings:
    """Read the settings, or raise WizardError, which names the line; a missing file means the defaults.

    A file that others can change is refused: its lines start programs, and say where keys are sent.
    """
    if os.name == "posix" and file.exists():
        found = file.stat()
        if found.st_uid not in (0, os.geteuid()) or found.st_mode & _WORLD_WRITABLE:
            advice = f"Make it yours, and close it to them:\nchmod go-w {file}"
            why = "Its lines start programs, and say where keys are sent."
            raise WizardError(f"Other users can change {file}", why=why, advice=advice, code="settings.exposed")
    return read_settings(read_toml(file))


def read_settings(whole: Section) -> Settings:
    """Return what a whole file says, or raise WizardError."""
    whole.expect_only(("custody", "rules", "policy", "environments"))
    common, policy = whole.section("rules"), read_key_policy(whole.section("policy"))
    common.expect_only(_RULES)
    rules = _rules(common, Rules())
    sites, environments = known_sites(), whole.section("environments")
    found = {name: _environment(name, environments, sites, rules, policy) for name in environments.values}
    found |= {name: _managed(one, environments, found) for name, one in found.items()}
    usual = {name: Environment(name, sites[site], rules, policy=policy) for name, site in _USUAL.items()}
    custody = _custody(whole.section("custody"))
    found = {name: replace(one, openbao=custody.openbao) for name, one in found.items()}
    return Settings(found or usual, custody)


def read() -> tuple[Paths, Settings]:
    """Return where everything lives for this process, and what its settings say, or raise WizardError."""
    found = paths()
    return found, load(found.config_file)


def _custody(section: Section) -> Custody:
    section.expect_only(("place", "deadline", "openbao"))
    default = Custody()
    place = section.string("place", default.place, default.place)
    if place not in set(Place):
        choice = " or ".join(f'place = "{each}"' for each in Place)
        raise section.refusal("place", "There is no such place.", f"Write {choice}.")
    named = section.section("openbao")
    openbao = _openbao(named) if named.values or place == Place.OPENBAO else None
    return Custody(Place(place), section.number("deadline", default.deadline, 1.0, LONGEST_DEADLINE), openbao)


def _openbao(section: Section) -> OpenBao:
    example = OpenBao("https://bao.example:8200", namespace="trading", ca_file="/etc/ssl/bao.pem")
    section.expect_only([each.name for each in fields(OpenBao)])
    values = {key: section.string(key, getattr(example, key) or "…") for key in section.values}
    url = read_url(values.setdefault("url", ""))
    schemes = ("https", "http") if url and is_this_machine(url.host) else ("https",)
    if url is None or url.user is not None or url.rest not in ("", "/") or url.scheme not in schemes:
        why = "It is not the https address of a server. Plain http is for this machine only."
        raise section.refusal("url", why, f'Write url = "{example.url}".')
    for key in {"mount", "path", "namespace", "auth_mount"} & values.keys():
        values[key] = values[key].strip("/")
        if not all(map(_NAME.fullmatch, values[key].split("/"))):
            why = "Letters, digits, - and _ are possible between its slashes."
            raise section.refusal(key, why, f'Write {key} = "{getattr(example, key)}".')
    return OpenBao(**values)


def _environment(
    name: str, environments: Section, sites: Mapping[str, Site], rules: Rules, policy: KeyPolicy
) -> Environment:
    if not _NAME.fullmatch(name):
        why = "The name of an environment has 60 characters at most. Letters, digits, - and _ are possible."
        raise environments.refusal(name, why, "Rename the environment.")
    section = environments.section(name)
    own = CUSTOM_SETTINGS if section.values.get("site") == CUSTOM_SITE else ("host",)
    section.expect_only((*_ENVIRONMENT, *own, *_RULES))
    source = section.string("source_address", "192.0.2.10", ANY_SOURCE)
    if read_ipv4(source) is None:
        raise section.refusal("source_address", "It is not an IPv4 address.", 'Write source_address = "192.0.2.10".')
    listed, rotation = section.section("whitelist"), read_policy(section.section("rotation"))
    return Environment(
        name=name,
        site=read_site(section, sites),
        rules=_rules(section, rules),
        source_address=source,
        proxy=section.string("proxy", "http://proxy.example:3128") or None,
        uses_futures=section.flag("uses_futures"),
        hosts=_hosts(section),
        bots=tuple(_bot(name, section.section("bots")) for name in section.section("bots").values),
        targets=_targets(section.section("deliver")),
        two_keys_limit=60.0 * section.number(_LIMIT, 60.0, 1.0, LONGEST_OVERLAP),
        rotation=replace(rotation, every=min(filter(None, (rotation.every, policy.max_age)), default=None)),
        policy=policy,
        whitelist={
            read_block(listed, each, each): printable(listed.string(each, "office"), 40) for each in listed.values
        },
    )


def _managed(environment: Environment, environments: Section, known: Mapping[str, Environment]) -> Environment:
    """Return an environment with the master account that manages its keys, if the settings name one."""
    section = environments.section(environment.name)
    if "sub_account" not in section.values:
        return environment
    inner = section.section("sub_account")
    inner.expect_only(("email", "managed_by"))
    email, name = inner.string("email", "bot-1@example.com"), inner.string("managed_by", "master")
    if not re.fullmatch(r"[^@\s]{1,128}@[^@\s]{1,128}", email):
        advice = 'Write sub_account = { email = "bot-1@example.com", managed_by = "master" }.'
        raise section.refusal("sub_account", "It names no email address.", advice)
    master = known.get(name)
    if master is None or master is environment or "sub_account" in environments.section(name).values:
        why = "managed_by has to name the environment of the master account."
        raise section.refusal("sub_account", why, f"Add a section [environments.{name or 'master'}] for its key.")
    if master.site != environment.site or not master.site.has_sapi:
        why = f"The site of {name} is not that of {environment.name}, or has no sub-account API."
        raise section.refusal("sub_account", why, "Give both the same site. A custom site needs the same URLs in both.")
    return replace(environment, sub_account=SubAccountSettings(email, master))


def _bot(name: str, bots: Section) -> Bot:
    if not _NAME.fullmatch(name):
        why = "The name of a bot has 60 characters at most. Letters, digits, - and _ are possible."
        raise bots.refusal(name, why, "Rename the bot.")
    section = bots.section(name)
    section.expect_only(("restart", "check"))
    check, restart = (("systemctl", "--user", does, f"{name}.service") for does in ("is-active", "restart"))
    return Bot(name, check=section.command("check", check), restart=section.command("restart", restart, is_needed=True))


def _targets(section: Section) -> tuple[Target, ...]:
    if not section.values:
        return ()
    from wizard.core.targets import read_target  # noqa: PLC0415 - most starts have none

    return tuple(read_target(name, section) for name in section.values)


def _hosts(section: Section) -> tuple[str, ...]:
    hosts = section.strings("hosts", ("bot-1", "trader@bot-2"))
    try:
        return tuple(dict.fromkeys(map(read_destination, hosts)))
    except UsageError as error:
        raise section.refusal("hosts", " ".join(error.sentences()[:2]), error.advice) from None


def _rules(section: Section, default: Rules) -> Rules:
    tolerated = section.strings("tolerated_ranges", ("documentation",), tuple(default.tolerated_ranges))
    kinds = {special.kind for special in SPECIAL_RANGES}
    if not kinds.issuperset(tolerated):
        why, advice = "It names a range that does not exist.", f"Choose from {', '.join(sorted(kinds))}."
        raise section.refusal("tolerated_ranges", why, advice)
    return Rules(section.number("max_entries", default.max_entries, 1, MOST_ENTRIES), frozenset(tolerated))


_USUAL: Final = {"production": "binance.com", "staging": "demo", "development": "testnet"}
_RULES: Final = ("max_entries", "tolerated_ranges")
_LIMIT: Final = "max_minutes_with_two_keys"
_ENVIRONMENT: Final = (
    *("site", "source_address", "proxy", "uses_futures", "hosts", "bots", "deliver", _LIMIT),
    *("sub_account", "rotation", "whitelist"),
)
_NAME: Final = re.compile("[A-Za-z0-9_-]{1,60}")
