"""Hosts from Ansible's inventory: judged strictly, bounded in time, nothing else of it kept."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tests.egress.fake_ansible import fake_ansible
from wizard.egress.hosts.ansible import Inventory, InventoryUnusable, find_ansible, hosts_of_ansible, read_inventory
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
    assert found.left_out == ("here", "-oProxyCommand=touch x")
    assert found.sentence().startswith("Ansible's inventory names 2 hosts. Left out")
    assert "s3cret" not in repr(found)
    command = OpenSsh("ssh", {}).command(found.hosts[0])
    assert command[-4:] == ("-p", "2222", "--", "trader@bot-7.example")
    assert (found.hosts[0].place, found.hosts[0].by_hand) == (
        "trader@bot-7.example:2222",
        "-p 2222 trader@bot-7.example",
    )


@pytest.mark.parametrize(
    "variables",
    [
        {"ansible_host": "{{ address }}"},
        {"ansible_host": "-oProxyCommand=x"},
        {"ansible_host": ["a"]},
        {"ansible_host": " bot"},
        {"ansible_user": "$(x)"},
        {"ansible_user": {"a": 1}},
        {"ansible_port": 0},
        {"ansible_port": 65536},
        {"ansible_port": "22 -o x"},
        {"ansible_port": True},
        {"ansible_port": [22]},
        {"ansible_connection": "docker"},
        {"ansible_connection": ["ssh"]},
    ],
    ids=str,
)
def test_a_host_that_ssh_may_not_be_given_is_left_out(variables: dict[str, object]) -> None:
    inventory = {"_meta": {"hostvars": {"bot": variables}}, "bots": {"hosts": ["bot"]}}
    assert read_inventory(json.dumps(inventory).encode()) == Inventory((), ("bot",))


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
    [("echo 'ERROR! \033]52;c;x\007 no inventory' >&2; exit 4", "exit status 4: ERROR!"), ("sleep 60", "within 0.5 s")],
)
async def test_a_failure_and_a_hang_are_told(tmp_path: Path, then: str, why: str) -> None:
    fake_ansible(tmp_path, then=then)
    begun = time.perf_counter()
    with pytest.raises(InventoryUnusable) as told:
        await hosts_of_ansible(environ(tmp_path), deadline=0.5 if "sleep" in then else 10)
    assert why in told.value.why
    assert told.value.why.isprintable()
    assert time.perf_counter() - begun < 5


async def test_without_ansible_it_is_said(tmp_path: Path) -> None:
    nothing = {"PATH": str(tmp_path)}
    assert find_ansible(nothing) is None
    with pytest.raises(InventoryUnusable) as told:
        await hosts_of_ansible(nothing)
    assert "no program called ansible-inventory" in told.value.why
