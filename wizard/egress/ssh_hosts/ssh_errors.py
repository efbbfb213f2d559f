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
        "its host key is not the one that is known: another machine answers, or it was set up anew",
        "Find out why before anyone logs in there. Compare the fingerprint with the one on the host's own console;"
        " only then remove the old key with: ssh-keygen -R HOST",
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
        f"{BY_HAND}, compare the fingerprint with the one on the host's own console, and accept it only when they"
        " are the same. The wizard never accepts a host key for you.",
    ),
    (
        r"Permission denied|Too many authentication failures|No supported authentication methods",
        "login-refused",
        "the login was refused",
        "No password is asked for here: load your key with ssh-add, or name User and IdentityFile for this host in"
        " ~/.ssh/config. {host} must let you in without a question.",
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
        "no answer from its ssh server in time",
        f"Is it running, and does a firewall let you through? {BY_HAND}",
    ),
    (
        r"Connection refused",
        "connection-refused",
        "the connection was refused: nothing listens on that port",
        "Is its ssh server running, and is the port in ~/.ssh/config the right one?",
    ),
    (
        r"No route to host|Network is unreachable|Network is down|Host is down",
        "unreachable",
        "there is no way to it in the network",
        "Is the VPN up? Does it need a ProxyJump in ~/.ssh/config?",
    ),
    (
        r"no matching .* found",
        "no-common-algorithm",
        "its ssh server and the client here have no algorithm in common",
        f"{BY_HAND} to see which, and bring the older side up to date.",
    ),
    (
        r"Bad configuration option|bad configuration options|Bad owner or permissions|invalid characters"
        r"|Can't open user config|keyword .* extra arguments",
        "ssh-configuration",
        "the ssh client here does not accept its configuration",
        f"{BY_HAND} to see which line of ~/.ssh/config it means.",
    ),
    (
        r"Connection (closed|reset) by|Connection closed|kex_exchange_identification|Broken pipe",
        "hung-up",
        "its ssh server hung up before the login",
        "It may allow fewer logins at a time (MaxStartups), or have banned this address. Try again in a while.",
    ),
)


def explain_ssh(errors: bytes) -> Trouble:
    """Return what the end of ssh means; `errors` is what it wrote to standard error."""
    text = errors.decode("utf-8", "replace")
    for pattern, kind, reason, advice in _ROWS:
        if re.search(pattern, text):
            return Trouble(kind, reason, advice)
    return Trouble("other", f"ssh failed{_last_words(text)}", f"{BY_HAND} to see more.")


def not_asked(seconds: float) -> Trouble:
    """The time for all hosts together was up."""
    return Trouble("not-asked", f"not asked: the {seconds:g} s for all hosts were up", "Ask it once more.")


NO_CLIENT = Trouble(
    "no-client",
    "nothing on it can ask a web server: no curl, no GNU wget, no python3",
    "Install curl on {host}, or read its address there by hand.",
)
TOO_MUCH = Trouble(
    "not-understood",
    "it wrote far more than an answer",
    "{host} did not run what it was asked to. Is it a host with a POSIX shell?",
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
