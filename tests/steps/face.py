"""A face without a user interface: it keeps what a page says, and answers what a test wants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.rehearsal.simulated_page import SimulatedPage
from wizard.rotation.report import Report
from wizard.steps.form import FieldKind, Form
from wizard.steps.presenter import Face, Presenter
from wizard.steps.view import Consent, State

Result = TypeVar("Result")


@dataclass
class FakeFace:
    """Stands in for a screen or for lines."""

    page: SimulatedPage | None = None
    answers: dict[str, str] = field(default_factory=dict)
    """What is typed at the consent of each title; nothing where none is given."""
    said: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: list[WizardError] = field(default_factory=list)
    limits: dict[str, float] = field(default_factory=dict)
    """How long each wait may take, by what is waited for."""
    copied: list[str] = field(default_factory=list)
    visited: list[Presenter] = field(default_factory=list)
    typed: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """What is typed into the form of each title, try by try; then the user goes back."""
    on_visit: Callable[[Presenter], Awaitable[object]] | None = None
    """What the user does on a page on top."""
    confirmed: list[Consent] = field(default_factory=list)
    """What was asked for a word."""
    filled: list[Form] = field(default_factory=list)
    """Forms that were shown."""
    left: str = ""
    """How the page was left: `leave`, `home` or `finish`."""
    report: Report | None = None
    is_live: bool = True

    def show(self) -> None: ...

    def say(self, *sentences: str) -> None:
        self.said += sentences

    def doing(self, text: str) -> None:
        self.said.append(text)

    def note(self, text: str, state: State = State.GOOD) -> None:
        self.notes.append(text)

    async def attempt(self, work: Callable[[], Awaitable[Result]], doing: str, at_most: float) -> Result | None:
        self.said.append(doing)
        self.limits[doing] = at_most
        try:
            return await work()
        except WizardError as error:
            self.errors.append(error)
            return None

    async def confirm(self, consent: Consent) -> str:
        self.confirmed.append(consent)
        return self.answers.get(consent.title, "")

    async def fill(self, form: Form) -> bool:
        self.filled.append(form)
        fields = [field for field in form.fields if not field.is_repeat]
        for typed in self.typed.get(form.title, [{}] if form.kept else []):
            given: dict[str, str | Secret] = {
                field.name: typed.get(field.name, "")
                if field.kind is FieldKind.TEXT
                else Secret(typed[field.name] if field.name in typed else form.kept.get(field.name, Secret()).reveal())
                for field in fields
            }
            try:
                for field in fields:
                    if field.check is not None and isinstance(value := given[field.name], Secret):
                        field.check(value)
                await form.act(**given)
            except WizardError as error:
                self.errors.append(error)
            else:
                return True
            finally:
                for value in given.values():
                    if isinstance(value, Secret):
                        value.wipe()
        return False

    async def read(self, title: str, *paragraphs: str) -> None:
        self.said += [title, *paragraphs]

    async def visit(self, make: Callable[[Face], Presenter]) -> None:
        self.visited.append(page := make(self))
        if self.on_visit is not None:
            await self.on_visit(page)

    async def copy(self, text: str, what: str) -> None:
        self.copied.append(text)

    def leave(self) -> None:
        self.left = "leave"

    async def go_home(self) -> None:
        self.left = "home"

    def finish(self, report: Report) -> None:
        self.left, self.report = "finish", report


async def press(page: Presenter, key: str) -> None:
    """Run the action that the page has for a key."""
    action = page.view().action(key)
    assert action is not None, key
    await action.run()
