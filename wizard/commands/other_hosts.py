"""What `key-wizard egress --hosts` asks of other hosts, and how it tells it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from wizard.commands.console import tell
from wizard.commands.standard_input import standard_input
from wizard.egress.services import EchoService
from wizard.egress.ssh_hosts.fan_out import Bounds, ask_hosts
from wizard.egress.ssh_hosts.model import Host, HostAnswer, HostSource, labels, typed_host
from wizard.egress.ssh_hosts.openssh import find_openssh
from wizard.egress.ssh_hosts.ssh_config import hosts_of_ssh_config
from wizard.errors import WizardError
from wizard.settings import Environment
from wizard.text import printable

FROM_SETTINGS = "@settings"
FROM_SSH_CONFIG = "@ssh-config"
FROM_STANDARD_INPUT = "-"
_HEADING = re.compile(r"hosts \([0-9]+\):")
"""What `ansible all --list-hosts` writes above the names."""
HELP = (
    "also ask other hosts over OpenSSH, as your ~/.ssh/config says; names parted by commas, [user@]host each."
    f" {FROM_SETTINGS} stands for the environment's hosts = […] and is meant where no name is given,"
    f" {FROM_SSH_CONFIG} for every Host name in ~/.ssh/config, {FROM_STANDARD_INPUT} for the names on standard input,"
    " one per line"
)


class NoHosts(WizardError):
    """Nobody was named to be asked."""


def named_hosts(text: str, environment: Environment) -> tuple[Host, ...]:
    """Return the hosts that the option names, each once.

    Raises:
        wizard.ssh_destination.InvalidDestination: a name is not one that ssh may be given.
        NoHosts: there are none.
        wizard.commands.standard_input.UnreadableInput: names were to come from there, and it cannot be read.
    """
    lists: dict[str, Callable[[], Iterable[Host]]] = {
        FROM_SETTINGS: lambda: (typed_host(host, HostSource.SETTINGS) for host in environment.hosts),
        FROM_SSH_CONFIG: lambda: hosts_of_ssh_config(Path.home() / ".ssh" / "config"),
        FROM_STANDARD_INPUT: lambda: map(typed_host, _lines(standard_input())),
    }
    words = [word.strip() for word in text.split(",")]
    found = [host for word in words for host in (lists[word]() if word in lists else [typed_host(word)])]
    if not found:
        raise NoHosts(
            "There is no host to ask",
            why=f"{'Standard input' if text == FROM_STANDARD_INPUT else printable(text, 60)} names none.",
            advice=f'Write hosts = ["bot-1"] below [environments.{environment.name}] in config.toml, or --hosts bot-1.',
        )
    first: dict[str, Host] = {}
    for host in found:
        first.setdefault(host.name, host)
    return tuple(first.values())


def _lines(text: str) -> Iterator[str]:
    """Yield what is named, a name per line: neither blank lines nor Ansible's heading."""
    return (line for line in map(str.strip, text.splitlines()) if line and not _HEADING.fullmatch(line))


async def ask(
    hosts: Sequence[Host], services: Sequence[EchoService], environment: Environment
) -> tuple[HostAnswer, ...]:
    """Ask the hosts and tell each answer as it comes in; without hosts nobody is asked.

    Raises:
        wizard.egress.ssh_hosts.openssh.OpenSshMissing: there is no ssh here.
    """
    if not hosts:
        return ()
    bounds = Bounds()
    asker = find_openssh(os.environ)
    whom = "another host" if len(hosts) == 1 else f"{len(hosts)} other hosts"
    tell(
        f"Asking {whom} over OpenSSH, {bounds.at_a_time} at a time,"
        f" at most {bounds.each:g} s each and {bounds.together:g} s in all."
    )
    return await ask_hosts(hosts, services, asker, rules=environment.rules, bounds=bounds, on_answer=_tell_answer)


def tell_advice(answers: Sequence[HostAnswer]) -> None:
    """Say what to do about the hosts that gave no address, once for all that have the same trouble."""
    troubled: dict[tuple[str, str], list[HostAnswer]] = {}
    for answer in answers:
        if answer.trouble is not None:
            troubled.setdefault((answer.trouble.kind, answer.trouble.advice), []).append(answer)
    for (kind, _), those in troubled.items():
        names = ", ".join(answer.host.name for answer in those)
        tell(f"{kind.replace('-', ' ').capitalize()} ({names}): {those[0].advice()}")
    for address, labelled in labels(answers).items():
        tell(f"For the whitelist: {address} # {', '.join(labelled)}")


def _tell_answer(answer: HostAnswer) -> None:
    proxy = " A proxy is set in that login; it was not used." if answer.has_proxy else ""
    tell(
        f"{answer.host.name:<24} {answer.address or 'no address'!s:<16} {answer.milliseconds:6.0f} ms"
        f"  {answer.sentence()}{proxy}"
    )


def as_json(answer: HostAnswer) -> dict[str, object]:
    """Return an answer as JSON shapes. `address` is null unless at least two operators agree on it."""
    trouble = answer.trouble
    return {
        "host": answer.host.name,
        "source": answer.host.source,
        "state": answer.verdict.state,
        "address": str(answer.address) if answer.address else None,
        "addresses": [{"address": str(one), "operators": who} for one, who in answer.verdict.operators.items()],
        "trouble": trouble.kind if trouble else None,
        "reason": answer.sentence(),
        "advice": answer.advice(),
        "client": answer.client,
        "has_proxy": answer.has_proxy,
        "milliseconds": round(answer.milliseconds, 1),
    }
