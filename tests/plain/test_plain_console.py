"""The console on pipes and terminals: what is read, what is hidden, what is written."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest

from tests.canaries import leaked
from tests.tiers import slow
from wizard.core.errors import WizardError
from wizard.plain.interrupts import EndOfInputError, InterruptError, Interrupts
from wizard.plain.terminal import LONGEST_LINE, TerminalConsole

KEY, SECRET = ("".join(random.Random(number).choices("0123456789abcdef", k=64)) for number in (1, 2))
DELAYS = (0, *slow(0.05, 0.15, 0.4, 1.0))


class Pipes:
    """A console whose two ends are in the test's hands."""

    def __init__(self, **options: object) -> None:
        self.source, self.into = os.pipe()
        self.out, self.target = os.pipe()
        self.interrupts = Interrupts()
        self.console = TerminalConsole(
            self.interrupts,
            source=self.source,
            target=self.target,
            **options,  # type: ignore[arg-type]
        )

    def type(self, data: bytes, *, end: bool = False) -> None:
        os.write(self.into, data)
        if end:
            os.close(self.into)

    def written(self) -> bytes:
        return os.read(self.out, 65536)

    def close(self) -> None:
        for descriptor in (self.source, self.into, self.out, self.target):
            with suppress(OSError):
                os.close(descriptor)


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    made = Pipes()
    yield made
    made.close()


class Pty:
    """A console on a pseudo-terminal; the test sits before it."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        self.seen = b""
        self.interrupts = Interrupts()
        self.console = TerminalConsole(self.interrupts, source=self.slave, target=self.slave)

    async def see(self, data: bytes) -> None:
        while data not in self.seen:
            self.seen += await asyncio.to_thread(os.read, self.master, 4096)

    def type(self, data: bytes) -> None:
        os.write(self.master, data)

    def shows_typing(self) -> bool:
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    async def answer(self, typed: bytes) -> str:
        asking = asyncio.create_task(self.console.ask("next? "))
        await self.see(b"next? ")
        self.type(typed)
        return await asking

    async def secret(self, typed: bytes) -> str:
        asking = asyncio.create_task(self.console.ask_secret("Secret: "))
        await self.see(b"Secret: ")
        self.type(typed)
        return (await asking).reveal()


async def slowly(pty: Pty, lines: Sequence[str], delay: float) -> None:
    """Paste lines as a slow line brings them."""
    for line in lines:
        pty.type(f"{line}\r".encode())
        await asyncio.sleep(delay)


@pytest.fixture
def pty() -> Iterator[Pty]:
    made = Pty()
    with made.console:
        yield made
    os.close(made.master)
    os.close(made.slave)


async def test_lines_of_a_pipe_are_answers_one_by_one_and_the_last_needs_no_end(pipes: Pipes) -> None:
    pipes.type(b"one\r\ntwo\n\nthree", end=True)
    assert [await pipes.console.ask("? ") for _ in range(4)] == ["one", "two", "", "three"]
    for _ in range(2):
        with pytest.raises(EndOfInputError):
            await pipes.console.ask("? ")


async def test_of_a_line_without_end_no_more_is_kept_than_anybody_writes(pipes: Pipes) -> None:
    def write() -> None:
        for _ in range(32):
            os.write(pipes.into, b"y" * 65536)
        pipes.type(b"\ntwo\n")

    writing = asyncio.create_task(asyncio.to_thread(write))
    assert len(await pipes.console.ask("? ")) < 2 * LONGEST_LINE
    await writing
    assert await pipes.console.ask("? ") == "two"


async def test_the_next_answer_in_a_pipe_is_no_rest_of_a_paste(pipes: Pipes) -> None:
    pipes.type(b"one\ntwo\n")
    assert await pipes.console.ask("? ") == "one"
    assert not await pipes.console.has_more()


async def test_bytes_that_are_no_text_are_replaced(pipes: Pipes) -> None:
    pipes.type(b"\xff\xfe\n")
    assert await pipes.console.ask("? ") == "\ufffd\ufffd"


async def test_a_prompt_that_was_interrupted_leaves_the_answer_to_the_next_one(pipes: Pipes) -> None:
    asking = asyncio.create_task(pipes.console.ask("first? "))
    await asyncio.sleep(0)
    pipes.interrupts.fire()
    with pytest.raises(InterruptError):
        await asking
    second = asyncio.create_task(pipes.console.ask("second? "))
    await asyncio.sleep(0)
    pipes.type(b"answer\n")
    assert await second == "answer"


def test_a_read_that_nobody_answers_does_not_keep_the_program_alive() -> None:
    code = (
        "import asyncio\n"
        "from wizard.plain.interrupts import Interrupts\n"
        "from wizard.plain.terminal import TerminalConsole\n"
        "async def main():\n"
        "    interrupts = Interrupts()\n"
        "    asking = asyncio.create_task(TerminalConsole(interrupts, source=0, target=1).ask('? '))\n"
        "    await asyncio.sleep(0)\n"
        "    interrupts.fire()\n"
        "    await asyncio.wait([asking])\n"
        "    print(type(asking.exception()).__name__)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.wait(timeout=20) == 0
        assert process.stdout is not None
        assert b"InterruptError" in process.stdout.read()
        assert process.stderr is not None
        assert process.stderr.read() == b""


async def test_a_secret_is_not_taken_from_a_pipe(pipes: Pipes) -> None:
    pipes.type(b"SECRET\n")
    with pytest.raises(WizardError) as refusal:
        await pipes.console.ask_secret("Secret: ")
    assert refusal.value.code == "plain.no_terminal"


async def test_in_a_rehearsal_a_line_of_the_pipe_is_the_secret() -> None:
    pipes = Pipes(may_pipe_secrets=True)
    pipes.type(b"SECRET\nnext\n")
    assert (await pipes.console.ask_secret("Secret: ")).reveal() == "SECRET"
    assert await pipes.console.ask("? ") == "next"
    assert pipes.written() == b"Secret: \n? \n"
    pipes.close()


async def test_what_the_encoding_lacks_is_written_in_ascii() -> None:
    pipes = Pipes(encoding="latin-1")
    pipes.console.write("“…AbC9” ± 3 ms → ключ")
    assert pipes.written() == b'"...AbC9" +/- 3 ms -> ????\n'
    pipes.close()


def test_a_reader_that_is_gone_is_the_end(pipes: Pipes) -> None:
    os.close(pipes.out)
    with pytest.raises(EndOfInputError):
        pipes.console.write("Nobody reads this.")


async def test_an_input_that_was_never_there_is_the_end() -> None:
    with pytest.raises(EndOfInputError):
        await TerminalConsole(Interrupts(), source=None, target=os.open(os.devnull, os.O_WRONLY)).ask("? ")


async def test_a_secret_is_not_shown_and_what_answers_a_question_in_sight_is(pty: Pty) -> None:
    assert await pty.secret(b"S3cr3tS3cr3t\r") == "S3cr3tS3cr3t"
    assert await pty.answer(b"yes\r") == "yes"
    pty.console.write("end")
    await pty.see(b"end")
    assert pty.seen == b"Secret: \r\nnext? yes\r\nend\r\n"


@pytest.mark.parametrize("typed", [b"KEY\rSECRET\r", b"KEY\rSECRET", b"KEY\r\nSECRET\r\n\r\n", b"\rKEY\rSECRET"])
async def test_a_paste_of_several_lines_is_taken_whole_and_nothing_of_it_is_left(pty: Pty, typed: bytes) -> None:
    secret = await pty.secret(typed)
    assert secret.split() == ["KEY", "SECRET"]
    assert await pty.answer(b"answer\r") == "answer"
    assert b"SECRET" not in pty.seen


async def test_what_was_typed_before_the_prompt_is_dropped(pty: Pty) -> None:
    pty.type(b"too early\r")
    assert await pty.secret(b"in time\r") == "in time"


async def test_a_line_can_be_mended_while_it_is_hidden(pty: Pty) -> None:
    assert await pty.secret(b"wrong\x15rihgt\x7f\x7f\x7fght\r") == "right"


async def test_nothing_that_was_hidden_is_shown_after_ctrl_c(pty: Pty) -> None:
    asking = asyncio.create_task(pty.console.ask_secret("Secret: "))
    await pty.see(b"Secret: ")
    pty.type(b"S3cr3t")
    await asyncio.sleep(0.2)  # Ctrl-C is a key too, and comes after those
    pty.interrupts.fire()
    with pytest.raises(InterruptError):
        await asking
    assert await pty.answer(b"no\r") == "no"
    assert b"S3cr3t" not in pty.seen


async def test_the_end_of_file_key_ends_the_input(pty: Pty) -> None:
    asking = asyncio.create_task(pty.console.ask_secret("Secret: "))
    await pty.see(b"Secret: ")
    pty.type(b"\x04")
    with pytest.raises(EndOfInputError):
        await asking


@pytest.mark.parametrize("delay", DELAYS)
async def test_the_lines_of_a_slow_paste_are_never_shown(pty: Pty, delay: float) -> None:
    lines = [KEY, SECRET, "A short rest"]
    asking = asyncio.create_task(pty.console.ask_secret("Secret: "))
    await pty.see(b"Secret: ")
    typing = asyncio.create_task(slowly(pty, lines, delay))
    taken = (await asking).reveal()
    assert taken.splitlines()[0] == KEY
    pty.console.write("Understood.")
    asking = asyncio.create_task(pty.console.ask_secret("Next secret: "))
    await pty.see(b"Next secret: ")
    await typing
    pty.type(b"\r")
    await asking
    assert await pty.answer(b"yes\r") == "yes"
    assert leaked(KEY, pty.seen) + leaked(SECRET, pty.seen) + leaked(lines[2], pty.seen, 5) == []


@pytest.mark.parametrize("delay", DELAYS)
async def test_what_comes_late_of_a_pasted_secret_is_not_shown_at_the_next_question_in_sight(
    pty: Pty, delay: float
) -> None:
    asking = asyncio.create_task(pty.console.ask_secret("Secret: "))
    await pty.see(b"Secret: ")
    typing = asyncio.create_task(slowly(pty, [KEY, SECRET], delay))
    await asking
    pty.console.write("Understood.")
    answer = asyncio.create_task(pty.console.ask("next? "))
    await pty.see(b"next? ")
    await typing
    await asyncio.sleep(2)
    pty.type(b"yes\r")
    assert await answer in ("yes", SECRET)
    assert leaked(KEY, pty.seen) + leaked(SECRET, pty.seen) == []


@pytest.mark.parametrize("delay", DELAYS)
async def test_a_key_pasted_in_sight_is_not_shown_and_what_follows_answers_nothing(pty: Pty, delay: float) -> None:
    asking = asyncio.create_task(pty.console.ask("first? "))
    await pty.see(b"first? ")
    await slowly(pty, [KEY, SECRET, "A short rest"], delay)
    assert await asking == KEY
    assert await pty.answer(b"yes\r") == "yes"
    for text in (KEY, SECRET, "short rest"):
        assert leaked(text, pty.seen) == []


@pytest.mark.parametrize("cut", [1, 20, *slow(40)])
async def test_a_key_pasted_in_sight_in_two_parts_is_not_shown(pty: Pty, cut: int) -> None:
    asking = asyncio.create_task(pty.console.ask("first? "))
    await pty.see(b"first? ")
    pty.type(KEY[:cut].encode())
    await asyncio.sleep(0.4)
    pty.type(KEY[cut:].encode())
    await asyncio.sleep(0.4)
    pty.type(b"\r")
    assert await asking == KEY
    assert await pty.answer(b"yes\r") == "yes"
    assert leaked(KEY, pty.seen, 2) == []


async def test_what_is_typed_in_sight_is_shown_key_by_key(pty: Pty) -> None:
    asking = asyncio.create_task(pty.console.ask("first? "))
    await pty.see(b"first? ")
    for shown in ("k", "ke", "kee", "keep"):
        pty.type(shown[-1].encode())
        await pty.see(f"first? {shown}".encode())
    pty.type(b"\r")
    assert await asking == "keep"


async def test_pasted_lines_are_answers_one_by_one(pty: Pty) -> None:
    asking = asyncio.create_task(pty.console.ask("first? "))
    await pty.see(b"first? ")
    pty.type(b"one\rtwo\r\rthree")
    assert await asking == "one"
    assert await pty.console.has_more()
    assert [await pty.console.ask("? ") for _ in range(2)] == ["two", ""]
    asking = asyncio.create_task(pty.console.ask("? "))
    await pty.see(b"three")
    pty.type(b"\r")
    assert await asking == "three"
    assert not await pty.console.has_more()


async def test_what_was_typed_before_a_wait_ended_is_no_answer(pty: Pty) -> None:
    pty.type(b"yes\r")
    pty.console.forget_typed()
    assert await pty.answer(b"no\r") == "no"


def test_the_terminal_shows_typing_again_when_it_is_left() -> None:
    made = Pty()
    assert made.shows_typing()
    with made.console:
        assert not made.shows_typing()
    assert made.shows_typing()
