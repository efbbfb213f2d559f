from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.custody.keys import API_KEY, SIGNING, ed25519_pair, hmac
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.custody.errors import ItemUnreadableError
from wizard.custody.records import decode_item, encode_item

STORED_AT = 1_795_365_501.0


@given(
    kind=st.sampled_from(KeyKind),
    api_key=st.text(min_size=1),
    signing=st.text(min_size=1) | st.just("-----BEGIN-----\r\nabc\n-----END-----\n"),
)
def test_credentials_survive_byte_for_byte_on_one_line(kind: KeyKind, api_key: str, signing: str) -> None:
    encoded = encode_item(Credentials(kind, Secret(api_key), Secret(signing)), STORED_AT)
    assert encoded.reveal().isprintable()
    decoded = decode_item(encoded)
    assert (decoded.kind, decoded.api_key.reveal(), decoded.signing.reveal()) == (kind, api_key, signing)


def test_the_item_can_be_read_by_other_programs() -> None:
    assert json.loads(encode_item(hmac(), STORED_AT).reveal()) == {
        "schema": 1,
        "kind": "hmac",
        "api_key": API_KEY,
        "signing": SIGNING,
        "created": "2026-11-22T16:38:21Z",
        "owner": "",
    }


def test_an_ed25519_item_fits_the_1280_characters_of_windows() -> None:
    assert len(encode_item(ed25519_pair(), STORED_AT)) < 1280


@pytest.mark.parametrize("credentials", [hmac(api_key=""), hmac(signing="")])
def test_credentials_without_one_part_are_not_stored(credentials: Credentials) -> None:
    with pytest.raises(ValueError, match="are not stored"):
        encode_item(credentials, STORED_AT)


def whole() -> dict[str, object]:
    return dict(json.loads(encode_item(hmac(), STORED_AT).reveal()))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        SIGNING,
        f'"{SIGNING}"',
        f'["{SIGNING}"]',
        "[" * 100_000,
        "9" * 5000,
        json.dumps(whole() | {"schema": 2}),
        json.dumps(whole() | {"schema": True}),
        json.dumps(whole() | {"schema": "1"}),
        json.dumps(whole() | {"kind": "dsa"}),
        json.dumps(whole() | {"kind": ["hmac"]}),
        json.dumps(whole() | {"signing": ""}),
        json.dumps(whole() | {"signing": None}),
        json.dumps(whole() | {"api_key": 7}),
        json.dumps(whole() | {"signing": "\ud800" + SIGNING}),
        json.dumps(whole() | {"password": SIGNING}),
        json.dumps({name: value for name, value in whole().items() if name != "created"}),
    ],
)
def test_a_foreign_item_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(ItemUnreadableError) as caught:
        decode_item(Secret(text))
    shown = " ".join(caught.value.sentences())
    assert SIGNING not in shown
    assert API_KEY not in shown
    assert caught.value.__context__ is None
    assert caught.value.advice


def test_every_half_written_item_is_refused() -> None:
    text = encode_item(hmac(), STORED_AT).reveal()
    for length in range(len(text)):
        with pytest.raises(ItemUnreadableError):
            decode_item(Secret(text[:length]))
