"""One connection to the exchange that leaves from another host: OpenSSH carries it, TLS begins and ends here.

The host is given the exchange's name and a port. What it passes on is encrypted, and no program runs there.
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from wizard.core.errors import WizardError
from wizard.egress.ssh_hosts.hosts import Trouble
from wizard.egress.ssh_hosts.openssh import OUTPUT_LIMIT, OpenSsh, end_process
from wizard.egress.ssh_hosts.remote_detection import explain_ssh

_LAST_WORDS = 1.0
"""Seconds between the end of the connection and the end of ssh."""
_CHUNK = 64 * 1024
_HAS_REFUSED = (
    (
        r"administratively prohibited|unknown channel type",
        "forwarding-refused",
        "its ssh server does not let connections through",
        "Set AllowTcpForwarding yes on {host} for this login, or run key-wizard check there.",
    ),
    (
        r"open failed: |stdio forwarding failed",
        "exchange-unreachable",
        "it cannot connect to Binance",
        "Check the name service and the firewall of {host}.",
    ),
)
"""What ssh says when the host refused the connection beyond it (channels.c, ssh.c): the login was accepted."""


class Passage:
    """A Unix socket for one connection through another host."""

    def __init__(self, path: Path) -> None:
        self.path = path
        """Where to connect."""
        self._errors = bytearray()
        self._process: Process | None = None
        self._ended = asyncio.Event()

    async def trouble(self) -> Trouble | None:
        """Return why ssh ended, once the connection has; None where ssh is not to blame."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):  # a proxy command may hold the pipe for longer
                await self._ended.wait()
        if self._process is not None and not self._process.returncode:
            return None
        return explain_ssh(bytes(self._errors), *_HAS_REFUSED)

    async def carry(self, listener: socket.socket, ssh: OpenSsh, host: str, target: str) -> None:
        """Give the first connection to ssh; it becomes one from `host` to `target`."""
        connection, _ = await asyncio.get_running_loop().sock_accept(listener)
        try:
            with connection:  # ssh has it from here on, and its end is the end of the connection
                self._process = await asyncio.create_subprocess_exec(
                    *ssh.command(host, target),
                    stdin=connection.fileno(),
                    stdout=connection.fileno(),
                    stderr=PIPE,
                    start_new_session=True,
                    env=dict(ssh.environ),
                )
            assert self._process.stderr  # noqa: S101 - a pipe was asked for
            while chunk := await self._process.stderr.read(_CHUNK):
                self._errors += chunk[: OUTPUT_LIMIT - len(self._errors)]
            await self._process.wait()
        except OSError as error:
            self._errors += (error.strerror or "").encode()
        finally:
            self._ended.set()
            if self._process is not None:
                await end_process(self._process)


@asynccontextmanager
async def open_passage(ssh: OpenSsh, host: str, target: str) -> AsyncIterator[Passage]:
    """Lend a passage through `host` to `target`, a `HOST:PORT`; at the end ssh is ended and the socket is removed.

    It is opened by the first connection to it, and serves no other. Raises `WizardError` where no socket can be made.
    """
    try:
        directory = tempfile.TemporaryDirectory(prefix="key-wizard-")  # only its owner can enter it
    except OSError as error:
        raise _no_socket(error) from None
    with directory, _listen(Path(directory.name) / "s") as listener:
        passage = Passage(Path(directory.name) / "s")
        carrying = asyncio.create_task(passage.carry(listener, ssh, host, target))
        try:
            yield passage
        finally:
            carrying.cancel()
            await asyncio.gather(carrying, return_exceptions=True)


def _listen(path: Path) -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise _no_socket(OSError(0, "It has no Unix sockets"))
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        listener.listen(1)
    except OSError as error:
        listener.close()
        raise _no_socket(error) from None
    listener.setblocking(False)
    return listener


def _no_socket(error: OSError) -> WizardError:
    why = f"The system answered “{error.strerror or error}”."
    advice = f"Let TMPDIR name a directory with a short path, such as /tmp. It is {tempfile.gettempdir()} now."
    return WizardError("No socket for other hosts can be made", why=why, advice=advice, code="ssh.no-socket")
