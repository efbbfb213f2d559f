from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchange.fake_exchange import API_KEY, SECRET
from wizard.core.secret import Secret
from wizard.exchange.signing import generate_ed25519
from wizard.intake.paste import MAX_LENGTH, IntakeError, Pasted, Role, Shape, pair_problem, read_key, read_paste

PAIR = generate_ed25519()

PEM = "-----BEGIN RSA PRIVATE KEY-----\nTUlJQg==\n-----END RSA PRIVATE KEY-----\n"


def answer_to(text: str, shape: Shape) -> Pasted | str:
    """Return what is taken of a paste, or why nothing is."""
    try:
        return read_paste(text, shape)
    except IntakeError as error:
        return error.what


keys = st.text("ABCXYZabcxyz0189", min_size=1, max_size=64)
around = st.text(" \t\r\n\ufeff\u200b", max_size=6)


@given(keys, around, around)
def test_a_key_survives_whatever_blank_stands_around_it(key: str, before: str, after: str) -> None:
    answer = read_paste(before + key + after, Shape.VALUE)
    assert isinstance(answer, Pasted)
    assert answer.text == key
    assert bool(answer.left_out) == bool(before + after)


@given(st.text(max_size=200))
def test_what_is_accepted_as_a_key_is_ascii_without_spaces(text: str) -> None:
    answer = answer_to(text, Shape.VALUE)
    if isinstance(answer, Pasted):
        assert answer.text
        assert all("!" <= character <= "~" for character in answer.text)


@given(keys, st.sampled_from(["\n", "\r", "\r\n", "\x0b", "\x85", "\u2028"]), keys)
def test_two_lines_are_refused_whatever_ends_the_first(key: str, line_end: str, secret: str) -> None:
    answer = answer_to(key + line_end + secret, Shape.VALUE)
    assert answer == "The paste holds 2 lines. This field takes one value."


@given(st.text(max_size=200), st.sampled_from(Shape))
def test_no_answer_shows_what_was_pasted(text: str, shape: Shape) -> None:
    marked = "Zq7xW" + text
    assert "Zq7xW" not in repr(answer_to(marked, shape))


@pytest.mark.parametrize("quotes", ['""', "''", "``", "“”", "‘’"])
def test_one_pair_of_quotes_is_left_out(quotes: str) -> None:
    answer = read_paste(f" {quotes[0]}abc{quotes[1]}\n", Shape.VALUE)
    assert answer == Pasted("abc", ("spaces around it", "quotes around it"))


@pytest.mark.parametrize("text", ['"abc', "KEY\tSECRET", "KEY SECRET", "кey", "a\x00b", '""'])
def test_what_is_no_single_value_is_refused(text: str) -> None:
    answer = answer_to(text, Shape.VALUE)
    assert isinstance(answer, str) or answer.text == '"abc'


@pytest.mark.parametrize(
    "text", [PEM, PEM.replace("\n", "\r\n"), f"\ufeff{PEM}", f"\x1b[200~{PEM}\x1b[201~", f"\n\n{PEM}\n"]
)
def test_a_private_key_is_taken_whole_for_its_reader_to_judge(text: str) -> None:
    assert read_paste(text, Shape.PEM) == Pasted(PEM)


@pytest.mark.parametrize("text", [" \n\u200b", PEM.splitlines()[0], PEM[:-40]])
def test_nothing_and_a_part_are_refused_at_once(text: str) -> None:
    with pytest.raises(IntakeError):
        read_paste(text, Shape.PEM)


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40))
def test_a_password_is_taken_as_it_is(text: str) -> None:
    assert read_paste(f" {text} ", Shape.PASSWORD) == Pasted(f" {text} ")


def test_a_password_of_two_lines_is_refused() -> None:
    assert answer_to("one\ntwo", Shape.PASSWORD) == "The paste holds 2 lines. This field takes one value."


@pytest.mark.parametrize("shape", [Shape.VALUE, Shape.PASSWORD])
def test_length_has_a_limit(shape: Shape) -> None:
    assert isinstance(read_paste("x" * MAX_LENGTH, shape), Pasted)
    with pytest.raises(IntakeError):
        read_paste("x" * (MAX_LENGTH + 1), shape)


@pytest.mark.parametrize("pasted", ["", "   \n", '""', "\u200b"])
def test_nothing_is_refused_as_nothing(pasted: str) -> None:
    with pytest.raises(IntakeError):
        read_key(pasted, Role.API_KEY)


def test_a_key_as_the_page_shows_it_needs_no_note() -> None:
    assert read_key(API_KEY, Role.API_KEY) == (Secret(API_KEY), ())
    assert read_key(f'"{API_KEY}"', Role.API_KEY) == (Secret(API_KEY), ("Left out: quotes around it.",))


@pytest.mark.parametrize(
    ("pasted", "said"), [(API_KEY[:62], "62 characters"), (API_KEY[:63] + "-", "other than letters and digits")]
)
def test_an_unusual_key_is_taken_with_a_warning(pasted: str, said: str) -> None:
    value, notes = read_key(pasted, Role.API_KEY)
    assert value == Secret(pasted)
    assert said in notes[0]


@pytest.mark.parametrize("position", [10, 32])
@pytest.mark.parametrize("within", ["\n", " ", "А", "\x1b", "\ud800"])
def test_a_value_broken_inside_is_refused_and_never_mended(position: int, within: str) -> None:
    for role in (Role.API_KEY, Role.SECRET):
        with pytest.raises(IntakeError):
            read_key(f"{API_KEY[:position]}{within}{API_KEY[position + 1 :]}", role)


RSA_PUBLIC_BODY = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAz63"
RSA_PRIVATE_BODY = "MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIB"


@pytest.mark.parametrize(
    ("pasted", "told"),
    [
        (PAIR.public_pem, "public key"),
        (PAIR.private_pem.reveal(), "private key"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "private key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl", "private key"),
        ("-----BEGINPRIVATEKEY-----", "private key"),  # typed where spaces are left out
        ("dGhlIGVuZA==-----ENDRSAPRIVATEKEY-----", "private key"),
        (PAIR.public_pem.splitlines()[1], "public key"),
        (PAIR.private_pem.reveal().splitlines()[1], "private key"),
        (RSA_PUBLIC_BODY, "public key"),
        (RSA_PRIVATE_BODY, "private key"),
    ],
)
def test_a_pem_key_in_the_wrong_field_is_recognised(pasted: str, told: str) -> None:
    for role in (Role.API_KEY, Role.SECRET):
        with pytest.raises(IntakeError, match=f"This is a {told}"):
            read_key(pasted, role)


def test_the_same_text_twice_is_a_problem_and_two_texts_are_none() -> None:
    assert "same text" in pair_problem(Secret(API_KEY), Secret(API_KEY))
    assert not pair_problem(Secret(API_KEY), Secret(SECRET))


@given(st.text(max_size=120))
def test_any_paste_is_judged_and_no_judgement_repeats_it(pasted: str) -> None:
    try:
        told = " ".join(read_key(f"Qz7!{pasted}!7zQ", Role.API_KEY)[1])
    except IntakeError as error:
        told = error.what
    assert "Qz7!" not in told
    assert "!7zQ" not in told
