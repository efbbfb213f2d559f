"""Why ssh did not get through, read from what it wrote, with what to do about it.

The sentences are OpenSSH's own (sshconnect.c, sshconnect2.c, packet.c, readconf.c); they are not
translated. The first row that fits counts, so what is more certain stands higher.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from wizard.core.text import printable

_SHOWN = 120
BY_HAND = "Log in once by hand: ssh {host}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a host gave no address, for people."""

    kind: str
    """For programs, such as `unknown-host-key`."""
    reason: str
    """A phrase, without a full stop."""
    advice: str
    """What to do, as sentences; `{host}` stands for the host's name."""


_ROWS: tuple[tuple[str, str, str, str], ...] = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|[Hh]ost key for .* has changed",
        "changed-host-key",
        "its host key has changed, as another machine answers or it was set up again",
        "Find out why before anyone logs in there. Compare the fingerprint with the one on the host's console."
        " Only then remove the old key: ssh-keygen -R HOST",
    ),
    (
        r"marked as revoked|key .*revoked|HOST IDENTIFICATION.*REVOKED",
        "revoked-host-key",
        "its host key is marked as revoked",
        "Do not log in there. Ask whoever revoked the key.",
    ),
    (
        r"Host key verification failed|host key is known for",
        "unknown-host-key",
        "its host key is not known here",
        f"{BY_HAND}. Compare the fingerprint with the one on the host's console, and accept it only if they are equal."
        " The wizard never accepts a host key for you.",
    ),
    (
        r"Permission denied|Too many authentication failures|No supported authentication methods",
        "login-refused",
        "the login was refused",
        "Load your key with ssh-add, or set User and IdentityFile for this host in ~/.ssh/config. {host} must let you"
        " in without a password.",
    ),
    (
        r"Could not resolve hostname",
        "name-not-found",
        "no address was found for its name",
        "Correct the name, or give it a HostName in ~/.ssh/config.",
    ),
    (
        r"[Tt]imed out|[Tt]imeout,? server",
        "time-out",
        "its ssh server did not answer in time",
        f"Is it running, and does a firewall let you through? {BY_HAND}",
    ),
    (
        r"Connection refused",
        "connection-refused",
        "the connection was refused, as nothing listens on that port",
        "Is its ssh server running, and is the port in ~/.ssh/config the right one?",
    ),
    (
        r"No route to host|Network is unreachable|Network is down|Host is down",
        "unreachable",
        "no network route leads to it",
        "Is the VPN up? Does it need a ProxyJump in ~/.ssh/config?",
    ),
    (
        r"no matching .* found",
        "no-common-algorithm",
        "its ssh server and the client here have no algorithm in common",
        f"{BY_HAND}. See which, and update the older side.",
    ),
    (
        r"Bad configuration option|bad configuration options|Bad owner or permissions|invalid characters"
        r"|Can't open user config|keyword .* extra arguments",
        "ssh-configuration",
        "the ssh client here does not accept its configuration",
        f"{BY_HAND}. See which line of ~/.ssh/config is wrong.",
    ),
    (
        r"Connection (closed|reset) by|Connection closed|kex_exchange_identification|Broken pipe",
        "hung-up",
        "its ssh server hung up before the login",
        "It may limit logins (MaxStartups), or have banned this address. Try again in some minutes.",
    ),
)


def explain_ssh(errors: bytes) -> Trouble:
    """Return what the end of ssh means; `errors` is what it wrote to standard error."""
    text = errors.decode("utf-8", "replace")
    for pattern, kind, reason, advice in _ROWS:
        if re.search(pattern, text):
            return Trouble(kind, reason, advice)
    return Trouble("other", f"ssh failed{_last_words(text)}", f"{BY_HAND}. See what it says.")


def not_asked(seconds: float) -> Trouble:
    """The time for all hosts together was up."""
    return Trouble("not-asked", f"not asked, as the {seconds:g} s for all hosts were over", "Ask it again.")


NO_CLIENT = Trouble(
    "no-client",
    "it has no curl, no GNU wget and no python3",
    "Install curl on {host}, or read its address there by hand.",
)
TOO_MUCH = Trouble(
    "not-understood",
    "it wrote much more than an answer",
    "{host} did not run the question. Is it a host with a POSIX shell?",
)


def not_understood(exit_status: int | None, errors: bytes) -> Trouble:
    """The login worked, but no line of the script came back."""
    status = "" if exit_status in {0, None} else f", and ended with exit status {exit_status}"
    return Trouble(
        "not-understood",
        f"the login works, but it did not run the question{status}{_last_words(errors.decode('utf-8', 'replace'))}",
        "{host} needs a POSIX shell (sh) for this login. A git server or a forced command has none.",
    )


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f" ({printable(lines[-1], _SHOWN)})" if lines else ""
