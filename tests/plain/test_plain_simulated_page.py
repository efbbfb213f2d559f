"""The desk in words."""

from __future__ import annotations

import pytest

from tests.plain.script import Line, PlainWorld, visit
from tests.plain.walks import EGRESS, ROTATE, TO_CREDENTIALS, to_retire
from wizard.core.credentials import KeyKind
from wizard.rotation.model import Step

AT_PAGE = "What to do at the desk?"


async def test_the_simulated_page_is_open_at_every_prompt_and_leads_back_to_it(plain: PlainWorld) -> None:
    script: list[Line] = []
    for said, answer in await to_retire(plain):
        script += [(said, "desk"), ("in use, HMAC", "back"), ("You left the desk.", answer)]
    ended = await visit(plain, *script, ("What next?", "desk"), (AT_PAGE, "back"))
    assert ended.left_at is Step.RETIRE


async def test_there_is_no_simulated_page_where_the_exchange_is_real(plain: PlainWorld) -> None:
    plain.has_simulated_page = False
    ended = await visit(plain, *ROTATE, ("(back, help or quit)", "desk"), ("That is none of the answers.", "quit"))
    assert "desk" not in ended.text


async def test_a_key_is_created_only_where_the_credentials_step_waits_for_one(plain: PlainWorld) -> None:
    await visit(plain, ("", "desk"), (AT_PAGE, "create"), ("That is none of the answers.", "back"))
    assert len(await plain.bench.simulated_page.keys()) == 1


async def test_a_key_is_deleted_only_after_the_typed_word(plain: PlainWorld) -> None:
    await visit(plain, ("", "desk"), ("", "delete"), ("Which key?", "1"), ("for good?", "y"), ("not the word", "back"))
    assert len(await plain.bench.simulated_page.keys()) == 1
    ended = await visit(plain, ("", "desk"), ("", "delete"), ("", "1"), ("for good?", "delete"), ("deleted.", ""))
    assert await plain.bench.simulated_page.keys() == ()
    assert "deleted." in ended.text


async def test_no_key_is_touched_when_none_is_chosen(plain: PlainWorld) -> None:
    await visit(
        plain, ("", "desk"), ("", "disable"), ("Which key?", ""), ("none of the answers", "back"), (AT_PAGE, "")
    )
    assert [key.state for key in await plain.bench.simulated_page.keys()] == ["active"]


async def test_the_composed_list_is_pasted_and_a_refusal_of_the_page_is_told(plain: PlainWorld) -> None:
    paste: list[Line] = [("", "desk"), ("", "whitelist"), ("Which key?", "1")]
    refused = await visit(plain, *paste, ("Problem: The desk refused", "back"))
    assert refused.left_at is None
    await plain.bench.simulated_page.set_whitelist((await plain.bench.simulated_page.keys())[0].api_key, "198.51.100.9")
    await visit(plain, *TO_CREDENTIALS, *paste, ("the whitelist was saved", "back"))
    assert [key.whitelist for key in await plain.bench.simulated_page.keys()] == [("203.0.113.42",)]


async def test_a_permission_that_the_other_key_has_is_switched_on(plain: PlainWorld) -> None:
    await plain.bench.simulated_page.create("new", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=False)
    await visit(plain, ("", "desk"), ("", "permissions"), ("Which key?", "2"), ("what the other keys may do", "back"))
    in_use, new = await plain.bench.simulated_page.keys()
    assert new.permissions == in_use.permissions
    assert new.permissions["enableSpotAndMarginTrading"]


async def test_the_log_names_keys_by_their_last_four(plain: PlainWorld) -> None:
    ended = await visit(plain, ("", "desk"), ("", "log"), ("No signed call yet.", "back"))
    way = await to_retire(plain)
    ended = await visit(plain, *way, ("", "desk"), ("", "log"), ("", "back"))
    last_four = (await plain.bench.simulated_page.keys())[-1].api_key.last_four()
    assert f"…{last_four} from 203.0.113.42: accepted, /sapi/v1/account/apiRestrictions." in ended.text


async def test_a_hostile_label_reaches_the_terminal_as_printable_text(plain: PlainWorld) -> None:
    await plain.bench.simulated_page.create("\x1b]0;owned\x07\u202e", KeyKind.HMAC, "203.0.113.42")
    ended = await visit(plain, ("", "desk"), ("owned", "back"))
    assert "\x1b" not in ended.text
    assert "\u202e" not in ended.text


@pytest.mark.parametrize("interrupted", ["Asking the desk"])
async def test_a_simulated_page_that_is_not_waited_for_leads_to_its_prompt(plain: PlainWorld, interrupted: str) -> None:
    ended = await visit(plain, *ROTATE, *EGRESS, ("", "desk"), (AT_PAGE, "back"), interrupt_at=(interrupted,))
    assert ended.left_at is Step.WHITELIST


async def test_the_drill_of_a_rehearsal_that_was_left_open_is_told(
    plain: PlainWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def open_left() -> None:
        plain.lede = "The drill that was left open."

    monkeypatch.setattr(plain, "open", open_left)
    overviews = plain.overviews
    monkeypatch.setattr(plain, "overviews", lambda: overviews() if "left" in plain.lede else ())
    ended = await visit(plain, ("The drill that was left open.", "quit"))
    assert "A bench." in ended.text
