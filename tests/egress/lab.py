"""A real sshd on loopback with throw-away keys, and an ssh that knows it under many names."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

REQUIRED = "KEY_WIZARD_REQUIRE_SSHD"
"""Set to 1, tests fail where they would be skipped for want of sshd, ssh or curl."""
IS_REQUIRED = os.environ.get(REQUIRED) == "1"  # read now: each test starts with a scrubbed environment
SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))
SSH = shutil.which("ssh")
MISSING = [name for name, found in (("sshd", SSHD), ("ssh", SSH), ("curl", shutil.which("curl"))) if not found]
WITHOUT_CURL = ("wget", "python3")
"""What asks on hosts without curl."""


@dataclass
class Lab:
    """One sshd; `wrapper` is the real ssh with a configuration of its own instead of the user's."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def wrapper(self) -> Path:
        return self.directory / "ssh"

    def host(self, name: str, *, key: str = "good", port: int | None = None, known: str = "known") -> str:
        """A section of the client's configuration."""
        return (
            f"Host {name}\n  HostName 127.0.0.1\n  Port {port or self.port}\n  User {getpass.getuser()}\n"
            f"  IdentityFile {self.directory / key}\n  IdentitiesOnly yes\n  HostKeyAlias lab\n"
            f"  UserKnownHostsFile {self.directory / known}\n  GlobalKnownHostsFile /dev/null\n"
        )

    def configure(self, *sections: str) -> None:
        config = self.directory / "client"
        config.write_text("".join(sections))
        self.wrapper.write_text(f'#!/bin/sh\nexec {SSH} -F {config} "$@"\n')
        self.wrapper.chmod(0o755)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def _only(directory: Path, client: str) -> str:
    """A line of authorized_keys: this login finds what the script needs, and one program to ask with."""
    tools = directory / f"only-{client}"
    tools.mkdir()
    for name in ("sh", "od", "head", "tail", "tr", "grep", "cat"):
        (tools / name).symlink_to(shutil.which(name) or "/nowhere")
    found = sys.executable if client == "python3" else shutil.which(client)
    if found:
        # Not a link: Python finds its library by where it lies.
        (tools / client).write_text(f'#!/bin/sh\nexec {found} "$@"\n')
        (tools / client).chmod(0o755)
    key = (directory / f"{client}.pub").read_text().strip()
    return f'command="PATH={tools} exec /bin/sh -s" {key}\n'


def start_lab(directory: Path) -> Lab:
    """Start sshd; key `good` logs in, `bare` finds an empty PATH, `stranger` is not let in.

    `wget` and `python3` find that program and no other that can ask a web server.
    """
    assert SSHD
    for name in ("host", "other", "good", "bare", "garbage", "stranger", *WITHOUT_CURL):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", directory / name], check=True, timeout=20
        )
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    public = {name: (directory / f"{name}.pub").read_text().strip() for name in ("host", "other", "good", "bare")}
    (directory / "known").write_text(f"lab {public['host']}\n")
    (directory / "changed").write_text(f"lab {public['other']}\n")
    (directory / "empty").write_text("")
    garbage = (directory / "garbage.pub").read_text().strip()
    only = "".join(_only(directory, name) for name in WITHOUT_CURL)
    (directory / "authorized").write_text(
        f"{only}{public['good']}\n"
        f'command="PATH=/nowhere exec /bin/sh -s" {public["bare"]}\n'
        f"command=\"printf 'Welcome \\\\033]52;c;eA==\\\\a'; echo; exit 3\" {garbage}\n"
    )
    (directory / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {directory / 'host'}\nAuthorizedKeysFile {directory / 'authorized'}\n"
        "StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "PermitRootLogin prohibit-password\n"
        "UsePAM no\nMaxStartups 100\nPidFile none\n"
        "SetEnv SHLVL=2\n"  # else bash reads .bashrc, which may wait for a lock of a killed login
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd's own privilege separation directory
    process = subprocess.Popen(
        [SSHD, "-D", "-q", "-f", directory / "sshd_config"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    lab = Lab(directory, port, process)
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return lab
    lab.stop()
    raise RuntimeError("sshd did not begin to listen")
