"""The hosts in what `ansible-inventory --list` writes, judged strictly. Pure.

Read is what Ansible documents of it: each group's `hosts`, and `_meta.hostvars`. The variables of hosts can hold
secrets: nothing but connection, address, user and port is looked at, and whether there are arguments for ssh.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wizard.egress.hosts.model import Host, HostSource
from wizard.errors import WizardError
from wizard.ssh_destination import InvalidDestination, read_destination
from wizard.text import printable

MOST_HOSTS = 5000
_OVER_SSH = frozenset(
    {"ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh", "ansible.builtin.paramiko_ssh"}
)
_ADDRESS = ("ansible_host", "ansible_ssh_host")
_USER = ("ansible_user", "ansible_ssh_user")
_PORT = ("ansible_port", "ansible_ssh_port")
"""Variables of Ansible's ssh connection; where both are set the later counts, as for Ansible."""
_UNUSED = frozenset(
    {
        "ansible_ssh_args",
        "ansible_ssh_common_args",
        "ansible_ssh_extra_args",
        "ansible_ssh_private_key_file",
        "ansible_private_key_file",
        "ansible_ssh_executable",
    }
)
"""Variables that start programs or name files at an inventory's will: here `~/.ssh/config` alone says such things."""
_SHOWN = 3


class InventoryUnusable(WizardError):
    """Ansible's inventory names no hosts that can be asked."""

    def __init__(self, why: str, advice: str = "Look at it yourself: ansible-inventory --list") -> None:
        super().__init__("Ansible's inventory cannot be used", why=why, advice=advice)


class Omission(StrEnum):
    """Why a host is left out, for people."""

    NOT_OVER_SSH = "not reached over ssh"
    NOT_PLAIN = "address, user or port are encrypted or computed"
    NOT_FOR_SSH = "ssh may not be given them"


class _LeftOut(Exception):
    def __init__(self, why: Omission) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Inventory:
    """What an inventory names."""

    hosts: tuple[Host, ...]
    left_out: Mapping[str, Omission] = field(default_factory=dict)
    """Names of hosts that are not asked."""
    otherwise: tuple[str, ...] = ()
    """Names of hosts that Ansible reaches with ssh arguments or a key of its own; they are asked without these."""

    def sentence(self) -> str:
        """Return what was found, for people."""
        count = "1 host" if len(self.hosts) == 1 else f"{len(self.hosts)} hosts"
        whys = "; ".join(self._omitted(why) for why in Omission if why in self.left_out.values())
        left_out = f" Left out: {whys}." if whys else ""
        unused = (
            f" Ansible's own ssh arguments and keys are not used ({_listed(self.otherwise)}): write them into"
            " ~/.ssh/config."
        )
        return f"Ansible's inventory names {count}.{left_out}{unused if self.otherwise else ''}"

    def _omitted(self, why: Omission) -> str:
        return f"{_listed([name for name, omission in self.left_out.items() if omission is why])} ({why})"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(printable(name, 40) for name in names[:_SHOWN])}{more}"


def read_inventory(output: bytes) -> Inventory:
    """Return the hosts in Ansible's JSON, each once, in its order.

    Raises:
        InventoryUnusable: it is not an inventory, or is far too long.
    """
    try:
        groups = json.loads(output)
    except (ValueError, RecursionError):
        raise InventoryUnusable("What it wrote is not JSON") from None
    if not isinstance(groups, dict):
        raise InventoryUnusable("What it wrote is not an inventory")
    variables = _variables(groups)
    names = dict.fromkeys((*_names(groups), *variables))
    if len(names) > MOST_HOSTS:
        raise InventoryUnusable(f"It names more than {MOST_HOSTS} hosts", "Name those that use the key: hosts = […].")
    hosts: list[Host] = []
    left_out: dict[str, Omission] = {}
    for name in names:
        try:
            hosts.append(_host(name, variables.get(name, {})))
        except _LeftOut as reason:
            left_out[name] = reason.why
    otherwise = (host.name for host in hosts if any(map(variables.get(host.name, {}).get, _UNUSED)))
    return Inventory(tuple(hosts), left_out, tuple(otherwise))


def _variables(groups: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    meta = groups.get("_meta", {})
    of_hosts = meta.get("hostvars", {}) if isinstance(meta, dict) else None
    if not isinstance(of_hosts, dict) or not all(isinstance(each, dict) for each in of_hosts.values()):
        raise InventoryUnusable("Its _meta.hostvars are not what Ansible writes")
    return of_hosts


def _names(groups: Mapping[str, Any]) -> Iterator[str]:
    for name, group in groups.items():
        hosts = group.get("hosts", []) if isinstance(group, dict) and name != "_meta" else []
        if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
            raise InventoryUnusable(f"The hosts of its group {printable(name, 40)} are no list of names")
        yield from hosts


def _host(name: str, variables: Mapping[str, Any]) -> Host:
    """Return a host that ssh can be given.

    Raises:
        _LeftOut: it is none.
    """
    if str(variables.get("ansible_connection", "ssh")) not in _OVER_SSH:
        raise _LeftOut(Omission.NOT_OVER_SSH)
    address, user, port = (_plain(variables, names) for names in (_ADDRESS, _USER, _PORT))
    address = name if address is None else address
    destination = address if user is None else f"{user}@{address}"
    try:
        if read_destination(name) != name or read_destination(destination) != destination:
            raise _LeftOut(Omission.NOT_FOR_SSH)
        return Host(name, destination, HostSource.ANSIBLE, None if port is None else _port(port))
    except (InvalidDestination, ValueError):
        raise _LeftOut(Omission.NOT_FOR_SSH) from None


def _plain(variables: Mapping[str, Any], names: tuple[str, str]) -> str | None:
    """Return the value of the last of `names` that has one.

    Raises:
        _LeftOut: it does not stand there as it is: `ansible-inventory` fills in no templates and opens no vault.
    """
    value = next((variables[name] for name in reversed(names) if variables.get(name) is not None), None)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int) or "{{" in str(value):
        raise _LeftOut(Omission.NOT_PLAIN)
    return str(value)


def _port(text: str) -> int:
    """Return a port.

    Raises:
        ValueError: it is none.
    """
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:6]) < 65536):
        raise ValueError
    return int(text)
