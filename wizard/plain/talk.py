"""The conversation: sentences out, answers in. Every prompt takes back, help and quit.

An answer that is not understood is never repeated: it may be a secret, pasted at the wrong prompt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from wizard.core.clock import duration
from wizard.core.errors import WizardError
from wizard.core.key_shape import holds_key
from wizard.core.secret import Secret
from wizard.core.text import printable
from wizard.plain.answers import Choice, Command, Left
from wizard.plain.console import Console, EndOfInput, Interrupted
from wizard.plain.interrupts import Interrupts
from wizard.plain.waiting import limited

LONGEST_LINE = 2000
KEY_IN_SIGHT = (
    "This looks like a key. It was not taken and is not repeated, nor is what came after it. Keys belong only at the"
    " questions where typing is not shown."
)

Result = TypeVar("Result")


class Talk:
    """Speaks with one user.

    Args:
        console: Where it takes place.
        interrupts: Ctrl-C during a wait.
    """

    def __init__(self, console: Console, interrupts: Interrupts) -> None:
        self._console = console
        self._interrupts = interrupts
        self.closing: Callable[[], Sequence[str]] = lambda: ()
        """Says what closing now means, and how one comes back."""
        self.visit_simulated_page: Callable[[], Awaitable[bool]] | None = None
        """Opens the simulated page, and returns whether a key was taken over there; None where there is none."""
        self.mend: Callable[[WizardError], Awaitable[None]] | None = None
        """Offers what can be done about an error at once, after it was told; None where nothing can."""

    def say(self, *lines: str) -> None:
        """Say each line; control characters are replaced."""
        for line in lines:
            self._console.write(printable(line, limit=LONGEST_LINE))

    def tell(self, error: WizardError) -> None:
        """Say what happened, why we think so, and what to do next."""
        what, *rest = error.sentences()
        self.say(f"Problem: {what}", *(f"  {sentence}" for sentence in rest))

    async def choose(self, question: str, choices: Sequence[Choice], *, about: str, default: str = "") -> str:
        """Ask until one of the choices is named; return its word, `Command.BACK` or `Command.DESK`.

        Args:
            question: Said before the numbered choices.
            choices: At least one, except where `back` is all that is left.
            about: The help text.
            default: The word that an empty answer means.
        """
        answers = {str(number): each.word for number, each in enumerate(choices, 1)}
        answers |= {each.word.lower(): each.word for each in choices}
        while True:
            self.say("", question, *(_row(number, each) for number, each in enumerate(choices, 1)))
            answer = await self._answer(f"Answer with {_numbers(len(choices))}", about, default)
            if isinstance(answer, Command):
                return answer
            if answer is not None and (found := answers.get(answer.lower())):
                return found
            if answer is not None:
                self.say("That is none of the answers.")

    async def line(self, prompt: str, *, about: str, taken: str = "") -> str:
        """Ask for a line; return it without blanks around it, or `Command.BACK` or `Command.DESK`.

        Args:
            prompt: What is asked for.
            about: The help text.
            taken: A line that is an answer even where it spells a command.
        """
        while True:
            answer = await self._answer(prompt, about, "", taken)
            if answer is not None:
                return answer

    async def has_more(self) -> bool:
        """Return whether a further line of a paste is there already."""
        return await self._console.has_more()

    async def secret(self, name: str, *, about: str, is_kept: bool = False) -> Secret | Command:
        """Ask for a value that is not shown.

        Args:
            name: What is asked for.
            about: The help text.
            is_kept: Whether an empty answer keeps what was typed before.

        Raises:
            SecretEntryRefused: a secret cannot be taken here.
        """
        kept = " [keep what was entered]" if is_kept else ""
        prompt = f"{name}, typing is not shown ({self._commands_in_words()}){kept}: "
        while True:
            typed = await self._read(lambda: self._console.ask_secret(prompt))
            command = self._command(typed.reveal())
            if command is None:
                return typed
            if answer := await self._obey(command, about):
                return answer

    async def confirm(self, what: str, word: str, *, about: str) -> str:
        """Say what will happen and ask for a typed word; return it, or nothing where the user goes back."""
        self._console.forget_typed()
        self.say("", what)
        while True:
            answer = await self.line(f"Type {word} to do it", about=about, taken=word)
            if answer == word:
                return answer
            if answer == Command.BACK:
                self.say("Nothing was done.")
                return ""
            self.say("That is not the word. Nothing was done.")

    async def attempt(self, work: Callable[[], Awaitable[Result]], what: str, at_most: float) -> Result | None:
        """Say what is waited for and wait; return None when it failed or was stopped, which is told.

        Args:
            work: What is done meanwhile.
            what: A phrase: "Asking the exchange".
            at_most: Seconds after which it is given up.
        """
        self.say(f"{what}, at most {duration(at_most)}. Ctrl-C stops waiting.")
        try:
            return await self._wait(work, at_most)
        except Interrupted:
            self.say("Stopped waiting.")
        except WizardError as error:
            self.tell(error)
            if self.mend is not None:
                await self.mend(error)
        return None

    async def _wait(self, work: Callable[[], Awaitable[Result]], at_most: float) -> Result:
        try:
            return await self._interrupts.race(limited(work, at_most))
        finally:
            # What was typed meanwhile answers no question that comes after what was found.
            self._console.forget_typed()

    async def _answer(self, prompt: str, about: str, default: str, taken: str = "") -> str | None:
        """Return the answer, or None when it was a command that has been obeyed."""
        shown = f" [{default}]" if default else ""
        full = printable(f"{prompt} ({self._commands_in_words()}){shown}: ", limit=LONGEST_LINE)
        text = (await self._read(lambda: self._console.ask(full))).strip() or default
        if holds_key(text):
            self.say(KEY_IN_SIGHT)
            return None
        command = None if taken and text == taken else self._command(text)
        return text if command is None else await self._obey(command, about)

    async def _read(self, ask: Callable[[], Awaitable[Result]]) -> Result:
        while True:
            try:
                return await ask()
            except Interrupted:
                await self._ask_whether_to_leave()
            except EndOfInput:
                raise Left from None

    async def _ask_whether_to_leave(self) -> None:
        self.say("", "Close Key Wizard?", *self.closing())
        while True:
            try:
                answer = (await self._console.ask("Close it, yes or no? [no]: ")).strip().lower()
            except (Interrupted, EndOfInput):
                raise Left from None
            if answer in {"yes", "y", Command.QUIT}:
                raise Left
            if answer in {"no", "n", ""}:
                self.say("The wizard stays open.")
                return
            self.say("Answer yes or no.")

    def _command(self, text: str) -> Command | None:
        word = text.strip().lower()
        return Command(word) if word in self._commands() else None

    async def _obey(self, command: Command, about: str) -> Command | None:
        """Do what the command says; return it where the caller has to go on from here."""
        if command is Command.QUIT:
            raise Left
        if command is Command.HELP:
            self.say("", "Help.", about, *self._general_help())
        elif command is Command.PAGE and self.visit_simulated_page is not None:
            return command if await self.visit_simulated_page() else None
        return command if command is Command.BACK else None

    def _commands(self) -> tuple[Command, ...]:
        return tuple(
            command for command in Command if command is not Command.PAGE or self.visit_simulated_page is not None
        )

    def _commands_in_words(self) -> str:
        *most, last = self._commands()
        return f"{', '.join(most)} or {last}"

    def _general_help(self) -> Iterable[str]:
        yield "Answer with the number or the word. Enter alone takes the answer in brackets."
        yield "back goes back one step; nothing stored is lost. quit closes the wizard."
        if self.visit_simulated_page is not None:
            yield "desk opens the stand-in for the exchange's page."
        yield "Ctrl-C stops a wait; at a prompt it asks whether to close."
        yield from self.closing()


def _numbers(count: int) -> str:
    return "1" if count == 1 else f"1 to {count}" if count else "back"


def _row(number: int, choice: Choice) -> str:
    word = "" if choice.word == str(number) else f"{choice.word}: "
    return f"  {number}. {word}{choice.does}"
