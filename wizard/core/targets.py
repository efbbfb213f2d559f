"""What the settings say of where the current key is written for bots: hosts, OpenBao, and programs of the user."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from wizard.core.bot_variables import OWN, PROGRAMS, Names, parse_names
from wizard.core.destinations import read_destination
from wizard.core.errors import UsageError
from wizard.core.toml_file import Section

CREDENTIAL_STORE: Final = "/etc/credstore.encrypted"
"""Where systemd looks for encrypted credentials (systemd.exec(5), LoadCredentialEncrypted=)."""
_KINDS: Final = ("file", "systemd_credential", "openbao", "command")
_PART: Final = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9_.@%+=:,-]+"
"""Of a path: characters that no shell gives a meaning to."""
_NAME: Final = re.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,59}")


@dataclass(frozen=True, slots=True)
class Target:
    """A place that bots read their key from: a `file`, a path of `openbao` after its mount, or what a `command` keeps.

    `host` is `[user@]host` for ssh, empty for this machine. A file may be the systemd `credential` of that name.
    `restart` runs on the host once it has a new key. `names` are the variables that are written, None for JSON.
    """

    name: str
    host: str = ""
    file: str = ""
    credential: str = ""
    openbao: str = ""
    command: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    names: Names | None = None

    @property
    def place(self) -> str:
        """Where it is, for people."""
        what = self.file or (f"OpenBao {self.openbao}" if self.openbao else self.command[0])
        return f"{self.host}:{what}" if self.host else what


def read_target(name: str, targets: Section) -> Target:
    """Return what a section says of one target, or raise WizardError, which names the line."""
    section = targets.section(name)
    section.expect_only((*_KINDS, "host", "restart", "format"))
    kinds = [kind for kind in _KINDS if kind in section.values]
    if len(kinds) != 1 or not _NAME.fullmatch(name):
        why = "Its name has letters, digits and . _ -, 60 at most. It names one place."
        raise targets.refusal(name, why, f"Write one of {', '.join(_KINDS)}.")
    host, credential = section.string("host", "trader@bot-1"), section.string("systemd_credential", "binance")
    file = f"{CREDENTIAL_STORE}/{credential}" if credential else section.string("file", "/run/bot/binance.json")
    openbao, shape = section.string("openbao", "secret/bots/binance"), section.string("format", "json", "json")
    command = section.command("command", ("/usr/local/bin/to-kubernetes",))
    where = file or "/" + openbao if not command else "/program"
    if not re.fullmatch(f"(/{_PART})+", where) or (openbao and "/" not in openbao) or (host and not file):
        why = "A path is absolute, that of OpenBao begins with its mount. Only a file can be on another host."
        raise section.refusal(kinds[0], why, "Choose a path of letters, digits and . _ - @ % + = : ,")
    try:
        host = read_destination(host) if host else ""
        names = None if shape == "json" else OWN if shape == "env" else parse_names(shape)
    except UsageError as error:
        raise section.refusal("host", " ".join(error.sentences()[:2]), error.advice) from None
    except ValueError:
        advice = f"Write json, env, {', '.join(PROGRAMS)} or KEY=NAME,SECRET=NAME."
        raise section.refusal("format", "There is no such format.", advice) from None
    restart = section.command("restart", ("systemctl", "restart", "bot.service"))
    return Target(name, host, file, credential, openbao, command, restart, names)
