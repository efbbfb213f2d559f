"""What can be answered: commands that every prompt takes, and the choices of one question."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Command(StrEnum):
    """What every prompt takes."""

    BACK = "back"
    HELP = "help"
    QUIT = "quit"
    PAGE = "desk"
    """In a rehearsal only. As an answer: a key was taken over on the simulated page."""


class Left(Exception):
    """The user leaves the wizard."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers to a question."""

    word: str
    """What can be typed for it; so can its number."""
    does: str
    """What it means, as a phrase."""
