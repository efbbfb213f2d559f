"""One paste with both: the right value in the right place, or nothing at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchange.fake_exchange import API_KEY, SECRET
from wizard.intake.candidates import HeldKey, read_pair, role_of
from wizard.intake.paste import IntakeError, Role

BOTH = {"k": API_KEY, "s": SECRET}


def understood(text: str) -> tuple[str, str, bool]:
    pair = read_pair(text, "live")
    assert isinstance(pair, HeldKey), pair
    return (
        pair.api_key.reveal() if pair.api_key else "",
        pair.secret.reveal() if pair.secret else "",
        pair.is_named,
    )


@pytest.mark.parametrize(
    "text",
    [
        "{k}\n{s}",
        "{k}\r\n{s}\r\n",
        "\n  {k}  \n\n\t{s}\n",
        "{k} {s}",
        "{k}\t{s}",
        "{k},{s}",
        "{k}:{s}",
        '"{k}", "{s}"',
        "'{k}'\n'{s}'\n",
        "\x1b[200~{k}\n{s}\x1b[201~",
        "^[[200~{k}\r{s}^[[201~",
        "200~{k}\n{s}201~",
        "\ufeff{k}\u200b\n{s}\u00ad",
    ],
)
def test_without_names_the_first_is_the_api_key(text: str) -> None:
    assert understood(text.format(**BOTH)) == (API_KEY, SECRET, False)


@pytest.mark.parametrize(
    "text",
    [
        "KEY={k}\nSECRET={s}",
        "BINANCE_API_KEY={k}\nBINANCE_API_SECRET={s}\n",
        "BINANCE_SECRET_KEY='{s}'\nBINANCE_API_KEY='{k}'",
        'export BINANCE_API_KEY="{k}"\nexport BINANCE_API_SECRET="{s}"',
        "set API_KEY={k}\r\nset API_SECRET={s}\r\n",
        '$env:BINANCE_API_KEY = "{k}"\n$env:BINANCE_API_SECRET = "{s}"',
        "apiKey: {k}\nsecret: {s}",
        "  api_key: '{k}'  # the key\n  api_secret: '{s}'",
        '{{"apiKey": "{k}", "secretKey": "{s}"}}',
        '{{\n  "exchange": {{\n    "name": "binance",\n    "key": "{k}",\n    "secret": "{s}",\n  }}\n}}',
        '    "key": "{k}",\n    "secret": "{s}"',
        "{{'apiKey': '{k}', 'secret': '{s}'}}",
        "api_key = '{k}'; api_secret = '{s}'",
        "Secret Key\n{s}\nAPI Key\n{k}\n",
        "API Key:\n\n{k}\nSecret Key:\n{s}",
        "API Key：\n{k}\nSecret Key：\n{s}",
        "API Key: {k}\nSecret Key: {s}",
        "API Key: {k} Secret Key: {s}",
        "[binance]\nkey={k}\nsecret={s}\n",
        "# BINANCE_API_KEY=old\nBINANCE_API_KEY={k}\nBINANCE_API_SECRET={s}\nTELEGRAM_TOKEN=12:ab\nDEBUG=1",
        "jwt_secret_key: abc\nkey: {k}\nsecret: {s}",
        "{k}\nsecret: {s}",
        "API Key: {k}\n{s}",
    ],
)
def test_names_tell_which_is_which_in_any_order(text: str) -> None:
    assert understood(text.format(**BOTH)) == (API_KEY, SECRET, True)


@pytest.mark.parametrize("text", ["BINANCE_API_SECRET={s}", '"secret": "{s}",', "Secret Key\n{s}", "secret='{s}';"])
def test_a_secret_alone_is_known_by_its_name(text: str) -> None:
    assert understood(text.format(**BOTH)) == ("", SECRET, True)


@pytest.mark.parametrize("text", ["BINANCE_API_KEY={k}", "API Key: {k}", 'apiKey: "{k}"', "API Key\n{k}"])
def test_so_is_an_api_key(text: str) -> None:
    assert understood(text.format(**BOTH)) == (API_KEY, "", True)


@pytest.mark.parametrize(
    "text",
    [
        API_KEY,
        f" {API_KEY}\n",
        "",
        "one\ntwo\nthree",
        f"{API_KEY[:32]}\n{API_KEY[32:]}",
        f"{API_KEY[:40]}\n{API_KEY[40:]}",
        f"{API_KEY}\nand something else",
        f"-----BEGIN PRIVATE KEY-----\nkey: {API_KEY}\n-----END PRIVATE KEY-----",
    ],
)
def test_what_is_not_surely_two_values_is_left_to_the_field(text: str) -> None:
    assert read_pair(text, "live") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"MAIN_API_KEY={API_KEY}\nSUB_API_KEY={SECRET}", "several keys: MAIN_API_KEY, SUB_API_KEY"),
        (f"a_secret={API_KEY}\nb_secret={SECRET}\nkey={API_KEY[::-1]}", "several keys: a_secret, b_secret, key"),
        ("API_KEY=your_key\nAPI_SECRET=your_secret", "API_KEY is a placeholder"),
    ],
)
def test_what_could_mean_several_things_is_refused(text: str, reason: str) -> None:
    with pytest.raises(IntakeError) as refused:
        read_pair(text, "live")
    assert reason in refused.value.what


def test_the_same_value_named_twice_is_one() -> None:
    assert understood(f"KEY={API_KEY}\nAPI_KEY={API_KEY}\nSECRET={SECRET}") == (API_KEY, SECRET, True)


values = st.text("ABCXYZabcxyz0189", min_size=48, max_size=80).filter(lambda text: len(set(text)) > 2)
names = st.sampled_from([("key", "secret"), ("API_KEY", "API_SECRET"), ("apiKey", "apiSecret"), ("Key", "Secret Key")])


@given(
    values,
    values,
    names,
    st.sampled_from(["{}={}", "{}: {}", "export {}='{}'", '"{}": "{}",', "{}\n{}"]),
    st.booleans(),
)
def test_every_spelling_gives_back_what_went_in(
    key: str, secret: str, labels: tuple[str, str], spelling: str, is_reversed: bool
) -> None:
    lines = [spelling.format(label, value) for label, value in zip(labels, (key, secret), strict=True)]
    assert understood("\n".join(lines[::-1] if is_reversed else lines)) == (key, secret, True)


@given(values, values, st.integers(0, 4) | st.none())
def test_json_gives_back_what_went_in(key: str, secret: str, indent: int | None) -> None:
    config = {"exchange": {"name": "binance", "secret": secret, "key": key}, "api_server": {"jwt_secret_key": "x"}}
    assert understood(json.dumps(config, indent=indent)) == (key, secret, True)


@given(st.text(max_size=300))
def test_no_text_breaks_it_and_no_answer_shows_any(text: str) -> None:
    try:
        answer = read_pair("Zq7xW" + text, "live")
    except IntakeError as error:
        assert "Zq7xW" not in str(error.sentences())
        return
    assert "Zq7xW" not in repr(answer)
    if answer is not None:
        assert answer.api_key or answer.secret


def test_it_is_described_by_lengths_and_the_key_s_last_four() -> None:
    pair = read_pair(f"{API_KEY} {SECRET}", "live")
    assert pair is not None
    said = pair.described()
    assert f"an API key of 64 characters, …{API_KEY[-4:]} and a secret of 64 characters" in said
    assert "The first value is taken as the API key." in said
    assert SECRET[-4:] not in said


@pytest.mark.parametrize(
    ("label", "role"),
    [
        ("BINANCE_API_SECRET_KEY", Role.SECRET),
        ("apiSecret", Role.SECRET),
        ("APISECRET", Role.SECRET),
        ("binance_secret", Role.SECRET),
        ("BINANCE_KEY", Role.API_KEY),
        ("apikey", Role.API_KEY),
        ("API", Role.API_KEY),
        ("jwt_secret_key", Role.OTHER),
        ("public_key", Role.OTHER),
        ("secret_name", Role.OTHER),
        ("monkey", Role.OTHER),
        ("api_url", Role.OTHER),
    ],
)
def test_names_and_what_they_mean(label: str, role: Role) -> None:
    assert role_of(label) is role
