"""One conversation with one host through the system's OpenSSH.

The user's configuration, agent, jump hosts and known hosts work as they always do, with four
exceptions: nothing is asked, nothing is forwarded or delegated, no connection is left open for others to share,
and a command of the configuration does not take the place of ours. Host keys are judged by the
user's own rules; none is accepted here.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from wizard.egress.hosts import children
from wizard.egress.hosts.model import Host
from wizard.errors import WizardError

OUTPUT_LIMIT = 512 * 1024
"""Bytes that are read of what a host writes; an honest one writes about 8 KiB."""
_KEPT_OPEN = 1.0
"""Seconds that are given to the last words when ssh has ended but something still holds its pipes."""

_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "KRB5CCNAME")
_PASSED_ON_WINDOWS = ("SYSTEMROOT", "SYSTEMDRIVE", "USERPROFILE", "PROGRAMDATA", "APPDATA", "LOCALAPPDATA", "TEMP")
"""Everything else stays here: ssh can be told to send variables to the other side (SendEnv)."""


class OpenSshMissing(WizardError):
    """There is no ssh here to ask other hosts with."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said until the end mark, the end of ssh or the deadline."""

    output: bytes
    errors: bytes
    exit_status: int | None
    """Of ssh; 255 is its own failure. None when it was ended before."""
    is_out_of_time: bool = False


@dataclass(frozen=True, slots=True)
class OpenSsh:
    """How to call ssh."""

    program: str
    environ: Mapping[str, str]
    """The whole environment of the child."""
    connect_timeout: int = 8
    """Seconds until ssh itself gives up to connect, with a reason."""

    async def converse(self, host: Host, script: bytes, end: bytes, deadline: float) -> Conversation:
        """Have `host` run `script` with `sh -s`, and return what it wrote.

        Args:
            host: Who is asked.
            script: What its standard input is given.
            end: The conversation is over when this was written.
            deadline: Seconds for all of it.

        Raises:
            OpenSshMissing: ssh cannot be started.
        """
        process = await self._start(host)
        output, errors = bytearray(), bytearray()
        is_out_of_time = False
        try:
            async with asyncio.timeout(deadline):
                await _talk(process, script, end, output, errors)
        except TimeoutError:
            is_out_of_time = True
        finally:
            exit_status = process.returncode
            await children.end(process)
        return Conversation(bytes(output), bytes(errors), exit_status, is_out_of_time)

    def command(self, host: Host) -> tuple[str, ...]:
        """Return the command line. The destination stands behind `--`: it is never an option."""
        options = (
            "BatchMode=yes",
            f"ConnectTimeout={self.connect_timeout}",
            "ConnectionAttempts=1",
            "ServerAliveInterval=5",
            "ServerAliveCountMax=2",
            "ClearAllForwardings=yes",
            "ForwardAgent=no",
            "GSSAPIDelegateCredentials=no",
            "ForwardX11=no",
            "Tunnel=no",
            "PermitLocalCommand=no",
            "RemoteCommand=none",
            "ControlMaster=no",
            "LogLevel=ERROR",
        )
        return (self.program, "-T", *(part for each in options for part in ("-o", each)), "--", host.name)

    async def _start(self, host: Host) -> Process:
        try:
            return await asyncio.create_subprocess_exec(
                *self.command(host),
                "sh -s",
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                start_new_session=True,
                env=dict(self.environ),
            )
        except OSError as error:
            why = f"The system said: {error.strerror}"
            raise OpenSshMissing(f"{self.program} cannot be started", why=why) from None


def find_openssh(environ: Mapping[str, str]) -> OpenSsh:
    """Return the ssh that stands first on the path, to be started with little of `environ`.

    Raises:
        OpenSshMissing: there is none.
    """
    program = shutil.which("ssh", path=environ.get("PATH"))
    if program is None:
        raise OpenSshMissing(
            "Other hosts cannot be asked from here",
            why="There is no program called ssh on the path.",
            advice="Install OpenSSH's client (Debian: openssh-client), or type their addresses into the whitelist.",
        )
    names = _PASSED_ON + (_PASSED_ON_WINDOWS if sys.platform == "win32" else ())
    return OpenSsh(program, {name: environ[name] for name in names if name in environ} | {"LC_ALL": "C"})


async def _talk(process: Process, script: bytes, mark: bytes, output: bytearray, errors: bytearray) -> None:
    assert process.stdin and process.stdout and process.stderr  # noqa: S101 - pipes were asked for
    feeding = asyncio.create_task(_feed(process.stdin, script))
    listening = asyncio.create_task(children.read(process.stderr, errors, OUTPUT_LIMIT))
    try:
        if await children.read(process.stdout, output, OUTPUT_LIMIT, mark):
            return
        await asyncio.wait([listening], timeout=_KEPT_OPEN)
        await process.wait()
    finally:
        feeding.cancel()
        listening.cancel()
        await asyncio.gather(feeding, listening, return_exceptions=True)


async def _feed(stdin: asyncio.StreamWriter, script: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(script)
        await stdin.drain()
        stdin.close()
