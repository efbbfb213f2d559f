"""Text from standard input, whatever program wrote it."""

from __future__ import annotations

import codecs
import sys

from wizard.core.errors import WizardError

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


LONGEST_INPUT = 2**17
"""Bytes; about 8,000 addresses, where the exchange takes some twenty."""


class UnreadableInput(WizardError):
    """There is no standard input, it holds no text, or it does not end."""


def standard_input() -> str:
    """Read all of it. Bytes that are no UTF-8 become characters that no address has.

    UTF-16 is read where it says so by its first two bytes, as PowerShell writes it.

    Raises:
        UnreadableInput: it is closed, cannot be read, is too long, or is UTF-16 without saying so.
    """
    try:
        given = sys.stdin.buffer.read(LONGEST_INPUT + 1)
    except (AttributeError, OSError, ValueError) as error:
        raise UnreadableInput(
            "Standard input cannot be read",
            why="It is closed, or not open for reading.",
            advice="Pipe a list into the command, or give what it holds as arguments.",
        ) from error
    if len(given) > LONGEST_INPUT:
        raise UnreadableInput(
            "Standard input is too long for a list of addresses",
            why=f"It has more than {LONGEST_INPUT // 1024} KiB. The rest was not read.",
            advice="Pipe only the lines that hold addresses into the command.",
        )
    if given.startswith(_UTF16):
        return given.decode("utf-16", "replace")
    if any(len(half) > 1 and not half.strip(b"\0") for half in (given[0:200:2], given[1:200:2])):
        raise UnreadableInput(
            "Standard input is not UTF-8 text",
            why="Every second byte is zero: that is UTF-16.",
            advice="Save the list as UTF-8, or pipe it through: iconv -f UTF-16LE -t UTF-8",
        )
    return given.decode("utf-8-sig", "replace")
