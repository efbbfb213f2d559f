"""The hosts that `ansible-inventory --list` names, where it is installed.

It is the user's own program: it reads the user's ansible.cfg, and may run inventory scripts and ask clouds. So it is
started only when the user wants it, with the user's environment, without a terminal, and within a deadline.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from types import MappingProxyType

from wizard.egress.hosts.children import end, read, read_last
from wizard.egress.hosts.inventory import Inventory, InventoryUnusable, read_inventory
from wizard.key_shape import holds_key
from wizard.text import printable

PROGRAM = "ansible-inventory"
DEADLINE = 20.0
"""Seconds for the whole inventory; a dynamic one asks a cloud."""
OUTPUT_LIMIT = 16 * 1024 * 1024
_ERRORS_LIMIT = 64 * 1024
_SHOWN = 300
_ERROR = re.compile(r"^(?:\[ERROR\]:|ERROR!)[ \t]*(.*)", re.MULTILINE)
"""How Ansible begins its last word, since 2.19 and before."""

_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        # A source that cannot be read would be passed over with a warning, and its hosts missed on the whitelist.
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "1",
        # Otherwise what groups say of their hosts, such as the user, is not with the hosts.
        "ANSIBLE_INVENTORY_EXPORT": "0",
        # Both put words in front of the JSON.
        "ANSIBLE_VERBOSITY": "0",
        "ANSIBLE_DEBUG": "0",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",
    }
)
"""Ansible's own settings, from its documented environment variables; they go before the user's ansible.cfg."""
_ADVICE = (
    "Look at it yourself: ansible-inventory --list. Every source has to be readable, and without a terminal: a vault's"
    " password comes from ANSIBLE_VAULT_PASSWORD_FILE. ANSIBLE_INVENTORY names another inventory."
)


def find_ansible(environ: Mapping[str, str]) -> str | None:
    """Return the program that stands first on the path; None where there is none."""
    return shutil.which(PROGRAM, path=environ.get("PATH"))


async def hosts_of_ansible(environ: Mapping[str, str], *, deadline: float = DEADLINE) -> Inventory:
    """Run `ansible-inventory --list` and return the hosts that it names, each once, in its order.

    Args:
        environ: The user's environment, with the path and what Ansible needs.
        deadline: Seconds for all of it.

    Raises:
        InventoryUnusable: it is not installed, fails, cannot read one of its sources, takes too long, or its answer
            is not understood.
    """
    program = find_ansible(environ)
    if program is None:
        raise InventoryUnusable(f"There is no program called {PROGRAM} on the path", "Install Ansible, or name hosts.")
    return read_inventory(await _run(program, environ, deadline))


async def _run(program: str, environ: Mapping[str, str], deadline: float) -> bytes:
    process = await _start(program, environ)
    assert process.stdout and process.stderr  # noqa: S101 - pipes were asked for
    output, errors = bytearray(), bytearray()
    listening = asyncio.create_task(read_last(process.stderr, errors, _ERRORS_LIMIT))
    try:
        async with asyncio.timeout(deadline):
            if await read(process.stdout, output, OUTPUT_LIMIT):
                raise InventoryUnusable(f"It is longer than {OUTPUT_LIMIT // 2**20} MiB")
            await listening
            status = await process.wait()
    except TimeoutError:
        raise InventoryUnusable(f"It was not there within {deadline:g} s") from None
    finally:
        listening.cancel()
        await end(process)
        await asyncio.gather(listening, return_exceptions=True)
    if status != 0:
        raise InventoryUnusable(f"{PROGRAM} ended with exit status {status}{_last_words(errors)}", _ADVICE)
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
            env={**environ, **_SETTINGS},
        )
    except OSError as error:
        raise InventoryUnusable(f"{PROGRAM} cannot be started: {error.strerror}") from None


def _last_words(errors: bytearray) -> str:
    text = errors.decode("utf-8", "replace")
    said = _ERROR.findall(text) or [line.strip() for line in text.splitlines() if line.strip()]
    if said and holds_key(said[-1]):
        return "; what it said is not repeated, for it holds what looks like a key"
    return f": {printable(said[-1], _SHOWN)}" if said else ""
