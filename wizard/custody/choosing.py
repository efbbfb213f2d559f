"""Writes the user's choice of a place into config.toml, and changes nothing else in it."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path
from typing import Any, Final

from wizard import atomic_file
from wizard.errors import WizardError
from wizard.settings import Place

_TABLE: Final = re.compile(r"^\[custody\][ \t]*(#.*)?$", re.MULTILINE)
_PLACE: Final = re.compile(r"^place[ \t]*=.*$", re.MULTILINE)


class ChoiceNotWritten(WizardError):
    """The settings could not be changed; they are as they were."""


def choose_place(file: Path, place: Place) -> None:
    """Write `place` into the settings.

    Raises:
        ChoiceNotWritten: the file cannot be written, or is laid out so that only a person should change it.
    """
    try:
        before = file.read_text("utf-8") if file.exists() else ""
        after = _changed(before, f'place = "{place}"')
        if _meaning(after) != _wanted(before, place):
            raise _by_hand(file, place, "The file is laid out in another way than this program expects.")
        real = file.resolve()  # people keep their settings elsewhere and link to them
        mode = stat.S_IMODE(real.stat().st_mode) if real.exists() else atomic_file.PRIVATE
        atomic_file.replace(real, after.encode(), mode)
    except (OSError, ValueError) as error:
        raise _by_hand(file, place, f"It ended with {type(error).__name__}.") from None


def _changed(text: str, line: str) -> str:
    table = _TABLE.search(text)
    if table is None:
        gap = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{gap}\n[custody]\n{line}\n".lstrip("\n")
    head, rest = text[: table.end()], text[table.end() :]
    end = re.search(r"^\[", rest, re.MULTILINE)
    own, others = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    own = _PLACE.sub(line, own, count=1) if _PLACE.search(own) else f"\n{line}{own}"
    return head + own + others


def _wanted(before: str, place: Place) -> dict[str, Any]:
    meaning = _meaning(before)
    return {**meaning, "custody": {**meaning.get("custody", {}), "place": place.value}}


def _meaning(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def _by_hand(file: Path, place: Place, why: str) -> ChoiceNotWritten:
    return ChoiceNotWritten(
        f"The choice could not be written into {file}",
        why=why,
        advice=f'Write it there yourself: [custody] and below it place = "{place}". Then start the wizard again.',
    )
