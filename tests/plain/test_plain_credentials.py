"""The Credentials step in lines: how hidden values are asked for. What it says is tested in tests/steps."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from tests.canaries import leaked
from tests.plain.script import Line, PlainWorld, journal_text, visit
from tests.plain.walks import SWITCH, TO_CREDENTIALS, entered, from_page, of_type, typed
from tests.tiers import slow
from tests.unwiped import Unwiped
from wizard.core.credentials import KeyKind
from wizard.custody.errors import CustodyError
from wizard.custody.records import Slot
from wizard.exchange.signing import generate_ed25519
from wizard.rotation.model import Step

ENTER: list[Line] = [*TO_CREDENTIALS, *of_type("hmac"), ("What next?", "save")]
PEM = f"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE{'A' * 44}\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize("kind", ["hmac", "ed25519", *slow("rsa")])
async def test_a_key_from_the_simulated_page_is_stored_and_works(plain: PlainWorld, kind: str) -> None:
    ended = await visit(plain, *TO_CREDENTIALS, *from_page(kind), ("The new key works from here", "quit"))
    assert "PRIVATE KEY-----" not in ended.text
    async with plain.bench.flow() as flow:
        pending = flow.credentials.pending
        assert pending is not None
        assert pending.kind is KeyKind(kind)


async def test_instructions_are_numbered_and_what_is_pasted_stands_alone_on_its_line(plain: PlainWorld) -> None:
    ended = await visit(plain, *TO_CREDENTIALS, ("Create the key", "quit"))
    assert "203.0.113.42" in ended.console.lines
    assert "-----BEGIN PUBLIC KEY-----" in ended.console.lines
    assert any(line.startswith("  3. Tick what …") for line in ended.console.lines)


async def test_typed_values_are_stored_and_never_written(plain: PlainWorld) -> None:
    made = await plain.bench.make_key()
    ended = await visit(plain, *TO_CREDENTIALS, *typed(made), ("The new key works from here", "quit"))
    assert f"API key received: 64 characters, the last four are {made.api_key.last_four()}." in ended.text
    assert "Secret received: 64 characters." in ended.text
    for secret in (made.api_key.reveal(), made.secret.reveal()):
        assert leaked(secret, ended.text.encode()) == []
        assert leaked(secret, journal_text(plain.paths).encode()) == []


@pytest.mark.parametrize("pasted", ["{k}\n{s}\n", "SECRET={s}\nKEY={k}", "API Key\n{k}\nSecret Key\n{s}"])
async def test_one_paste_with_both_answers_both_questions(plain: PlainWorld, pasted: str) -> None:
    made = await plain.bench.make_key()
    both = pasted.format(k=made.api_key.reveal(), s=made.secret.reveal())
    ended = await visit(plain, *ENTER, ("API key", both), ("The new key works from here", "quit"))
    assert "This holds an API key of 64 characters" in ended.text
    for secret in (made.api_key.reveal(), made.secret.reveal()):
        assert leaked(secret, ended.text.encode()) == []


async def test_a_value_named_as_the_other_one_answers_the_other_question(plain: PlainWorld) -> None:
    made = await plain.bench.make_key()
    named = f"API_SECRET={made.secret.reveal()}"
    await visit(
        plain, *ENTER, ("API key", named), ("a secret of 64", made.api_key.reveal()), ("The new key works", "quit")
    )


async def test_a_secret_is_not_taken_where_a_key_pair_signs(plain: PlainWorld) -> None:
    both = f"{'k' * 64}\n{'s' * 64}"
    ended = await visit(plain, *TO_CREDENTIALS, ("What next?", "save"), ("API key", both), ("is an HMAC key", "quit"))
    assert ended.left_at is Step.CREDENTIALS


@pytest.mark.parametrize(
    ("pasted", "problem"),
    [
        ("", "This holds no API key."),
        ("one two", "The paste holds spaces or signs that no key has."),
        ("first\nsecond\nthird", "The paste holds 3 lines"),
        (PEM, "This is a private key."),
        ("abc\x1b[31mdef", "The paste holds spaces or signs that no key has."),
        ("ключ", "The paste holds spaces or signs that no key has."),
    ],
)
async def test_what_is_no_api_key_is_refused_whole_and_never_shown(
    plain: PlainWorld, pasted: str, problem: str
) -> None:
    ended = await visit(plain, *ENTER, ("API key", pasted), (f"Problem: {problem}", "quit"))
    assert "Nothing was taken." in ended.text
    assert ended.left_at is Step.CREDENTIALS
    after = ended.text.split("API key, typing is not shown")[1]
    assert leaked(pasted.strip() or "no such text", after.encode(), 6) == []


async def test_what_clings_to_a_value_is_taken_off_and_said(plain: PlainWorld) -> None:
    made = await plain.bench.make_key()
    wrapped = (f'  "{made.api_key.reveal()}"\n', f"\x1b[200~SECRET={made.secret.reveal()}\x1b[201~")
    ended = await visit(plain, *ENTER, ("API key", wrapped[0]), ("Secret", wrapped[1]), ("works from here", "quit"))
    assert "Left out: spaces around it, quotes around it." in ended.text


async def test_a_refused_value_keeps_the_others_and_back_leads_to_the_question_before(plain: PlainWorld) -> None:
    made = await plain.bench.make_key()
    key, secret = made.api_key.reveal(), made.secret.reveal()
    await visit(
        plain,
        *ENTER,
        ("API key", key),
        ("Secret", "two pieces"),
        ("Problem: The paste holds spaces", key),
        ("The API key and the secret are the same text.", ""),
        ("[keep what was entered]", "back"),
        ("API key, typing is not shown (back, help or quit) [keep what was entered]", ""),
        ("Secret", secret),
        ("The new key works from here", "quit"),
    )


async def test_a_place_that_refuses_once_is_asked_again_with_what_was_typed(
    plain: PlainWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = plain.bench.store.write
    made = await plain.bench.make_key()
    refusals: list[CustodyError] = []

    async def refuse_once(name: str, value: object) -> None:
        if refusals and name.startswith("key-wizard:bench:"):
            raise refusals.pop()
        await write(name, value)  # type: ignore[arg-type]

    async def secret_and_refuse() -> str:
        refusals.append(CustodyError("Storing took longer than 10 s and was ended", code="timeout"))
        return made.secret.reveal()

    monkeypatch.setattr(plain.bench.store, "write", refuse_once)
    await visit(
        plain,
        *ENTER,
        ("API key", made.api_key.reveal()),
        ("Secret", secret_and_refuse),
        ("Nothing was lost. Enter alone keeps what you entered.", ""),
        ("Secret", ""),
        ("The new key works from here", "quit"),
    )


@pytest.mark.slow
@pytest.mark.parametrize("is_pasted", [False, True])
async def test_an_encrypted_private_key_is_imported_from_a_file_or_a_paste(
    plain: PlainWorld, tmp_path: Path, is_pasted: bool, unwiped: Unwiped
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame")).decode()
    file = tmp_path / "key.pem"
    file.write_text(pem)
    file.chmod(0o644)
    given: list[Line] = [("Path of its file", ""), ("Or the key itself", pem)]
    steps = [
        *TO_CREDENTIALS,
        *of_type("import"),
        ("Path of its file", str(tmp_path / "missing.pem")),
        *([("cannot read this path", ""), given[1]] if is_pasted else [("cannot read this path", str(file))]),
        ("The private key is encrypted", "wrong"),
        ("The passphrase does not open this private key", "open sesame"),
        ("What next?", "page"),
        ("the simulated Binance page", "create"),
        ("is filled in", "save"),
        ("The new key works from here", "quit"),
    ]
    ended = await visit(plain, *steps)
    assert "-----BEGIN PUBLIC KEY-----" in ended.text
    assert ("chmod 600" in ended.text) is not is_pasted
    assert "BEGIN ENCRYPTED" not in ended.text
    assert "sesame" not in ended.text
    assert unwiped.of("open sesame", "wrong", pem) == 0
    for line in pem.splitlines()[1:-1]:
        assert leaked(line, ended.text.encode(), 16) == []


async def test_a_path_is_an_answer_after_a_pasted_private_key_that_cannot_be_read(
    plain: PlainWorld, tmp_path: Path
) -> None:
    file = tmp_path / "key.pem"
    file.write_text(generate_ed25519().private_pem.reveal())
    asked = [
        ("Path of its file", ""),
        ("Or the key itself", PEM),
        ("no whole private key", str(file)),
        ("BEGIN PUBLIC KEY", "quit"),
    ]
    await visit(plain, *TO_CREDENTIALS, *of_type("import"), *asked)


@pytest.mark.parametrize("is_pair", [False, True])
async def test_a_key_given_where_a_private_key_belongs_is_refused_unseen(plain: PlainWorld, is_pair: bool) -> None:
    made = await plain.bench.make_key()
    key, secret = made.api_key.reveal(), made.secret.reveal()
    asked: list[Line] = [("Path of its file", key), ("This looks like a key. It was not taken", "back")]
    if is_pair:
        asked = [
            ("Path of its file", ""),
            ("the key itself", f"{key}\n{secret}"),
            ("no whole private key", "quit"),
        ]
    ended = await visit(plain, *TO_CREDENTIALS, *of_type("import"), *asked)
    assert leaked(key, ended.text.encode(), 8) + leaked(secret, ended.text.encode(), 8) == []


async def test_a_key_in_use_is_imported_by_its_values_alone(empty: PlainWorld) -> None:
    made = await empty.bench.make_key()
    await visit(empty, ("", "import"), ("your bot uses now", "save"), *entered(made), *SWITCH)
    async with empty.bench.flow() as flow:
        assert flow.current is not None


async def test_a_key_in_use_is_read_from_a_file_and_a_key_given_as_its_path_is_refused_unseen(
    empty: PlainWorld, tmp_path: Path
) -> None:
    made = await empty.bench.make_key()
    key, secret = made.api_key.reveal(), made.secret.reveal()
    file = tmp_path / "keys.env"
    file.write_text(f"BINANCE_API_KEY={key}\nBINANCE_API_SECRET={secret}\n")
    ended = await visit(
        empty,
        ("", "import"),
        ("your bot uses now", "read"),
        ("Path of the file", key),
        ("This looks like a key. It was not taken", str(tmp_path / "none")),
        ("cannot read this path", str(file)),
        (f"Read from {file}", "save"),
        ("works from here", "quit"),
    )
    assert f"{file}, lines 1, 2" in ended.text
    for value in (key, secret):
        assert leaked(value, ended.text.encode(), 8) == []
        assert leaked(value, journal_text(empty.paths).encode()) == []


async def test_a_pair_that_was_completed_leaves_no_half_of_it_stored(plain: PlainWorld) -> None:
    await visit(plain, *TO_CREDENTIALS, *from_page("ed25519"), ("works from here", "quit"))
    async with plain.bench.flow() as flow:
        stored = [key.slot for key in flow.context.journal.keys("bench") if key.holding == "stored"]
        assert Slot.DRAFT not in stored
