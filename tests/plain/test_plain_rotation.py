"""Whole rotations in words, against the embedded exchange."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.canaries import leaked
from tests.plain.script import Line, PlainWorld, journal_text, visit
from tests.plain.walks import (
    DELETE_AT_PAGE,
    EGRESS,
    PURGE,
    RETIRE,
    ROTATE,
    SWAP,
    SWITCH,
    TO_CREDENTIALS,
    WATCH,
    WHITELIST,
    from_page,
    to_retire,
    typed,
)
from wizard.core.secret import Secret
from wizard.custody.records import Holding, Slot
from wizard.rotation.model import Step


async def held(plain: PlainWorld) -> dict[Slot, Holding]:
    async with plain.bench.flow() as flow:
        return {key.slot: key.holding for key in flow.context.journal.keys("bench") if key.slot is not Slot.DISCARDED}


async def all_secrets(plain: PlainWorld) -> list[str]:
    """Every API key at the desk and every secret or private key in the store."""
    keys = [key.api_key.reveal() for key in await plain.bench.simulated_page.keys()]
    stored = [item.reveal() for item in plain.bench.store._items.values()]
    return keys + [value for item in stored for value in re.findall("[A-Za-z0-9+/]{32,}", item)]


@pytest.mark.parametrize("kind", ["hmac", "ed25519"])
async def test_a_rotation_ends_with_a_proven_death(plain: PlainWorld, kind: str) -> None:
    before = await all_secrets(plain)
    ended = await visit(plain, *TO_CREDENTIALS, *from_page(kind), *SWITCH, *RETIRE, ("What is proven?", "quit"))
    assert "Binance no longer knows the legacy key" in ended.text
    assert "The legacy key is dead and its secret is deleted." in ended.text
    assert ended.left_at is None
    assert await held(plain) == {Slot.CURRENT: Holding.STORED, Slot.RETIRED: Holding.PURGED}
    for secret in before + await all_secrets(plain):
        assert leaked(secret, ended.text.encode(), 12) == []


async def test_whoever_says_that_the_key_is_deleted_has_binance_asked_at_once(plain: PlainWorld) -> None:
    steps = [*TO_CREDENTIALS, *from_page("hmac"), *SWITCH, *WATCH, *DELETE_AT_PAGE]
    ended = await visit(plain, *steps, ("What next?", "tick"), ("Numbers", "2"), *PURGE, ("What is proven?", "quit"))
    assert "Deleted it?" not in ended.text


async def test_a_leaked_key_is_deleted_before_the_new_one_is_made_and_proven_dead(plain: PlainWorld) -> None:
    before = await all_secrets(plain)
    delete: list[Line] = [
        ("", "page"),
        ("current, HMAC", "delete"),
        ("Numbers", "1"),
        ("Delete …", "delete"),
        ("deleted now.", "back"),
    ]
    steps = [("Has you delete …", "leaked"), ("still works. Delete it on Binance now.", "quit")]
    ended = await visit(plain, *steps)
    assert "Whoever copied it can use it." in ended.text
    assert "has leaked. Delete it on Binance." in ended.text
    assert ended.left_at is Step.DELETE
    steps = [("Resume", "resume"), *delete, ("What next?", "ask"), ("The proof follows with the new key.", "continue")]
    made = typed(await plain.bench.make_key())
    ended = await visit(
        plain, *steps, *EGRESS, *WHITELIST, *made, *SWITCH, *WATCH, *PURGE, ("which had leaked", "quit")
    )
    assert "The legacy key is dead and its secret is deleted." in ended.text
    assert "activity history" in ended.text
    assert ended.left_at is None
    for secret in before + await all_secrets(plain):
        assert leaked(secret, ended.text.encode() + journal_text(plain.paths).encode(), 12) == []


async def test_the_one_key_that_is_found_is_imported_in_lines_without_a_question(
    empty: PlainWorld, tmp_path: Path
) -> None:
    made = await empty.bench.make_key()
    empty.bench.environ = {"PWD": str(tmp_path)}
    file = tmp_path / ".env"
    file.write_text(f"BINANCE_API_KEY={made.api_key.reveal()}\nBINANCE_API_SECRET={made.secret.reveal()}\n")
    steps = [
        ("", "import"),
        (f"is in {file}", "save"),
        *SWITCH,
        ("Left for you", "whitelist"),
        ("203.0.113.42", "quit"),
    ]
    ended = await visit(empty, *steps)
    assert "API key, typing is not shown" not in ended.text
    assert f"is still in {file}, lines 1, 2." in ended.text
    assert ended.left_at is Step.EGRESS, "the next job is that of the whitelist"
    for secret in (made.api_key.reveal(), made.secret.reveal()):
        assert leaked(secret, ended.text.encode() + journal_text(empty.paths).encode()) == []


async def test_every_check_says_when_from_where_and_what_it_leaves_open(plain: PlainWorld) -> None:
    steps = [*TO_CREDENTIALS, *typed(await plain.bench.make_key()), ("works from here", "details")]
    ended = await visit(plain, *steps, ("All checks", "quit"))
    passed = [number for number, line in enumerate(ended.console.lines) if ", passed. " in line]
    assert len(passed) >= 10
    assert all(ended.console.lines[number + 1].startswith("  Seen 20") for number in passed)
    assert "Not proven: that it may trade, as only reading was tried." in ended.text


async def test_an_open_rotation_is_resumed_at_its_step(plain: PlainWorld) -> None:
    first = await visit(plain, *ROTATE, *EGRESS)
    assert first.left_at is Step.WHITELIST
    assert "Come back with" not in first.text, "credentials in memory do not outlive the program"
    again = await visit(plain, ("Resumes at 2 Whitelist.", "resume"), *WHITELIST)
    assert again.left_at is Step.CREDENTIALS


async def test_the_death_seen_before_a_restart_counts_after_it(plain: PlainWorld) -> None:
    old = (await plain.bench.simulated_page.keys())[0]
    steps = await to_retire(plain)
    await visit(plain, *steps)
    await plain.bench.simulated_page.delete(old.api_key)
    await visit(plain, ("Resumes at 5 Retire.", "resume"), ("What next?", "ask"))
    ended = await visit(plain, ("resume", "resume"), *PURGE, ("What is proven?", "quit"))
    assert "its secret is deleted." in ended.text


async def test_the_first_key_of_an_environment_is_set_up_without_a_retire_step(empty: PlainWorld) -> None:
    made = await empty.bench.make_key()
    ended = await visit(empty, ("Creates the first key.", "create"), *EGRESS, *WHITELIST, *typed(made), *SWITCH)
    assert " is stored and works from here." in ended.text
    assert "legacy key" not in ended.text
    assert await held(empty) == {Slot.CURRENT: Holding.STORED}


async def test_a_swapped_key_and_secret_are_exchanged(plain: PlainWorld) -> None:
    made = await plain.bench.make_key()
    swapped = type(made)(made.secret, made.api_key)
    ended = await visit(plain, *TO_CREDENTIALS, *typed(swapped), *SWAP, *SWITCH)
    assert "API key and secret are swapped and stored." in ended.text
    assert ended.left_at is Step.RETIRE


async def test_enter_alone_never_shows_the_secret_to_the_exchange(plain: PlainWorld) -> None:
    made = await plain.bench.make_key("198.51.100.7")
    enters = [("[try]", "")] * 3 + [("swap: Exchanges", "swap")] + [("Type swap", "")] * 3
    ended = await visit(
        plain,
        *TO_CREDENTIALS,
        *typed(made),
        *enters,
        ("Type swap", "back"),
        ("Nothing was done", ""),
        interrupt_at=("asked once",) * 4,
    )
    assert "-2015" in ended.text
    sent = [line.api_key for line in await plain.bench.simulated_page.activity()]
    assert sent.count(made.api_key) >= 5
    assert made.secret not in sent


async def test_a_wrong_secret_is_told_and_entered_again_after_back(plain: PlainWorld) -> None:
    made = await plain.bench.make_key()
    wrong = type(made)(made.api_key, Secret("w" * 64))
    ended = await visit(
        plain,
        *TO_CREDENTIALS,
        *typed(wrong),
        ("again: Goes back", ""),
        ("What next?", "save"),
        ("API key", made.api_key.reveal()),
        ("Secret", made.secret.reveal()),
        *SWITCH,
    )
    assert "signature" in ended.text
    assert "switch: Makes" not in ended.text.split("Step 4")[1].split("Step 3")[0]


async def test_from_another_address_the_new_key_cannot_be_promoted(plain: PlainWorld) -> None:
    made = await plain.bench.make_key()
    await visit(plain, *TO_CREDENTIALS, *typed(made))
    plain.source_address = "127.0.0.2"
    ended = await visit(plain, ("resume", "resume"), ("Add 203.0.113.77", "switch"))
    assert "That is none of the answers." in ended.text
    assert ended.left_at is Step.PROBE


async def test_a_swap_that_was_stopped_is_followed_by_a_probe_and_not_by_a_second_swap(plain: PlainWorld) -> None:
    made = await plain.bench.make_key()
    swapped = type(made)(made.secret, made.api_key)
    ended = await visit(
        plain,
        *TO_CREDENTIALS,
        *typed(swapped),
        *SWAP,
        ("Stopped waiting.", "swap"),
        ("That is none of the answers.", "retry"),
        *SWAP,
        *SWITCH,
        interrupt_at=("Storing API key and secret the other way round",),
    )
    assert ended.left_at is Step.RETIRE


async def test_the_list_of_environments_says_what_is_there_and_what_comes_next(plain: PlainWorld) -> None:
    way = await to_retire(plain)
    first = await visit(plain, ("HMAC, 0 s.", "quit"))
    assert "Replace …" in first.text
    open_one = await visit(plain, *way, ("", "back"), ("paused at 5 Retire.", "quit"))
    assert "until it is proven dead" in open_one.text


async def test_an_environment_that_another_wizard_holds_is_told_and_can_be_tried_again(plain: PlainWorld) -> None:
    async with plain.bench.flow():
        ended = await visit(plain, ("Another wizard is working on bench", "retry"), ("What next?", "quit"))
    assert ended.left_at is None


async def test_the_trial_of_the_storage_is_said_with_what_it_does_not_prove(plain: PlainWorld) -> None:
    ended = await visit(plain)
    assert "Needs a look: A test value was written to" in ended.text
    assert "Not proven: that anything is kept" in ended.text


async def test_a_key_adopted_from_a_file_is_named_there_until_its_report(empty: PlainWorld, tmp_path: Path) -> None:
    made = await empty.bench.make_key()
    file = tmp_path / "keys.env"
    file.write_text(f"BINANCE_API_KEY={made.api_key.reveal()}\nBINANCE_API_SECRET={made.secret.reveal()}\n")
    steps = [("", "import"), ("your bot uses now", "read"), ("Path of the file", str(tmp_path / "none"))]
    ended = await visit(empty, *steps, ("cannot read this path", str(file)), ("Read from", "save"), *SWITCH)
    place = f"{file}, lines 1, 2"
    assert place in ended.text
    steps = await to_retire(empty)
    await visit(empty, *steps)
    await empty.bench.simulated_page.delete(made.api_key)
    ended = await visit(empty, ("resume", "resume"), *WATCH, *PURGE, ("What is proven?", "quit"))
    assert place in ended.text
    assert f"The legacy key is still in {place}. Remove it there" in ended.text
    for secret in (made.api_key.reveal(), made.secret.reveal()):
        assert leaked(secret, ended.text.encode()) == []
        assert leaked(secret, journal_text(empty.paths).encode()) == []
