"""A fake ssh: stands in for OpenSSH's client and for hosts that cannot be here. The script it is given really runs."""

from __future__ import annotations

import os
from pathlib import Path

from tests.rotation.conftest import ELSEWHERE, HERE

ADDRESSES = {"bot-1": HERE, "bot-2": ELSEWHERE, "trader@bot-3": ELSEWHERE}
"""What the embedded exchange sees of each host. `stranger` has a host key that is not known."""
_FAKE = r"""#!/bin/sh
echo "$*" >> "$(dirname "$0")/calls"
while [ "$1" != -- ]; do shift; done
case $2 in
bot-1) exec sh -s ;;
bot-2|trader@bot-3)
    sed -e 's/curl -q/curl -q --interface 127.0.0.2/' -e 's/"0\.0\.0\.0", 0/"127.0.0.2", 0/' | sh -s ;;
hung) exec sleep 60 ;;
*) echo 'Host key verification failed.' >&2; exit 255 ;;
esac
"""


def fake_ssh(directory: Path) -> dict[str, str]:
    """Put the fake onto a path, and `stranger` into a `~/.ssh/config`; return the environment that finds both."""
    home = directory / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "config").write_text("Host stranger\n  HostName 192.0.2.1\nHost bot-1\n")
    program = directory / "path" / "ssh"
    program.parent.mkdir()
    program.write_text(_FAKE)
    program.chmod(0o755)
    return {"HOME": str(home), "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}


def calls(directory: Path) -> list[str]:
    """Return the command lines that the fake was called with."""
    file = directory / "path" / "calls"
    return file.read_text().splitlines() if file.exists() else []
