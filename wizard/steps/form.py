"""What a page asks for, as data: the fields of a form, and what is done with the answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wizard.core.secret import Secret


class FieldKind(StrEnum):
    """What a field of a form takes. All but a text are hidden."""

    TEXT = "text"
    KEY = "key"
    """An API key or its secret. One paste may hold both, and fills the fields `api_key` and `secret`."""
    PASSWORD = "password"  # noqa: S105 - the name of a kind
    """Cleared after a failure. The others are kept."""
    PEM = "pem"


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a form."""

    name: str
    """The argument of `Form.act` that it becomes."""
    label: str
    kind: FieldKind = FieldKind.TEXT
    placeholder: str = ""
    text: str = ""
    """What stands in it at first; of texts only."""
    site: str = ""
    """Of a key: the site whose key a paste of several stands for, in the words of `intake.candidates.site_of`."""
    is_repeat: bool = False
    """Whether it is the field before it once more. `Form.act` is not given it."""
    instead_of: str = ""
    """The name of another field: where that one is filled, this one is not asked for."""
    after: str = ""
    """The code of the error after which it is asked for; nothing where it is asked for at once."""
    check: Callable[[Secret], object] | None = None
    """Raises WizardError where a hidden value cannot be right."""


@dataclass(frozen=True, slots=True)
class Form:
    """Questions that are answered together. The user tries until it is done, or goes back."""

    title: str
    text: str
    """What the answers are for, and where they go."""
    fields: tuple[Field, ...]
    act: Callable[..., Awaitable[object]]
    """Is given each answer by its name: a text as `str`, all others as `Secret`, which are wiped afterwards.

    Raises WizardError where it is not done.
    """
    label: str
    """What Enter does, as verb and noun."""
    doing: str
    """What is waited for, as a phrase."""
    at_most: float
    """Seconds after which it is given up."""
    kept: dict[str, Secret] = field(default_factory=dict)
    """Hidden answers that are known already. Whoever shows the form takes them out, and wipes them."""
