"""What is typed wrongly is told in words, taken in no part, and asked for again."""

from __future__ import annotations

import httpx
import pytest

from tests.plain.script import Line, PlainWorld, ScriptedConsole, visit
from tests.plain.walks import EGRESS, PROMOTE, ROTATE, TO_CREDENTIALS, WHITELIST, from_page, typed
from tests.rotation.conftest import HERE
from tests.terminal.harness import leaked
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.rotation.model import Step

TO_WHITELIST = [*ROTATE, *EGRESS]
HMAC: list[Line] = [("Which kind of key?", "hmac")]
PEM = f"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE{'A' * 44}\n-----END PRIVATE KEY-----"


def edited(*lines: str) -> list[Line]:
    """Type the list anew."""
    return [("What about this list?", "edit"), *(("Line", line) for line in lines), ("Line", "")]


@pytest.mark.parametrize(
    ("typed_list", "problem"),
    [
        ("0.0.0.0/0", "0.0.0.0/0"),
        (",", "This field is empty"),
        (f"{HERE},2001:db8::1", "IPv6"),
        (f"{HERE}, 192.168.1.7", "192.168.1.7"),
        (f"{HERE}/33", "/33"),
        ("198.51.100.7", f"{HERE} (this host) is not on the list"),
        (", ".join(f"203.0.113.{number}" for number in range(40, 61)), "Too many IPs: 21 of at most 20"),
    ],
)
async def test_a_list_with_errors_is_named_and_not_kept(plain: PlainWorld, typed_list: str, problem: str) -> None:
    ended = await visit(plain, *TO_WHITELIST, *edited(typed_list), (problem, "keep"), ("Not ready", "quit"))
    assert "Error: " in ended.text
    assert "Problem: This list cannot be used yet" in ended.text
    assert ended.left_at is Step.WHITELIST


@pytest.mark.parametrize(
    ("entries", "fix"),
    [
        (["198.51.100.7", "192.168.1.7"], f"fix makes it {HERE}."),
        (["198.51.100.7"], f"fix adds {HERE}."),
        (["198.51.100.7", HERE, "0.0.0.0/0"], "fix removes it."),
    ],
)
async def test_fix_does_what_it_says_and_the_list_is_ready(plain: PlainWorld, entries: list[str], fix: str) -> None:
    fixes: list[Line] = [(fix, "fix")]
    ended = await visit(plain, *TO_WHITELIST, *edited(*entries), *fixes, ("The first suggestion was applied.", "keep"))
    assert ended.left_at is Step.CREDENTIALS
    assert f"Restrict it to trusted IPs: 198.51.100.7,{HERE}" in (await visit(plain, ("", "1"), ("", "hmac"))).text


async def test_a_key_among_the_lines_of_the_list_is_not_taken_and_not_repeated(plain: PlainWorld) -> None:
    key = "K3yz" * 16
    ended = await visit(plain, *TO_WHITELIST, *edited(HERE, key), ("Ready to paste: 1 entry", "keep"), ("", "quit"))
    assert "This looks like a key. It was not taken" in ended.text
    assert leaked(key, ended.text.encode()) == []


async def test_an_edit_without_a_line_leaves_the_list_as_it_was(plain: PlainWorld) -> None:
    ended = await visit(plain, *TO_WHITELIST, *edited(), ("Nothing was typed.", ""), ("Which kind", "quit"))
    assert ended.left_at is Step.CREDENTIALS


async def test_entries_are_added_to_the_list_and_shown_in_three_forms(plain: PlainWorld) -> None:
    ended = await visit(
        plain,
        *TO_WHITELIST,
        ("What about this list?", "add"),
        ("Line 1", "198.51.100.7 198.51.100.8"),
        ("Line 2", "198.51.100.16/28"),
        ("Line 3", ""),
        ("Ready to paste: 4 entries", "keep"),
    )
    entries = [HERE, "198.51.100.7", "198.51.100.8", "198.51.100.16/28"]
    for text in (",".join(entries), " ".join(entries), "\n".join(entries)):
        assert f"\n{text}\n" in ended.text
    assert "added 198.51.100.7, 198.51.100.8, 198.51.100.16/28; removed nothing; kept 1." in ended.text


async def test_going_back_from_an_edit_keeps_the_list(plain: PlainWorld) -> None:
    await visit(plain, *TO_WHITELIST, ("", "edit"), ("Line 1", "0.0.0.0/0"), ("Line 2", "back"), *WHITELIST)


@pytest.mark.parametrize(
    ("pasted", "problem"),
    [
        ("", "This holds no API key."),
        ("one two", "The paste holds spaces or signs that no key has."),
        ("first\nsecond\nthird", "The paste holds 3 lines. This field takes one value."),
        (PEM, "This is a private key."),
        ("abc\x1b[31mdef", "The paste holds spaces or signs that no key has."),
        ("ключ", "The paste holds spaces or signs that no key has."),
    ],
)
async def test_what_is_no_api_key_is_refused_whole_and_never_shown(
    plain: PlainWorld, pasted: str, problem: str
) -> None:
    ended = await visit(plain, *TO_CREDENTIALS, *HMAC, ("API key", pasted), (f"Problem: {problem}", "quit"))
    assert "Nothing was taken." in ended.text
    assert ended.left_at is Step.CREDENTIALS
    assert leaked(pasted.strip() or "no such text", ended.text.encode(), 6) == []


async def test_what_clings_to_a_value_is_taken_off_and_said(plain: PlainWorld) -> None:
    made = await plain.bench.make_key()
    wrapped = (f'  "{made.api_key.reveal()}"\n', f"\x1b[200~SECRET={made.secret.reveal()}\x1b[201~")
    ended = await visit(plain, *TO_CREDENTIALS, *HMAC, ("API key", wrapped[0]), ("Secret", wrapped[1]), *PROMOTE)
    assert "Left out: spaces around it, quotes around it." in ended.text


async def test_a_rejected_secret_leaves_the_api_key_as_it_was_typed(plain: PlainWorld) -> None:
    made = await plain.bench.make_key()
    ended = await visit(
        plain,
        *TO_CREDENTIALS,
        *HMAC,
        ("API key", made.api_key.reveal()),
        ("Secret", "two pieces"),
        ("Problem: The paste holds spaces", made.api_key.reveal()),
        ("The API key and the secret are the same text.", "back"),
        ("API key, typing is not shown (back, help, quit or desk) [keep what was entered]", ""),
        ("Secret", made.secret.reveal()),
        *PROMOTE,
    )
    assert ended.left_at is Step.RETIRE


async def test_the_key_that_is_to_be_replaced_is_not_taken_for_the_new_one(plain: PlainWorld) -> None:
    old = (await plain.bench.simulated_page.keys())[0]
    made = await plain.bench.make_key()
    ended = await visit(
        plain,
        *TO_CREDENTIALS,
        *HMAC,
        ("API key", old.api_key.reveal()),
        ("Secret", made.secret.reveal()),
        ("This is the key that you want to replace", "enter"),
        ("API key", made.api_key.reveal()),
        ("[keep what was entered]", ""),
        *PROMOTE,
    )
    assert "Nothing was lost: what was entered is still here." in ended.text


async def test_a_keyring_that_refuses_once_is_asked_again_with_what_was_typed(
    plain: PlainWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wizard.custody.errors import CustodyError

    write, refusals = (
        plain.bench.store.write,
        [CustodyError("Storing into the keyring took longer than 10 s and was ended", code="timeout")],
    )

    async def refuse_once(name: str, value: object) -> None:
        if refusals and name.startswith("key-wizard:bench:"):
            raise refusals.pop()
        await write(name, value)  # type: ignore[arg-type]

    monkeypatch.setattr(plain.bench.store, "write", refuse_once)
    ended = await visit(
        plain, *TO_CREDENTIALS, *typed(await plain.bench.make_key()), ("Nothing was lost", "store"), *PROMOTE
    )
    assert ended.left_at is Step.RETIRE


@pytest.mark.parametrize("answer", ["", "7", "0", "-1", "promote", "S3cr3tS3cr3tS3cr3t", "\x1b[A", "ключ"])
async def test_an_answer_that_is_none_of_them_is_asked_again_and_not_repeated(empty: PlainWorld, answer: str) -> None:
    default = not answer
    script: list[Line] = [("What next?", answer)]
    ended = await visit(empty, *script)
    assert ("That is none of the answers." in ended.text) is not default
    if len(answer) > 10:
        assert answer not in ended.text


async def test_help_at_every_prompt_explains_and_asks_again(plain: PlainWorld) -> None:
    script: list[Line] = []
    for said, answer in [*TO_CREDENTIALS, *from_page("hmac"), *PROMOTE]:
        script += [(said, "help"), ("Help.", answer)]
    ended = await visit(plain, *script, ("", "help"))
    for about in (
        "tries this program's memory with a canary",
        "Several operators are asked",
        "commas, blanks and lines all part them",
        "made here and kept in this program's memory before its public half is shown",
        "stands in for the exchange's page",
        "can be made the current one",
        "three polls in a row",
    ):
        assert about in ended.text
    assert "Ctrl-C stops a wait; at a prompt it asks whether to close." in ended.text
    assert ended.left_at is Step.RETIRE


async def test_where_secrets_cannot_be_typed_the_step_says_why_and_nothing_is_stored(
    plain: PlainWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_console: ScriptedConsole, _prompt: str) -> Secret:
        raise WizardError("Keys and secrets are typed at a terminal only", why="There is none.")

    monkeypatch.setattr(ScriptedConsole, "ask_secret", refuse)
    ended = await visit(plain, *TO_CREDENTIALS, *HMAC, ("Problem: Keys and secrets are typed", "quit"))
    assert ended.left_at is Step.CREDENTIALS
    assert len(plain.bench.store._items) == 1


async def test_where_nobody_gives_an_address_the_answer_is_to_ask_again(plain: PlainWorld) -> None:
    answers = [{"path": f"/echo/{shape}", "times": 2, "status": 503} for shape in ("plain", "json", "trace")]
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.put(f"{plain.bench.base_url}/desk/faults", json={"answers": answers})
        assert answer.is_success
    ended = await visit(plain, *ROTATE, ("[again]: ", ""), ("[again]: ", "again"), *EGRESS)
    assert ended.text.count("gave no address: HTTP 503.") == 6
    assert "Failed: Egress address." in ended.text
    assert ended.left_at is Step.WHITELIST


async def test_an_empty_proposal_is_named_and_not_kept(empty: PlainWorld) -> None:
    skip: list[Line] = [("", "set-up"), ("again: ask all operators", "next")]
    ended = await visit(empty, *skip, ("The list is empty.", "keep"), ("Not ready", "quit"), interrupt_at=("Asking 3",))
    assert ended.left_at is Step.WHITELIST


async def test_entries_are_labelled_deleted_joined_and_brought_back_by_words(plain: PlainWorld) -> None:
    ended = await visit(
        plain,
        *TO_WHITELIST,
        *edited(HERE, "198.51.100.8:443", "198.51.100.9"),
        ("fix-all", "fix-all"),
        ("All suggestions that need no look were applied.", "label"),
        ("Number of the entry, 1 to 3", "2"),
        ("Whose it is", "office"),
        ("2: 198.51.100.8  office", "collapse"),
        ("2: 198.51.100.8/31  office", "delete"),
        ("Number of the entry", "7"),
        ("There is no entry with this number", "delete"),
        ("Number of the entry", "2"),
        (f"Text to paste: {HERE}", "undo"),
        ("2: 198.51.100.8/31  office", "expand"),
        ("Blocks were written as their addresses", "keep"),
        ("The list is kept", "quit"),
    )
    assert f"{HERE},198.51.100.8,198.51.100.9" in ended.text


async def test_an_address_in_a_comment_is_told_and_host_bits_can_become_the_block(plain: PlainWorld) -> None:
    ended = await visit(
        plain,
        *TO_WHITELIST,
        *edited(f"{HERE} # bot, 198.51.100.9", "198.51.100.16/28 # dr", "198.51.100.33/28"),
        ("fix makes it 198.51.100.33, block makes it 198.51.100.32/28.", "block"),
        ("198.51.100.9 is in a comment, so it is not on the list.", "edit"),
        *[("Line 1", f"{HERE} # bot, 198.51.100.9"), ("Line 2", "")],
        ("it is not on the list. fix makes it 198.51.100.9.", "fix"),
        (f"{HERE},198.51.100.9", "back"),
        ("What next?", "next"),
        ("undo", "undo"),
        ("198.51.100.9 is in a comment", "quit"),
    )
    assert f"1: {HERE}  bot" in ended.text
