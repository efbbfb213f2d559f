"""Nothing is purged that is not dead, and nothing without the typed word."""

from __future__ import annotations

import pytest

from tests.plain.script import Line, PlainWorld, visit
from tests.plain.walks import DELETE_AT_PAGE, PURGE, WATCH, to_retire
from wizard.core.errors import WizardError
from wizard.custody.records import Slot
from wizard.plain import retire
from wizard.rotation.journal import Journal
from wizard.rotation.model import Step


async def secret_is_kept(plain: PlainWorld) -> bool:
    async with plain.bench.flow(name=plain.name) as flow:
        legacy = flow.context.journal.key_in(plain.name, Slot.LEGACY)
        return legacy is not None and await flow.context.vault.fetch(legacy) is not None


async def last_four_of_legacy(plain: PlainWorld) -> str:
    return (await plain.bench.simulated_page.keys())[0].api_key.last_four()


async def test_a_living_key_is_told_after_the_last_poll_and_cannot_be_purged(
    plain: PlainWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retire, "MOST_POLLS", 4)
    way = await to_retire(plain)
    ended = await visit(
        plain, *way, *WATCH, ("The legacy key is still alive", "purge"), ("none of the answers", "quit")
    )
    assert ended.text.count("the legacy key was accepted; the current key was accepted.") == 4
    assert "at most 4 times" in ended.text
    assert await secret_is_kept(plain)


async def test_each_poll_is_a_line_with_both_keys(plain: PlainWorld) -> None:
    way = await to_retire(plain)
    ended = await visit(plain, *way, *DELETE_AT_PAGE, *WATCH, ("", "quit"))
    assert ended.text.count("the legacy key was refused with -2008; the current key was accepted.") == 3
    assert "Not proven: that nobody copied the key while it worked." in ended.text


@pytest.mark.parametrize("word", ["", "yes", "PURGE", "purge it"])
async def test_the_wrong_word_purges_nothing(plain: PlainWorld, word: str) -> None:
    way = await to_retire(plain)
    refused: list[Line] = [(PURGE[0][0], "purge"), ("This cannot be undone.", word), ("That is not the word.", "back")]
    ended = await visit(plain, *way, *DELETE_AT_PAGE, *WATCH, *refused, ("Nothing was done.", "quit"))
    assert ended.left_at is Step.RETIRE
    assert await secret_is_kept(plain)


async def test_a_disabled_key_is_strongly_dead_and_says_what_that_leaves_open(plain: PlainWorld) -> None:
    way = await to_retire(plain)
    disable: list[Line] = [("", "desk"), ("", "disable"), ("Which key?", "1"), ("disabled.", "")]
    last_four = await last_four_of_legacy(plain)
    word = ("A disabled key", "purge"), (f"Type {last_four}", last_four)
    ended = await visit(plain, *way, *disable, *WATCH, *word, ("Legacy key", "quit"))
    assert ended.left_at is None
    assert not await secret_is_kept(plain)


async def test_in_production_the_last_four_are_the_word(plain: PlainWorld) -> None:
    plain.name = "production"
    async with plain.bench.flow(name="production") as flow:
        await plain.bench.put_key_in_use(flow)
    old = (await plain.bench.simulated_page.keys())[-1].api_key
    way = await to_retire(plain)

    async def delete_and_watch() -> str:
        await plain.bench.simulated_page.delete(old)
        return "watch"

    word: list[Line] = [(PURGE[0][0], "purge"), (f"Type {old.last_four()}", "purge"), ("not the word", old.last_four())]
    ended = await visit(plain, *way, ("", delete_and_watch), *word, ("Summary", "quit"))
    assert "Its secret is deleted." in ended.text


async def test_a_key_never_seen_to_work_is_given_up_on_its_last_four_only(
    plain: PlainWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    last_four = await last_four_of_legacy(plain)
    await plain.bench.simulated_page.delete((await plain.bench.simulated_page.keys())[0].api_key)
    way = await to_retire(plain)
    word: list[Line] = [
        ("it was never seen to work from here. purge gives it up on your word.", "purge"),
        ("Its death is not proven", "purge"),
        ("not the word", last_four),
    ]
    ended = await visit(plain, *way, *WATCH, *word, ("given up on your word", "quit"))
    assert "Both alive: at least" in ended.text
    assert ended.left_at is None


async def test_a_purge_that_was_stopped_is_complete_after_the_next_start(plain: PlainWorld) -> None:
    way = await to_retire(plain)
    stopped = await visit(
        plain, *way, *DELETE_AT_PAGE, *WATCH, *PURGE, ("Stopped", "quit"), interrupt_at=("Deleting the legacy secret",)
    )
    assert stopped.left_at is Step.RETIRE
    ended = await visit(plain, ("resume", "resume"), *PURGE, ("Its secret is deleted.", "quit"))
    assert ended.left_at is None


async def test_nothing_is_called_proven_whose_report_could_not_be_kept(
    plain: PlainWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = await to_retire(plain)

    def full(*_: object, **__: object) -> None:
        raise WizardError("The disk is full")

    monkeypatch.setattr(Journal, "finish", full)
    ended = await visit(plain, *way, *DELETE_AT_PAGE, *WATCH, *PURGE, ("The disk is full", "quit"))
    said = ended.text.partition("Deleting the legacy secret")[2]
    assert "Summary" not in said
    assert "proven" not in said
    assert ended.left_at is Step.RETIRE
