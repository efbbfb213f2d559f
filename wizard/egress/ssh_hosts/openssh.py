"""One script run on one host through the system's OpenSSH, whose configuration, agent and known hosts work as always.

Exceptions: nothing is asked, forwarded, delegated or shared, and a command of the configuration does not take the place
of ours. No host key is accepted here.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from wizard.core.errors import WizardError

OUTPUT_LIMIT = 512 * 1024
"""Bytes that are read of what a host writes; an honest one writes about 8 KiB."""
_KEPT_OPEN = 1.0
"""Seconds that are given to the last words when ssh has ended but something still holds its pipes."""
_CHUNK = 64 * 1024
_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR", "KRB5CCNAME")
_PASSED_ON_WINDOWS = ("SYSTEMROOT", "SYSTEMDRIVE", "USERPROFILE", "PROGRAMDATA", "APPDATA", "LOCALAPPDATA", "TEMP")
"""Everything else stays here: ssh can be told to send variables to the other side (SendEnv)."""


@dataclass(frozen=True, slots=True)
class ScriptRun:
    """What a host wrote until the end mark, the end of ssh or the deadline."""

    output: bytes
    """At most `OUTPUT_LIMIT` bytes."""
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

    async def run(self, host: str, script: bytes, end: bytes, deadline: float) -> ScriptRun:
        """Have `host` run `script` until it wrote `end` or `deadline` seconds are over; a `WizardError` without ssh."""
        try:
            process = await asyncio.create_subprocess_exec(
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
            raise WizardError(f"{self.program} cannot be started", why=why, code="ssh.unusable") from None
        output, errors = bytearray(), bytearray()
        is_out_of_time = False
        try:
            async with asyncio.timeout(deadline):
                await _exchange(process, script, end, output, errors)
        except TimeoutError:
            is_out_of_time = True
        finally:
            exit_status = process.returncode
            await end_process(process)
        return ScriptRun(bytes(output), bytes(errors), exit_status, is_out_of_time)

    def command(self, host: str, through_to: str = "") -> tuple[str, ...]:
        """Return the command line. The destination stands behind `--`: it is never an option.

        With `through_to`, a `HOST:PORT`, standard input and output are one connection from `host` to there, and no
        program runs on `host`. Then ssh says more, as it gives the reason of a refused connection no higher rank.
        """
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
            f"LogLevel={'INFO' if through_to else 'ERROR'}",
        )
        way = ("-W", through_to) if through_to else ()
        return (self.program, "-T", *(part for each in options for part in ("-o", each)), *way, "--", host)


def find_openssh(environ: Mapping[str, str]) -> OpenSsh:
    """Return the ssh that stands first on the path, with little of `environ`; a `WizardError` where there is none."""
    program = shutil.which("ssh", path=environ.get("PATH"))
    if program is None:
        why = "There is no program called ssh on the path."
        advice = "Install OpenSSH's client (Debian: openssh-client)."
        raise WizardError("Other hosts cannot be reached from here", why=why, advice=advice, code="ssh.missing")
    names = _PASSED_ON + (_PASSED_ON_WINDOWS if sys.platform == "win32" else ())
    return OpenSsh(program, {name: environ[name] for name in names if name in environ} | {"LC_ALL": "C"})


async def _exchange(process: Process, script: bytes, mark: bytes, output: bytearray, errors: bytearray) -> None:
    assert process.stdin and process.stdout and process.stderr  # noqa: S101 - pipes were asked for
    feeding = asyncio.create_task(_feed(process.stdin, script))
    listening = asyncio.create_task(_read(process.stderr, errors))
    try:
        if await _read(process.stdout, output, mark):
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


async def _read(stream: asyncio.StreamReader, into: bytearray, until: bytes | None = None) -> bool:
    """Read to the end, `OUTPUT_LIMIT` or `until`; return whether there is nothing to wait for any more."""
    while chunk := await stream.read(_CHUNK):
        begin = max(0, len(into) - len(until or b""))
        into += chunk[: OUTPUT_LIMIT - len(into)]
        if len(into) >= OUTPUT_LIMIT or (until and into.find(until, begin) >= 0):
            return True
    return False


async def end_process(process: Process) -> None:
    """End a program that was started in a session of its own, and what it started itself."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
    # A stranger that holds their other end would keep `wait` waiting. The transport is closed last: it looks for the
    # process itself, and would now and then take the exit status from under asyncio's watcher, which logs that.
    transport = process._transport  # type: ignore[attr-defined]
    for descriptor in (0, 1, 2):
        if pipe := transport.get_pipe_transport(descriptor):
            pipe.close()
    await process.wait()
    transport.close()
