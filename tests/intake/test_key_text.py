"""What users paste: cleaned, judged, never shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchange.fake_exchange import API_KEY, SECRET
from wizard.core.secret import Secret
from wizard.exchange.signing import generate_ed25519
from wizard.intake.key_text import pair_problem, read_api_key, read_hmac_secret
from wizard.intake.paste import IntakeError

PAIR = generate_ed25519()


@pytest.mark.parametrize(
    ("pasted", "note"),
    [
        (f'"{API_KEY}"', "quotes"),
        (f"'{API_KEY}'", "quotes"),
        (f"“{API_KEY}”", "quotes"),
        (f"  {API_KEY}\u00a0", "blanks"),
        (f"\n\t{API_KEY}\r\n", "blanks"),
        (f"\ufeff{API_KEY}\u200b", "hidden characters"),
        (f"BINANCE_API_KEY={API_KEY}", "name"),
        (f"export KEY='{API_KEY}'", "name"),
        (f'  "apiKey": "{API_KEY}",\n', "comma"),
        (f"API Key: {API_KEY}", "name"),
        (f"\x1b[200~{API_KEY}\x1b[201~", "paste marks"),
    ],
)
def test_what_clings_to_a_key_is_taken_off_and_said(pasted: str, note: str) -> None:
    value, notes = read_api_key(pasted)
    assert value == Secret(API_KEY)
    assert any(note in said for said in notes)


@pytest.mark.parametrize("pasted", [API_KEY, API_KEY + "\n", API_KEY + "\r\n"])
def test_a_key_as_the_page_shows_it_needs_no_note(pasted: str) -> None:
    assert read_api_key(pasted) == (Secret(API_KEY), ())


@pytest.mark.parametrize("pasted", ["", "   \n", '""', "\u200b", "KEY=", "''''"])
def test_nothing_is_refused_as_nothing(pasted: str) -> None:
    with pytest.raises(IntakeError, match="Copy it again"):
        read_api_key(pasted)


@pytest.mark.parametrize(
    ("pasted", "told"),
    [
        (f"{API_KEY[:32]}\n{API_KEY[32:]}", "2 pieces"),
        (f"{API_KEY}\n{SECRET}", "2 pieces"),
        (f"{API_KEY[:32]}\u200b{API_KEY[32:]}", "U+200B after 32 others"),
        (f"{API_KEY[:10]}А{API_KEY[11:]}", "U+0410 after 10 others"),
        (f"{API_KEY[:10]}\x1b{API_KEY[11:]}", "U+001B after 10 others"),
        (f"{API_KEY[:10]}\ud800{API_KEY[11:]}", "U+D800 after 10 others"),
    ],
)
def test_a_value_broken_inside_is_refused_and_never_mended(pasted: str, told: str) -> None:
    for read in (read_api_key, read_hmac_secret):
        with pytest.raises(IntakeError) as refused:
            read(pasted)
        assert told in refused.value.what


@pytest.mark.parametrize(
    ("pasted", "said"), [(API_KEY[:62], "62 characters"), (API_KEY[:63] + "-", "other than letters and digits")]
)
def test_an_unusual_key_is_taken_with_a_warning(pasted: str, said: str) -> None:
    value, notes = read_api_key(pasted)
    assert value == Secret(pasted)
    assert said in notes[0]


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
    for read in (read_api_key, read_hmac_secret):
        with pytest.raises(IntakeError, match=f"This is a {told}"):
            read(pasted)


def test_the_same_text_twice_is_a_problem_and_two_texts_are_none() -> None:
    assert "same text" in pair_problem(Secret(API_KEY), Secret(API_KEY))
    assert not pair_problem(Secret(API_KEY), Secret(SECRET))


AROUND = st.text(alphabet=" \t\r\n\"'`\u00a0\u200b\ufeff“”", max_size=6)


@given(AROUND, st.text(alphabet="abcXYZ0189", min_size=1, max_size=80), AROUND)
def test_whatever_is_around_a_value_the_value_is_kept_whole(before: str, value: str, after: str) -> None:
    assert read_hmac_secret(before + value + after)[0] == Secret(value)


@given(st.text(max_size=120))
def test_any_paste_is_judged_and_no_judgement_repeats_it(pasted: str) -> None:
    try:
        told = " ".join(read_api_key(f"Qz7!{pasted}!7zQ")[1])
    except IntakeError as error:
        told = error.what
    assert "Qz7!" not in told
    assert "!7zQ" not in told
