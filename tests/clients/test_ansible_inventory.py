"""The real ansible-inventory: what it writes of real inventories, and what becomes of those that it cannot read."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.clients.conftest import REQUIRED
from tests.clients.surroundings import CLIENTS_PYTHON
from wizard.egress.hosts.ansible import PROGRAM, hosts_of_ansible
from wizard.egress.hosts.inventory import InventoryUnusable, Omission
from wizard.egress.hosts.model import Host, HostSource

pytestmark = pytest.mark.clients

PATIENCE = 60.0
"""Seconds for Ansible on a busy machine; only a hang takes so long."""
HOSTILE = "-oProxyCommand=touch x"
INI = """
bastion.example ansible_port=2222
[bots]
bot-1 ansible_host=198.51.100.1 ansible_user=trader ansible_port=2201
bot-[2:3].example
-oProxyCommand=touch\\ x
desk ansible_connection=winrm
computed ansible_host="{{ inventory_hostname }}.example"
[exchange:children]
bots
[exchange:vars]
ansible_user=deploy
ansible_password=s3cret
"""
YAML = """
all:
  children:
    watchers:
      vars: {ansible_ssh_port: 2200}
      hosts:
        watcher: {ansible_host: "2001:db8::7"}
        lying: {ansible_host: "-oProxyCommand=touch x"}
        vaulted:
          ansible_host: !vault |
            $ANSIBLE_VAULT;1.1;AES256
            6231336539666234306139346433616338376437
"""
WORDY = "[defaults]\nverbosity = 3\n[inventory]\nexport = true\nunparsed_is_failed = false\n"
"""An ansible.cfg that puts words before the JSON, and what groups say elsewhere."""

Environ = Callable[[str], dict[str, str]]


@pytest.fixture
def ansible(tmp_path: Path) -> Environ:
    """The environment of a user whose inventories lie in `tmp_path`; skip with the reason where Ansible is missing."""
    directory = Path(CLIENTS_PYTHON).parent
    if not (directory / PROGRAM).exists():
        why = f"{PROGRAM} does not lie beside {CLIENTS_PYTHON} (pip install --group clients)"
        pytest.fail(why) if REQUIRED else pytest.skip(why)
    configuration = tmp_path / "ansible.cfg"
    configuration.write_text(WORDY)
    path = f"{directory}{os.pathsep}{os.environ['PATH']}"

    def environ(sources: str) -> dict[str, str]:
        named = ",".join(str(tmp_path / source) for source in sources.split())
        return {
            "PATH": path,
            "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_CONFIG": str(configuration),
            "ANSIBLE_INVENTORY": named,
        }

    return environ


def script(file: Path, *lines: str) -> None:
    file.write_text("\n".join(("#!/bin/sh", *lines, "")))
    file.chmod(0o755)


async def refusal(environ: dict[str, str], deadline: float = PATIENCE) -> str:
    with pytest.raises(InventoryUnusable) as told:
        await hosts_of_ansible(environ, deadline=deadline)
    assert all(sentence.isprintable() and len(sentence) < 500 for sentence in told.value.sentences())
    return told.value.why


async def test_hosts_are_named_with_user_address_and_port_whoever_says_it(tmp_path: Path, ansible: Environ) -> None:
    (tmp_path / "hosts.ini").write_text(INI)
    (tmp_path / "hosts.yml").write_text(YAML)
    found = await hosts_of_ansible(ansible("hosts.ini hosts.yml"), deadline=PATIENCE)
    assert set(found.hosts) == {
        Host("bastion.example", "bastion.example", HostSource.ANSIBLE, 2222),
        Host("bot-1", "trader@198.51.100.1", HostSource.ANSIBLE, 2201),
        Host("bot-2.example", "deploy@bot-2.example", HostSource.ANSIBLE),
        Host("bot-3.example", "deploy@bot-3.example", HostSource.ANSIBLE),
        Host("watcher", "2001:db8::7", HostSource.ANSIBLE, 2200),
    }
    assert found.left_out == {
        HOSTILE: Omission.NOT_FOR_SSH,
        "lying": Omission.NOT_FOR_SSH,
        "desk": Omission.NOT_OVER_SSH,
        "computed": Omission.NOT_PLAIN,
        "vaulted": Omission.NOT_PLAIN,
    }
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("broken", "sources"),
    [("all:\n  hosts: [a, b\n", "whole.ini broken"), ("[bots\n", "whole.ini broken"), ("", "missing")],
    ids=["yaml", "ini", "missing"],
)
async def test_a_source_that_cannot_be_read_is_named_and_no_part_of_the_inventory_passes_for_the_whole(
    tmp_path: Path, ansible: Environ, broken: str, sources: str
) -> None:
    (tmp_path / "whole.ini").write_text("bot-1\n")
    (tmp_path / "broken").write_text(broken)
    why = await refusal(ansible(sources))
    assert why == (
        f"{PROGRAM} ended with exit status 1:"
        f" Completely failed to parse inventory source {tmp_path / sources.rsplit(maxsplit=1)[-1]}"
    )


@pytest.mark.skipif(Path("/etc/ansible/hosts").exists(), reason="here Ansible has an inventory by default")
async def test_where_no_inventory_is_set_up_it_is_said(ansible: Environ) -> None:
    unset = {name: value for name, value in ansible("").items() if name != "ANSIBLE_INVENTORY"}
    assert "No inventory was parsed" in await refusal(unset)


async def test_a_vault_is_not_asked_for_its_password(tmp_path: Path, ansible: Environ) -> None:
    (tmp_path / "hosts.ini").write_text("bot-1\n")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n6231336539666234306139346433616338\n")
    assert "exit status" in await refusal(ansible("hosts.ini") | {"ANSIBLE_ASK_VAULT_PASS": "1"})
    assert "no vault secrets found" in await refusal(ansible("hosts.ini"))


async def test_an_inventory_that_hangs_is_given_up(tmp_path: Path, ansible: Environ) -> None:
    script(tmp_path / "cloud.sh", "exec sleep 300")
    assert await refusal(ansible("cloud.sh"), deadline=2.0) == "It was not there within 2 s"


async def test_whoever_does_not_wait_leaves_no_inventory_script_behind(tmp_path: Path, ansible: Environ) -> None:
    mark = tmp_path / "pid"
    script(tmp_path / "cloud.sh", f"echo $$ > {mark}.part && mv {mark}.part {mark}", "exec sleep 300")
    asking = asyncio.create_task(hosts_of_ansible(ansible("cloud.sh"), deadline=PATIENCE))
    await until(mark.exists)
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    await until(lambda: not is_running(int(mark.read_text())))


async def test_thousands_of_hosts_are_named(tmp_path: Path, ansible: Environ) -> None:
    names = [f"bot-{number}.example" for number in range(3000)]
    (tmp_path / "inventory.json").write_text(
        json.dumps({"_meta": {"hostvars": {name: {"ansible_user": "trader"} for name in names}}, "bots": names})
    )
    script(tmp_path / "cloud.sh", f"cat {tmp_path / 'inventory.json'}")
    found = await hosts_of_ansible(ansible("cloud.sh"), deadline=PATIENCE)
    assert [host.destination for host in found.hosts] == [f"trader@{name}" for name in names]


async def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
