"""Bots are restarted by the user's own commands. What came of each restart is in the journal, its output is not."""

from __future__ import annotations

import asyncio
import os
import re
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from wizard.core.bot_variables import RIVALS
from wizard.core.clock import duration, utc
from wizard.core.key_shape import holds_key
from wizard.core.settings import TOKEN_VARIABLES, Bot
from wizard.core.text import printable
from wizard.egress.ssh_hosts.openssh import end_process
from wizard.rotation.context import Context
from wizard.rotation.model import Event

RESTARTED = "bot.restarted"
"""The event."""
DEADLINE = 60.0
"""Seconds for a restart, and for a check after it."""
LINES = 5
"""Of the output, the last ones."""
HIDDEN = "The output is not shown, because it holds what looks like a key."
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_KEPT = 16 * 1024
"""Bytes of the output that are kept, the last ones."""
_LOOK = 0.05
"""Seconds between two looks whether a command has ended: asyncio's own wait may wait for its children too."""
_LAST_WORDS = 1.0
"""Seconds to read what is in the pipe when the command has ended."""


@dataclass(frozen=True, slots=True)
class CommandRun:
    """What became of one command."""

    exit: int | None
    """Its exit code, below 0 the signal that ended it; None where it did not start, or was ended at the deadline."""
    trouble: str = ""
    """Why its exit code is not enough, as a phrase; empty where it is."""
    output: tuple[str, ...] = ()
    """Its last lines, safe to show."""

    @property
    def is_good(self) -> bool:
        """Whether it did what it should."""
        return self.exit == 0 and not self.trouble

    @property
    def quoted(self) -> tuple[str, ...]:
        """The output with a bar before each line: none of them looks like one of ours."""
        return tuple(f"  | {line}" for line in self.output)

    @property
    def phrase(self) -> str:
        """What it came to: `exit 0`."""
        code = self.exit or 0
        return self.trouble or (f"exit {code}" if code >= 0 else f"signal {-code}")


@dataclass(frozen=True, slots=True)
class Restart:
    """What became of the restart of a bot."""

    at: float
    """When it ended, in seconds since 1970."""
    run: CommandRun
    """Of the command that failed, else of the last one."""
    is_check: bool = False
    """Whether that was the check."""

    @property
    def is_good(self) -> bool:
        """Whether the bot was restarted, and its check passed where it has one."""
        return self.run.is_good

    @property
    def phrase(self) -> str:
        """What it came to: `exit 0 at 19:14:02 UTC`."""
        passed = "checked" if self.is_good else f"check {self.run.phrase}"
        return f"{passed if self.is_check else self.run.phrase} at {utc(self.at)[11:]}"


def item_of(bot: Bot) -> str:
    """Return by what its tick is kept, which no other tick of the step has."""
    return f"bot {bot.name}"


async def restart(bot: Bot, context: Context) -> Restart:
    """Restart a bot, then run its check, and keep in the journal what came of it; a `WizardError` from the journal."""
    environ = child_environ(context.environ)
    run, is_check = await run_command(bot.restart, environ), False
    if bot.check and run.is_good:
        said, is_check = run.output, True
        run = await run_command(bot.check, environ)
        run = replace(run, output=(*said, *run.output))
    detail = {"environment": context.environment.name, "name": bot.name, "is_check": is_check}
    context.journal.record(context.rotation, RESTARTED, {**detail, "exit": run.exit, "trouble": run.trouble})
    return Restart(context.clock(), run, is_check)


def last_restarts(events: Iterable[Event]) -> dict[str, Restart]:
    """Return the last restart of each bot by its name, without its output."""
    found = {}
    for event in events:
        if event.kind == RESTARTED:
            detail, code = event.detail, event.detail.get("exit")
            run = CommandRun(code if isinstance(code, int) else None, str(detail.get("trouble", "")))
            found[str(detail.get("name"))] = Restart(event.at, run, bool(detail.get("is_check")))
    return found


def child_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a user's command is given: none that holds a key, or that opens the place of all."""
    kept_back = {*RIVALS, *TOKEN_VARIABLES}
    return {name: value for name, value in environ.items() if name not in kept_back and not holds_key(value)}


async def run_command(
    command: tuple[str, ...], environ: Mapping[str, str], deadline: float = DEADLINE, given: bytes = b""
) -> CommandRun:
    """Run a command without a shell, with `given` as its input, in a process group of its own.

    The whole group is ended `deadline` seconds later, or when this is cancelled. What it started in the background is
    left alone once the command has ended.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE if given else DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            start_new_session=True,
            env=dict(environ),
        )
    except OSError as error:
        return CommandRun(None, f"cannot be started ({os.strerror(error.errno or 0)})")
    assert process.stdout  # noqa: S101 - a pipe was asked for
    if process.stdin:
        process.stdin.write(given)  # what the command does not read is lost, and its exit code says enough
        process.stdin.close()
    kept, trouble = bytearray(), ""
    listening = asyncio.create_task(_listen(process.stdout, kept))
    try:
        async with asyncio.timeout(deadline):
            while process.returncode is None:  # noqa: ASYNC110 - see `_LOOK`
                await asyncio.sleep(_LOOK)
        code = process.returncode
        if (await asyncio.wait([listening], timeout=_LAST_WORDS))[1]:
            trouble = "left a program running that writes to the wizard"
    except TimeoutError:
        code, trouble = None, f"ended after {duration(deadline)}"
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await end_process(process)
    return CommandRun(code, trouble, _shown(bytes(kept)))


async def _listen(stream: asyncio.StreamReader, kept: bytearray) -> None:
    while chunk := await stream.read(_KEPT):
        kept += chunk
        del kept[:-_KEPT]


def _shown(output: bytes) -> tuple[str, ...]:
    text = _COLOUR.sub("", output.decode("utf-8", "replace"))  # one may stand within a key
    if holds_key(text):
        return (HIDDEN,)
    if len(output) == _KEPT:  # its first line may have been cut within a key
        text = text.partition("\n")[2]
    lines = (line.strip() for line in text.splitlines())
    return tuple(printable(line) for line in [line for line in lines if line][-LINES:])
