"""Text from standard input, whatever program wrote it."""

from __future__ import annotations

import codecs
import sys

from wizard.errors import WizardError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class UnreadableInput(WizardError):
    """There is no standard input, or it holds no text."""


def standard_input() -> str:
    """Read all of it. Bytes that are no UTF-8 become characters that no address has.

    UTF-16 is read where it says so by its first two bytes, as PowerShell writes it.

    Raises:
        UnreadableInput: it is closed, cannot be read, or is UTF-16 without saying so.
    """
    try:
        given = sys.stdin.buffer.read()
    except (AttributeError, OSError, ValueError) as error:
        raise UnreadableInput(
            "Standard input cannot be read",
            why="It is closed, or not open for reading.",
            advice="Pipe a list into the command, or give what it holds as arguments.",
        ) from error
    if given.startswith(_UTF16):
        return given.decode("utf-16", "replace")
    if any(len(half) > 1 and not half.strip(b"\0") for half in (given[0:200:2], given[1:200:2])):
        raise UnreadableInput(
            "Standard input is not UTF-8 text",
            why="Every second byte is zero: that is UTF-16.",
            advice="Save the list as UTF-8, or pipe it through: iconv -f UTF-16LE -t UTF-8",
        )
    return given.decode("utf-8-sig", "replace")
