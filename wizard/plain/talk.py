"""The conversation: sentences out, answers in. Every prompt takes back, help and quit.

An answer that is not understood is never repeated: it may be a secret, pasted at the wrong prompt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TypeVar

from wizard.core.clock import duration
from wizard.core.errors import WizardError
from wizard.core.key_shape import holds_key
from wizard.core.secret import Secret
from wizard.core.text import printable
from wizard.plain.interrupts import EndOfInputError, InterruptError, Interrupts
from wizard.plain.terminal import TerminalConsole
from wizard.steps import deadlines
from wizard.steps.view import Consent

LONGEST_LINE = 2000
KEY_IN_SIGHT = (
    "This looks like a key. It was not taken and is not repeated, nor is what came after it. Keys belong only at the"
    " questions where typing is not shown."
)

Menu = Mapping[str, str]
"""The answers to one question: the word of each, and what it means, as a phrase. Its number can be typed too."""
Result = TypeVar("Result")


class Command(StrEnum):
    """What every prompt takes."""

    BACK = "back"
    HELP = "help"
    QUIT = "quit"


class Talk:
    """Speaks with one user."""

    def __init__(self, console: TerminalConsole, interrupts: Interrupts) -> None:
        self._console = console
        self._interrupts = interrupts
        self._about = ""
        self.closing: Callable[[], Sequence[str]] = lambda: ()
        """Says what closing now means, and how one comes back."""
        self.is_remedied: Callable[[WizardError], Awaitable[bool]] | None = None
        """Offers what can be done about an error that was said, and returns whether it was done."""

    @contextmanager
    def about(self, text: str) -> Iterator[None]:
        """While this lasts, `text` is the help of every prompt."""
        outer, self._about = self._about, text
        try:
            yield
        finally:
            self._about = outer

    def say(self, *lines: str) -> None:
        """Say each line; control characters are replaced."""
        for line in lines:
            self._console.write(printable(line, limit=LONGEST_LINE))

    def tell(self, error: WizardError) -> None:
        """Say what happened, why we think so, and what to do next."""
        what, *rest = error.sentences()
        self.say(f"Problem: {what}", *(f"  {sentence}" for sentence in rest))

    async def choose(self, question: str, menu: Menu, default: str) -> str:
        """Ask until one of the answers is named; return its word, or `Command.BACK`. Empty means `default`."""
        answers = {str(number): word for number, word in enumerate(menu, 1)} | {word.lower(): word for word in menu}
        numbers = "1" if len(menu) == 1 else f"1 to {len(menu)}"
        while True:
            self.say(
                "", question, *(f"  {number}. {word}: {does}" for number, (word, does) in enumerate(menu.items(), 1))
            )
            answer = await self._answer(f"Answer with {numbers}", default)
            if isinstance(answer, Command):
                return answer
            if answer is not None and (found := answers.get(answer.lower())):
                return found
            if answer is not None:
                self.say("That is none of the answers.")

    async def line(self, prompt: str, *, taken: str = "") -> str:
        """Ask for a line; return it stripped, or `Command.BACK`. `taken` is an answer even if it spells a command."""
        while (answer := await self._answer(prompt, "", taken)) is None:
            pass
        return answer

    async def has_more(self) -> bool:
        """Return whether a further line of a paste is there already."""
        return await self._console.has_more()

    async def secret(self, name: str, *, is_kept: bool = False) -> Secret | Command:
        """Ask for a value that is not shown; where it would be seen that is said, and is `Command.BACK`.

        `is_kept` says that an empty answer keeps what was typed before.
        """
        kept = " [keep what was entered]" if is_kept else ""
        prompt = f"{printable(name)}, typing is not shown (back, help or quit){kept}: "
        while True:
            try:
                typed = await self._read(lambda: self._console.ask_secret(prompt))
            except WizardError as error:
                self.tell(error)
                return Command.BACK
            command = self._command(typed.reveal())
            if command is None:
                return typed
            if answer := await self._obey(command):
                return answer

    async def confirm(self, consent: Consent) -> str:
        """Say what will happen and ask for its word; return that, or nothing where the user goes back."""
        self._console.forget_typed()
        word = consent.word
        self.say("", f"{consent.title} {consent.text}".rstrip())
        while True:
            answer = await self.line(f"Type {word} to do it", taken=word)
            if answer == word:
                return answer
            if answer == Command.BACK:
                self.say("Nothing was done.")
                return ""
            self.say("You typed something else. Nothing was done.")

    async def attempt(self, work: Callable[[], Awaitable[Result]], what: str, at_most: float) -> Result | None:
        """Say what is waited for and wait; return None when it failed or was stopped, which is told."""
        self.say(f"{what}, at most {duration(at_most)}. Ctrl-C stops waiting.")
        try:
            return await self._wait(work, at_most)
        except InterruptError:
            self.say("Stopped waiting.")
        except WizardError as error:
            self.tell(error)
            if self.is_remedied is not None and await self.is_remedied(error):
                return await self.attempt(work, what, at_most)
        return None

    async def _wait(self, work: Callable[[], Awaitable[Result]], at_most: float) -> Result:
        try:
            return await deadlines.within(at_most, self._interrupts.race(work()))
        finally:
            # What was typed meanwhile answers no question that comes after what was found.
            self._console.forget_typed()

    async def _answer(self, prompt: str, default: str, taken: str = "") -> str | None:
        """Return the answer, or None when it was a command that has been obeyed."""
        shown = f" [{default}]" if default else ""
        full = printable(f"{prompt} (back, help or quit){shown}: ", limit=LONGEST_LINE)
        text = (await self._read(lambda: self._console.ask(full))).strip() or default
        if holds_key(text):
            self.say(KEY_IN_SIGHT)
            return None
        command = None if taken and text == taken else self._command(text)
        return text if command is None else await self._obey(command)

    async def _read(self, ask: Callable[[], Awaitable[Result]]) -> Result:
        while True:
            try:
                return await ask()
            except InterruptError:
                await self._ask_whether_to_leave()

    async def _ask_whether_to_leave(self) -> None:
        self.say("", "Quit Key Wizard?", *self.closing())
        while True:
            try:
                answer = (await self._console.ask("Quit, yes or no? [no]: ")).strip().lower()
            except InterruptError:
                raise EndOfInputError from None
            if answer in {"yes", "y", Command.QUIT}:
                raise EndOfInputError
            if answer in {"no", "n", ""}:
                self.say("The wizard stays open.")
                return
            self.say("Answer yes or no.")

    def _command(self, text: str) -> Command | None:
        word = text.strip().lower()
        return Command(word) if word in set(Command) else None

    async def _obey(self, command: Command) -> Command | None:
        """Do what the command says; return it where the caller has to go on from here."""
        if command is Command.QUIT:
            raise EndOfInputError
        if command is Command.HELP:
            self.say("", "Help.", self._about, *self._general_help())
        return command if command is Command.BACK else None

    def _general_help(self) -> Iterable[str]:
        yield "Answer with the number or the name. Enter alone takes the answer in brackets."
        yield "back goes back one step. Nothing that is stored is lost. quit closes the wizard."
        yield "Ctrl-C stops a wait. At a prompt it asks whether to quit."
        yield from self.closing()
