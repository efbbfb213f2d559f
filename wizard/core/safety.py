"""A process that can hold secrets: nothing in it may print, log, dump or record one by accident.

`make_process_safe` runs before anything imports textual, whose constants are read from the
environment at import. Measured leaks behind each line: docs/terminal.md.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

_KEPT = frozenset(f"TEXTUAL_{each}" for each in ("ANIMATIONS", "COLOR_SYSTEM", "THEME", "DISABLE_KITTY_KEY", "FPS"))
"""The others write keys to files, load code, press keys, save pictures or open connections."""
_LOGGERS = (
    *("httpx", "websockets", "websockets.client", "httpcore"),
    *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")),
    *("urllib3", "urllib3.connection", "urllib3.connectionpool", "urllib3.response", "urllib3.util.retry"),
)
_SSH_DEFAULTS = {"ESCDELAY": "250", "TEXTUAL_FPS": "20"}
_PR_SET_DUMPABLE = 4
_FRAMES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Inherited:
    """What the process was given before it was made safe, for children that the user asks for."""

    environ: Mapping[str, str] = field(repr=False)
    umask: int
    core_limit: int
    """The soft limit of RLIMIT_CORE in bytes; -1 is unlimited."""

    def restore(self) -> None:
        """Give umask and core limit back: call it in a child, just before it becomes another program."""
        os.umask(self.umask)
        _limit_core(self.core_limit)


def make_process_safe(environ: MutableMapping[str, str]) -> Inherited:
    """Close the ways on which a secret leaves unasked, `os.environ` too; return what was, for `exec`."""
    before = dict(environ)
    _scrub_environment(environ)
    core_limit = _forbid_dumps()
    # Without a handler, "last resort" prints warnings and asyncio's tracebacks with their messages.
    logging.raiseExceptions = False
    logging.getLogger().addHandler(logging.NullHandler())
    silence_libraries()
    sys.excepthook = lambda _kind, error, _tb: _print_report(error)
    threading.excepthook = lambda args: _print_report(None if args.exc_type is SystemExit else args.exc_value)
    sys.unraisablehook = lambda args: _print_report(args.exc_value)
    return Inherited(before, os.umask(0o077), core_limit)


def silence_libraries() -> None:
    """Let the HTTP and WebSocket libraries log nothing, whatever level somebody sets. Again changes nothing.

    httpx logs whole URLs, httpcore proxy log-ins, websockets every frame. A signed URL in a log is a secret for as
    long as its time window lasts, and a list of keys' uses after that.
    """
    for name in _LOGGERS:
        logging.getLogger(name).disabled = True


def redacted_report(error: BaseException) -> str:
    """Return type and place of `error` and of what caused it: no message, no local variable.

    Messages are left out because a foreign library may have put its argument into them.
    """
    lines: list[str] = []
    for link in _chain(error):
        lines.append(f"{'Internal error' if not lines else 'Caused by'}: {type(link).__name__}")
        lines.extend(_places(link.__traceback__))
    lines.append("The text of the error is not shown, because it could hold a secret.")
    return "\n".join(lines)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        wrapped = getattr(link, "error", None)  # textual's WorkerFailed
        context = None if link.__suppress_context__ else link.__context__
        link = wrapped if isinstance(wrapped, BaseException) else link.__cause__ or context


def _places(tb: TracebackType | None) -> list[str]:
    frames = traceback.StackSummary.extract(traceback.walk_tb(tb), lookup_lines=False)
    named = [(Path(frame.filename).parts[-3:], frame) for frame in frames[-_FRAMES_SHOWN:]]
    return [f"  {'/'.join(parts)}:{frame.lineno} in {frame.name}" for parts, frame in named]


def _scrub_environment(environ: MutableMapping[str, str]) -> None:
    # Python's ssl module writes the session keys of every TLS connection to this file.
    environ.pop("SSLKEYLOGFILE", None)
    for name in [name for name in environ if name == "TEXTUAL" or name.startswith("TEXTUAL_")]:
        if name not in _KEPT:
            del environ[name]
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        for name, value in _SSH_DEFAULTS.items():
            environ.setdefault(name, value)


def _forbid_dumps() -> int:
    """Forbid core dumps and debuggers; return the soft core limit as it was.

    Both are needed: a core_pattern that pipes to a program ignores RLIMIT_CORE (core(5)), and
    PR_SET_DUMPABLE exists on Linux alone. It also closes /proc/PID/mem to the user's other programs, but for one that
    has opened it before: between the start of the interpreter and this call it is open (docs/security.md).
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    return _limit_core(0)


def _limit_core(soft: int) -> int:
    if sys.platform == "win32":
        return -1
    import resource  # noqa: PLC0415 - not on Windows

    before, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    return before


def _print_report(error: BaseException | None) -> None:
    if error is not None and sys.stderr is not None:
        print(redacted_report(error), file=sys.stderr)
