"""A fake ansible-inventory on the path: stands in for Ansible's program, which is not installed for the tests."""

from __future__ import annotations

import json
from pathlib import Path

INVENTORY = {
    "_meta": {
        "hostvars": {
            "bot-1": {},
            "bot-7": {
                "ansible_host": "bot-7.example",
                "ansible_user": "trader",
                "ansible_port": 2222,
                "token": "s3cret",
            },
            "here": {"ansible_connection": "local"},
            "-oProxyCommand=touch x": {},
        }
    },
    "all": {"children": ["ungrouped", "bots"]},
    "bots": {"hosts": ["bot-7", "bot-1", "here", "-oProxyCommand=touch x"]},
}


def fake_ansible(directory: Path, output: str = json.dumps(INVENTORY), then: str = "exit 0") -> None:
    """Put the fake into `directory`; it writes `output`, then does what `then` says."""
    directory.mkdir(exist_ok=True)
    (directory / "inventory.json").write_text(output)
    program = directory / "ansible-inventory"
    program.write_text(
        f'#!/bin/sh\n[ "$*" = --list ] || exit 9\n[ -t 0 ] && exit 8\ncat {directory / "inventory.json"}\n{then}\n'
    )
    program.chmod(0o755)
