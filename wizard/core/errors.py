"""Errors that people can act on: what happened, why we think so, what to do next; and the exit codes."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit code of a command; a signal n gives 128 + n."""

    FINE = 0
    SAYS_NO = 1
    USAGE = 2
    ROTATION_OPEN = 3
    LEGACY_ALIVE = 4
    KEYRING_UNUSABLE = 5
    INCONCLUSIVE = 6
    INTERNAL_ERROR = 70  # EX_SOFTWARE in sysexits.h


class WizardError(Exception):
    """A failure in three sentences. It never carries a secret or a signed request.

    Args:
        what: What happened, as one sentence; the full stop may be missing.
        why: The observation behind `what`; empty when `what` is the observation.
        advice: What the user can do next; empty when there is nothing to do but read.
        code: For programs and tests, `area.problem`, as `journal.damaged`; empty where nobody needs to tell it apart.
    """

    exit_code = Exit.SAYS_NO
    """Of a command that ends with it."""

    def __init__(self, what: str, *, why: str = "", advice: str = "", code: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.advice = advice
        self.code = code

    def sentences(self) -> tuple[str, ...]:
        """Return the non-empty parts in reading order, each with its full stop."""
        return sentences(self.what, self.why, self.advice)


class UsageError(WizardError):
    """A command cannot be run as it was called: its arguments, its terminal, its standard input or output."""

    exit_code = Exit.USAGE


class FileError(WizardError):
    """A file cannot be read."""


def sentences(*parts: str) -> tuple[str, ...]:
    """Return the non-empty parts, each with a full stop where it has no end of its own, and ends in no command."""
    return tuple(part if part.rstrip("”)")[-1:] in ".?!:" or "\n" in part else f"{part}." for part in parts if part)
