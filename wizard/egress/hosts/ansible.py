"""The hosts that `ansible-inventory --list` names, where it is installed. Its answer is judged strictly.

It is the user's own program: it reads the user's ansible.cfg, and may run inventory scripts and ask clouds. So it is
started only when the user wants it, with the user's environment, without a terminal, and within a deadline. The
variables of its hosts can hold secrets: nothing but name, address, user and port is kept.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wizard.egress.hosts.children import end, read
from wizard.egress.hosts.model import Host, HostSource
from wizard.errors import WizardError
from wizard.ssh_destination import InvalidDestination, read_destination
from wizard.text import printable

PROGRAM = "ansible-inventory"
DEADLINE = 20.0
"""Seconds for the whole inventory; a dynamic one asks a cloud."""
OUTPUT_LIMIT = 16 * 1024 * 1024
MOST_HOSTS = 5000
_ERRORS_LIMIT = 64 * 1024
_OVER_SSH = frozenset({"ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh"})
_SHOWN = 200


class InventoryUnusable(WizardError):
    """Ansible's inventory names no hosts that can be asked."""

    def __init__(self, why: str, advice: str = "Look at it yourself: ansible-inventory --list") -> None:
        super().__init__("Ansible's inventory cannot be used", why=why, advice=advice)


@dataclass(frozen=True, slots=True)
class Inventory:
    """What an inventory names."""

    hosts: tuple[Host, ...]
    left_out: tuple[str, ...] = ()
    """Names that ssh may not be given, or that are not reached over ssh."""

    def sentence(self) -> str:
        """Return what was found, for people."""
        count = "1 host" if len(self.hosts) == 1 else f"{len(self.hosts)} hosts"
        if not self.left_out:
            return f"Ansible's inventory names {count}."
        shown = ", ".join(printable(name, 40) for name in self.left_out[:3])
        more = f" and {len(self.left_out) - 3} more" if len(self.left_out) > 3 else ""
        return f"Ansible's inventory names {count}. Left out, as ssh may not be given them: {shown}{more}."


def find_ansible(environ: Mapping[str, str]) -> str | None:
    """Return the program that stands first on the path; None where there is none."""
    return shutil.which(PROGRAM, path=environ.get("PATH"))


async def hosts_of_ansible(environ: Mapping[str, str], *, deadline: float = DEADLINE) -> Inventory:
    """Run `ansible-inventory --list` and return the hosts that it names, each once, in its order.

    Args:
        environ: The user's environment, with the path and what Ansible needs.
        deadline: Seconds for all of it.

    Raises:
        InventoryUnusable: it is not installed, fails, takes too long, or its answer is not understood.
    """
    program = find_ansible(environ)
    if program is None:
        raise InventoryUnusable(f"There is no program called {PROGRAM} on the path", "Install Ansible, or name hosts.")
    return read_inventory(await _run(program, environ, deadline))


def read_inventory(output: bytes) -> Inventory:
    """Return the hosts in Ansible's JSON. Pure.

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
    found = {name: _host(name, variables.get(name, {})) for name in names}
    return Inventory(
        tuple(host for host in found.values() if host), tuple(name for name, host in found.items() if host is None)
    )


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


def _host(name: str, variables: Mapping[str, Any]) -> Host | None:
    """Return a host that ssh can be given; None for every other one."""
    if str(variables.get("ansible_connection", "ssh")) not in _OVER_SSH:
        return None
    address = variables.get("ansible_host", name)
    user = variables.get("ansible_user", variables.get("ansible_ssh_user"))
    if not isinstance(address, str) or not isinstance(user, str | None):
        return None
    destination = address if user is None else f"{user}@{address}"
    port = variables.get("ansible_port", variables.get("ansible_ssh_port"))
    try:
        if read_destination(name) != name or read_destination(destination) != destination:
            return None
        return Host(name, destination, HostSource.ANSIBLE, None if port is None else _port(port))
    except (InvalidDestination, ValueError):
        return None


def _port(value: object) -> int:
    """Return a port that was written as a number or as its digits.

    Raises:
        ValueError: it is none.
    """
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal() and 0 < int(text[:6]) < 65536):
        raise ValueError
    return int(text)


async def _run(program: str, environ: Mapping[str, str], deadline: float) -> bytes:
    process = await _start(program, environ)
    output, errors = bytearray(), bytearray()
    try:
        async with asyncio.timeout(deadline):
            assert process.stdout and process.stderr  # noqa: S101 - pipes were asked for
            is_cut, _ = await asyncio.gather(
                read(process.stdout, output, OUTPUT_LIMIT), read(process.stderr, errors, _ERRORS_LIMIT)
            )
            if is_cut:
                raise InventoryUnusable(f"It is longer than {OUTPUT_LIMIT // 2**20} MiB")
            status = await process.wait()
    except TimeoutError:
        raise InventoryUnusable(f"It was not there within {deadline:g} s") from None
    finally:
        await end(process)
    if status != 0:
        raise InventoryUnusable(f"{PROGRAM} ended with exit status {status}{_last_words(errors)}")
    return bytes(output)


async def _start(program: str, environ: Mapping[str, str]) -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            program,
            "--list",
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
            env={**environ, "ANSIBLE_NOCOLOR": "1"},
        )
    except OSError as error:
        raise InventoryUnusable(f"{PROGRAM} cannot be started: {error.strerror}") from None


def _last_words(errors: bytearray) -> str:
    lines = [line.strip() for line in errors.decode("utf-8", "replace").splitlines() if line.strip()]
    return f": {printable(lines[-1], _SHOWN)}" if lines else ""
