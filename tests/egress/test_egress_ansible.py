"""Hosts from Ansible's inventory: judged strictly, bounded in time, nothing else of it kept."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.egress.fake_ansible import fake_ansible
from wizard.egress.hosts.ansible import OUTPUT_LIMIT, find_ansible, hosts_of_ansible
from wizard.egress.hosts.inventory import Inventory, InventoryUnusable, Omission, read_inventory
from wizard.egress.hosts.model import Host, HostSource
from wizard.egress.hosts.openssh import OpenSsh


def environ(directory: Path) -> dict[str, str]:
    return {"PATH": f"{directory}{os.pathsep}{os.environ['PATH']}"}


def ansible(name: str, destination: str = "", port: int | None = None) -> Host:
    return Host(name, destination or name, HostSource.ANSIBLE, port)


async def test_its_hosts_are_named_with_user_address_and_port_and_hostile_names_are_left_out(tmp_path: Path) -> None:
    fake_ansible(tmp_path)
    found = await hosts_of_ansible(environ(tmp_path))
    assert found.hosts == (ansible("bot-7", "trader@bot-7.example", 2222), ansible("bot-1"))
    assert found.left_out == {"here": Omission.NOT_OVER_SSH, "-oProxyCommand=touch x": Omission.NOT_FOR_SSH}
    assert found.sentence() == (
        "Ansible's inventory names 2 hosts. Left out: here (not reached over ssh);"
        " -oProxyCommand=touch x (ssh may not be given them)."
    )
    assert "s3cret" not in repr(found)
    command = OpenSsh("ssh", {}).command(found.hosts[0])
    assert command[-4:] == ("-p", "2222", "--", "trader@bot-7.example")
    assert (found.hosts[0].place, found.hosts[0].by_hand) == (
        "trader@bot-7.example:2222",
        "-p 2222 trader@bot-7.example",
    )


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"ansible_host": "{{ address }}"}, Omission.NOT_PLAIN),
        ({"ansible_port": "{{ 2000 + 3 }}"}, Omission.NOT_PLAIN),
        ({"ansible_host": ["a"]}, Omission.NOT_PLAIN),
        ({"ansible_user": {"__ansible_vault": "$ANSIBLE_VAULT;1.1;AES256\n62"}}, Omission.NOT_PLAIN),
        ({"ansible_port": True}, Omission.NOT_PLAIN),
        ({"ansible_port": [22]}, Omission.NOT_PLAIN),
        ({"ansible_host": "-oProxyCommand=x"}, Omission.NOT_FOR_SSH),
        ({"ansible_ssh_host": "-oProxyCommand=x", "ansible_host": "a"}, Omission.NOT_FOR_SSH),
        ({"ansible_host": " bot"}, Omission.NOT_FOR_SSH),
        ({"ansible_host": ""}, Omission.NOT_FOR_SSH),
        ({"ansible_user": "$(x)"}, Omission.NOT_FOR_SSH),
        ({"ansible_port": 0}, Omission.NOT_FOR_SSH),
        ({"ansible_port": 65536}, Omission.NOT_FOR_SSH),
        ({"ansible_port": "22 -o x"}, Omission.NOT_FOR_SSH),
        ({"ansible_connection": "docker"}, Omission.NOT_OVER_SSH),
        ({"ansible_connection": ["ssh"]}, Omission.NOT_OVER_SSH),
    ],
    ids=str,
)
def test_a_host_that_ssh_may_not_be_given_is_left_out(variables: dict[str, object], why: Omission) -> None:
    inventory = {"_meta": {"hostvars": {"bot": variables}}, "bots": {"hosts": ["bot"]}}
    assert read_inventory(json.dumps(inventory).encode()) == Inventory((), {"bot": why})


def test_of_two_names_for_one_variable_the_one_counts_that_ansible_goes_by() -> None:
    both = {
        "ansible_host": "a",
        "ansible_ssh_host": "b",
        "ansible_user": "u",
        "ansible_ssh_user": "v",
        "ansible_port": 1,
        "ansible_ssh_port": 2,
    }
    found = read_inventory(json.dumps({"_meta": {"hostvars": {"bot": both}}}).encode())
    assert found.hosts == (ansible("bot", "v@b", 2),)


def test_what_ansible_gives_ssh_beside_the_host_is_not_used_and_said() -> None:
    variables = {
        "bot-1": {"ansible_ssh_common_args": "-oProxyCommand=touch x"},
        "bot-2": {"ansible_ssh_private_key_file": "~/.ssh/bots"},
        "bot-3": {"ansible_ssh_extra_args": ""},
    }
    found = read_inventory(json.dumps({"_meta": {"hostvars": variables}}).encode())
    assert found.hosts == (ansible("bot-1"), ansible("bot-2"), ansible("bot-3"))
    assert found.sentence() == (
        "Ansible's inventory names 3 hosts. Ansible's own ssh arguments and keys are not used (bot-1, bot-2): write"
        " them into ~/.ssh/config."
    )


def test_hundreds_of_hosts_left_out_are_told_in_a_line() -> None:
    groups = {"all": {"hosts": [f"-o{'x' * 300}{number}" for number in range(400)]}}
    sentence = read_inventory(json.dumps(groups).encode()).sentence()
    assert "and 397 more (ssh may not be given them)" in sentence
    assert len(sentence) < 300


@pytest.mark.parametrize(
    "output",
    [
        "",
        "ERROR! nothing",
        "[]",
        "null",
        "[" * 100_000,
        '{"_meta": []}',
        '{"_meta": {"hostvars": [1]}}',
        '{"_meta": {"hostvars": {"a": 1}}}',
        '{"g": {"hosts": "bot"}}',
        '{"g": {"hosts": [1]}}',
        json.dumps({"g": {"hosts": [f"h{number}" for number in range(6000)]}}),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_inventory_is_refused_in_words(output: str) -> None:
    with pytest.raises(InventoryUnusable) as refused:
        read_inventory(output.encode())
    assert all(sentence.isprintable() for sentence in refused.value.sentences())


def test_an_inventory_without_hosts_names_none() -> None:
    assert read_inventory(b'{"_meta": {"hostvars": {}}, "all": {"children": ["ungrouped"]}}') == Inventory(())


@pytest.mark.parametrize(
    ("then", "why"),
    [
        ("printf 'ERROR! \\033]52;c;x\\007 no inventory\\n' >&2; exit 4", "exit status 4: �]52;c;x� no inventory"),
        ("printf 'one\\n[ERROR]: no inventory\\nOrigin: x\\n' >&2; exit 4", "exit status 4: no inventory"),
        # More than a pipe holds: who does not read on holds it up.
        (
            "head -c 300000 /dev/zero | tr '\\0' '\\n' >&2; echo 'no inventory' >&2; exit 4",
            "exit status 4: no inventory",
        ),
        (f"echo 'ERROR! Error parsing bot-1 secret={'aB3' * 20}' >&2; exit 4", "it holds what looks like a key"),
        ("sleep 60", "within 0.5 s"),
    ],
)
async def test_a_failure_and_a_hang_are_told(tmp_path: Path, then: str, why: str) -> None:
    fake_ansible(tmp_path, then=then)
    begun = time.perf_counter()
    with pytest.raises(InventoryUnusable) as told:
        await hosts_of_ansible(environ(tmp_path), deadline=0.5 if "sleep" in then else 10)
    assert why in told.value.why
    assert told.value.why.isprintable()
    assert "aB3aB3" not in told.value.why
    assert time.perf_counter() - begun < 5


async def test_an_endless_inventory_is_cut_off_and_said_to_be_too_long(tmp_path: Path) -> None:
    fake_ansible(tmp_path, then="exec tr '\\0' x </dev/zero")
    with pytest.raises(InventoryUnusable) as told:
        await hosts_of_ansible(environ(tmp_path), deadline=60)
    assert told.value.why == f"It is longer than {OUTPUT_LIMIT // 2**20} MiB"


async def test_without_ansible_it_is_said(tmp_path: Path) -> None:
    nothing = {"PATH": str(tmp_path)}
    assert find_ansible(nothing) is None
    with pytest.raises(InventoryUnusable) as told:
        await hosts_of_ansible(nothing)
    assert "no program called ansible-inventory" in told.value.why
