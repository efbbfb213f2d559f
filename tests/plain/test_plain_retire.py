"""The Retire page in lines: nothing is deleted without the typed word, and each answer is a line."""

from __future__ import annotations

import pytest

from tests.plain.script import Line, PlainWorld, visit
from tests.plain.walks import DELETE_AT_PAGE, PURGE, SWITCH, TO_CREDENTIALS, WATCH, entered, to_retire, typed
from wizard.core.settings import Bot
from wizard.custody.records import Slot
from wizard.rotation.model import Step
from wizard.steps import retire


async def secret_is_kept(plain: PlainWorld) -> bool:
    async with plain.bench.flow(name=plain.name) as flow:
        legacy = flow.context.journal.key_in(plain.name, Slot.LEGACY)
        return legacy is not None and await flow.context.vault.fetch(legacy) is not None


async def test_a_living_key_is_asked_a_few_times_and_its_secret_is_not_offered_for_deletion(
    plain: PlainWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retire, "MOST_POLLS", 4)
    way = await to_retire(plain)
    ended = await visit(plain, *way, *WATCH, ("still accepted", "delete"), ("none of the answers", "quit"))
    assert ended.text.count("legacy key was accepted, current key was accepted.") == 4
    assert await secret_is_kept(plain)


@pytest.mark.parametrize("word", ["", "yes", "DELETE", "delete it"])
async def test_the_wrong_word_deletes_nothing(plain: PlainWorld, word: str) -> None:
    way = await to_retire(plain)
    refused: list[Line] = [
        (PURGE[0][0], "delete"),
        ("You cannot undo this.", word),
        ("You typed something else.", "back"),
    ]
    ended = await visit(plain, *way, *DELETE_AT_PAGE, *WATCH, *refused, ("Nothing was done.", "quit"))
    assert ended.text.count("legacy key was refused (-2008), current key was accepted.") == 3
    assert ended.left_at is Step.RETIRE
    assert await secret_is_kept(plain)


async def test_in_production_the_last_four_are_the_word(plain: PlainWorld) -> None:
    plain.name = "production"
    async with plain.bench.flow(name="production") as flow:
        await plain.bench.put_key_in_use(flow)
    old = (await plain.bench.simulated_page.keys())[-1].api_key
    way = await to_retire(plain)

    async def delete_and_ask() -> str:
        await plain.bench.simulated_page.delete(old)
        return "ask"

    word: list[Line] = [
        (PURGE[0][0], "delete"),
        (f"Type {old.last_four()}", "delete"),
        ("You typed something else. Nothing was done.", old.last_four()),
    ]
    await visit(plain, *way, ("", delete_and_ask), *word, ("What is proven?", "quit"))
    plain.name = "production"
    assert not await secret_is_kept(plain)


async def test_bots_are_restarted_by_their_numbers_and_their_output_is_said(plain: PlainWorld) -> None:
    plain.bench.bots = (Bot("one", ("echo", "one is well")), Bot("two", ("sh", "-c", "echo trouble; exit 3")))
    way = await to_retire(plain)
    ended = await visit(
        plain,
        *way,
        ("Restart one, not ticked", "restart"),
        ("Numbers, with commas between them", "1,2"),
        ("one is well", "quit"),
    )
    assert "  | trouble" in ended.text
    assert "Restart of two, exit 3 at " in ended.text
    assert ended.text.index("Restarting two, at most 1 min 2 s") < ended.text.index("Restarting one")
    resumed = await visit(plain, ("resume", "resume"), ("Restart one, exit 0 at ", "quit"))
    assert "UTC, ticked, good." in resumed.text


async def test_asking_names_a_wait_that_people_believe(plain: PlainWorld) -> None:
    ended = await visit(plain, *await to_retire(plain), ("(back, help or quit) [ask]", ""), ("", "quit"))
    assert "Asking Binance with both keys, at most 3 min" in ended.text


async def test_a_deletion_that_was_stopped_is_complete_after_the_next_start(plain: PlainWorld) -> None:
    way = await to_retire(plain)
    stopped = await visit(
        plain,
        *way,
        *DELETE_AT_PAGE,
        *WATCH,
        *PURGE,
        ("Stopped", "quit"),
        interrupt_at=("Asking once more, then deleting",),
    )
    assert stopped.left_at is Step.RETIRE
    ended = await visit(plain, ("resume", "resume"), *PURGE, ("What is proven?", "quit"))
    assert ended.left_at is None


async def test_two_forgotten_keys_are_named_and_both_proven_dead_at_the_end(plain: PlainWorld) -> None:
    page = plain.bench.simulated_page
    made = [await plain.bench.make_key(whitelist) for whitelist in ("198.51.100.7", "198.51.100.8")]
    names = [f"…{key.api_key.last_four()}" for key in made]
    used = await plain.bench.make_key()
    again: list[Line] = [("Binance refuses", "back"), ("What next?", "save"), *entered(made[1])]
    once_more: list[Line] = [("Binance refuses", "back"), ("What next?", "save"), *entered(used)]

    async def delete_all_and_ask() -> str:
        for key in (await page.keys())[:-1]:
            await page.delete(key.api_key)
        return "ask"

    ended = await visit(
        plain,
        *TO_CREDENTIALS,
        *typed(made[0]),
        *again,
        *once_more,
        *SWITCH,
        (f"Also delete {names[0]}. It was entered and is not in use.", "ask"),
        (f"Also delete {names[1]}. It was entered and is not in use.", delete_all_and_ask),
        (f"Unused, {names[1]}, refused (-2008), refused 3 of 3 times in a row, good.", "delete"),
        (f"The secret of {names[0]} is deleted too. The secret of {names[1]} is deleted too.", "delete"),
        ("What is proven?", "quit"),
    )
    for name in names:
        assert f"{name} was entered and is not in use. Binance no longer knows {name}, " in ended.text
    assert "Left for you" not in ended.text
    assert len(plain.bench.store.services) == 1
