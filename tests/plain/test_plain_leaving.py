"""Ctrl-C, quit, back and the end of the input: always said, never a loss."""

from __future__ import annotations

import asyncio

import pytest

from tests.plain.script import CTRL_C, Line, PlainWorld, ScriptedConsole, visit
from tests.plain.walks import EGRESS, ROTATE, SWITCH, TO_CREDENTIALS, WHITELIST, of_type, to_retire, typed
from wizard.core.errors import Exit
from wizard.plain.interrupts import InterruptError, Interrupts
from wizard.plain.talk import Talk
from wizard.rotation.model import Step, exit_code

CLOSE = "Quit Key Wizard?"


async def test_ctrl_c_at_a_prompt_asks_and_no_goes_on(plain: PlainWorld) -> None:
    ended = await visit(
        plain,
        *ROTATE,
        ("What next?", CTRL_C),
        (CLOSE, "maybe"),
        ("Answer yes or no.", "no"),
        ("", "continue"),
        *WHITELIST,
    )
    assert "The wizard stays open." in ended.text
    assert "A real job would stay open at Egress IP." in ended.text
    assert "This rehearsal ends now, because its keys are in memory only." in ended.text
    assert ended.left_at is Step.CREDENTIALS


@pytest.mark.parametrize("answer", ["yes", "y", "quit", CTRL_C])
async def test_ctrl_c_and_yes_leaves(plain: PlainWorld, answer: object) -> None:
    ended = await visit(plain, *ROTATE, ("What next?", CTRL_C), (CLOSE, answer))
    assert ended.left_at is Step.EGRESS
    assert "Key Wizard is closed." in ended.text


async def test_ctrl_c_at_a_hidden_prompt_keeps_what_was_typed_before(plain: PlainWorld) -> None:
    made = await plain.bench.make_key()
    await visit(
        plain,
        *TO_CREDENTIALS,
        *of_type("hmac"),
        ("What next?", "save"),
        ("API key", made.api_key.reveal()),
        ("Secret", CTRL_C),
        (CLOSE, ""),
        ("Secret", made.secret.reveal()),
        *SWITCH,
    )


async def test_closing_where_credentials_are_kept_says_how_to_come_back(
    plain: PlainWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain.bench.store, "durable", True, raising=False)
    ended = await visit(plain, *TO_CREDENTIALS, ("", "quit"))
    assert "stays open at Credentials." in ended.text
    assert "What you typed and did not save is lost." in ended.text
    assert "Come back with\n  key-wizard --plain" in ended.text


@pytest.mark.parametrize("steps", range(6))
async def test_the_end_of_the_input_is_quit_at_every_step(plain: PlainWorld, steps: int) -> None:
    way = await to_retire(plain)
    ends = [0, 1, 2, 3, 4, len(way) - 1, len(way)]
    script = way[: ends[steps]]
    with_quit = await visit(plain, *script, ("", "quit"))
    again = await visit(plain)
    assert again.left_at is with_quit.left_at
    assert "Key Wizard is closed." in again.text


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (None, Exit.FINE),
        (Step.EGRESS, Exit.ROTATION_OPEN),
        (Step.PROBE, Exit.ROTATION_OPEN),
        (Step.RETIRE, Exit.LEGACY_ALIVE),
        (Step.DONE, Exit.FINE),
    ],
)
def test_the_exit_code_says_where_the_rotation_was_left(step: Step | None, code: Exit) -> None:
    assert exit_code(step) is code


@pytest.mark.parametrize(
    ("waiting", "next_prompt"),
    [("Asking 3 services", "retry: Asks all services"), ("Asking Binance, at", "retry: Runs all checks")],
)
async def test_ctrl_c_during_a_wait_cancels_it_and_returns_to_the_prompt(
    plain: PlainWorld, waiting: str, next_prompt: str
) -> None:
    made = await plain.bench.make_key()
    way = [*TO_CREDENTIALS, *typed(made)]
    script = way[:1] if waiting.startswith("Asking 3") else way
    again: list[Line] = [(next_prompt, "")]
    ended = await visit(plain, *script, *again, interrupt_at=(waiting,))
    assert waiting in ended.text
    assert "Stopped waiting." in ended.text
    assert CLOSE not in ended.text
    assert ended.text.index("Stopped waiting.") < ended.text.index(next_prompt)


async def test_ctrl_c_stops_watching_a_key_that_does_not_die(plain: PlainWorld) -> None:
    way = await to_retire(plain)
    ended = await visit(plain, *way, ("", "ask"), ("What next?", "quit"), interrupt_at=("Asking Binance with both",))
    assert "Stopped waiting." in ended.text
    assert ended.left_at is Step.RETIRE


async def test_a_wait_that_was_cancelled_while_storing_can_be_repeated(plain: PlainWorld) -> None:
    made = await plain.bench.make_key()
    ended = await visit(
        plain,
        *TO_CREDENTIALS,
        *typed(made),
        ("Nothing was lost. Enter alone keeps what you entered.", ""),
        ("Secret", ""),
        *SWITCH,
        interrupt_at=("Writing to this program's memory",),
    )
    assert ended.left_at is Step.RETIRE


async def test_back_leads_through_all_steps_home_and_stored_things_stay(plain: PlainWorld) -> None:
    made = await plain.bench.make_key()
    ended = await visit(
        plain,
        *TO_CREDENTIALS,
        *typed(made),
        ("works from here", "back"),
        ("is stored already", "back"),
        ("Which addresses", "back"),
        ("Which address does", "back"),
        ("Resume at 1 Egress IP", "resume"),
        *EGRESS,
        *WHITELIST,
        ("is stored", "keep"),
        *SWITCH,
    )
    assert ended.left_at is Step.RETIRE


async def test_there_is_no_way_back_after_promotion(plain: PlainWorld) -> None:
    way = await to_retire(plain)
    ended = await visit(plain, *way, ("", "back"), ("Resume at 5 Retire", "quit"))
    assert "give-up" not in ended.text


async def test_a_rotation_is_given_up_only_by_the_typed_word(plain: PlainWorld) -> None:
    script: list[Line] = [("", "back"), ("Gives the open job up", "give-up"), ("Type give up", "yes")]
    kept = await visit(plain, *ROTATE, *script, ("You typed something else.", "back"), ("Nothing was done.", "quit"))
    assert kept.left_at is Step.EGRESS
    ended = await visit(plain, ("resume", "give-up"), ("Type give up", "give up"), ("You gave the job up.", "quit"))
    assert ended.left_at is None


async def test_a_wait_ends_at_the_limit_that_was_announced() -> None:
    interrupts = Interrupts()
    console = ScriptedConsole([], interrupts)
    assert await Talk(console, interrupts).attempt(asyncio.Event().wait, "Waiting for nothing", 0.01) is None
    assert "This took too long" in console.text


async def test_a_time_out_of_the_work_itself_is_not_taken_for_the_limit() -> None:
    async def work() -> None:
        raise TimeoutError

    interrupts = Interrupts()
    with pytest.raises(TimeoutError):
        await Talk(ScriptedConsole([], interrupts), interrupts).attempt(work, "Waiting", 60)


async def test_a_ctrl_c_between_two_waits_ends_the_next_one_and_no_more() -> None:
    interrupts = Interrupts()
    interrupts.fire()
    with pytest.raises(InterruptError):
        await interrupts.race(asyncio.sleep(60))
    assert await interrupts.race(asyncio.sleep(0, "done")) == "done"


async def test_the_end_of_the_program_is_not_taken_for_ctrl_c() -> None:
    task = asyncio.create_task(Interrupts().race(asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
