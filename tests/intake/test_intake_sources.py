"""A key in use, read from where it is, and found again where it still is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.exchange.fake_exchange import API_KEY, SECRET, hmac_credentials
from wizard.core.errors import FileError, WizardError
from wizard.core.secret import Secret
from wizard.exchange.signing import generate_ed25519
from wizard.intake.candidates import HeldKey
from wizard.intake.copies import copies_of
from wizard.intake.paste import IntakeError
from wizard.intake.sources import LARGEST_FILE, read_source, search, take

FREQTRADE = """{
    // What freqtrade's new-config writes, with a comment and a comma too many
    "dry_run": false,
    "exchange": {
        "name": "binance",
        "key": "%s",
        "secret": "%s",
        "ccxt_config": {},
        "pair_whitelist": ["BTC/USDT"],
    },
    "telegram": {"enabled": false, "token": "12:xy", "chat_id": "7"},
    "api_server": {"jwt_secret_key": "aaaa", "ws_token": "bbbb", "password": "cccc"},
}
"""


def only(place: str, environ: dict[str, str]) -> HeldKey:
    """Return the one key of a place, or raise why there is none."""
    return take(read_source(place, environ), "live")


HUMMINGBOT_BEFORE_2022 = json.dumps(
    {
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": "ab" * 16},
            "ciphertext": "cd" * 64,
            "kdf": "pbkdf2",
            "kdfparams": {"c": 1000000, "dklen": 32, "prf": "hmac-sha256", "salt": "ef" * 16},
            "mac": "12" * 32,
        },
        "version": 3,
    }
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".env", f"# mine\nDEBUG=1\nexport BINANCE_API_KEY='{API_KEY}'\nBINANCE_API_SECRET=\"{SECRET}\"\n"),
        ("config.json", FREQTRADE % (API_KEY, SECRET)),
        ("keys.json", json.dumps({"binance": {"apiKey": API_KEY, "secret": SECRET, "enableRateLimit": True}})),
        ("settings.py", f"api_key = '{API_KEY}'\napi_secret = '{SECRET}'\n"),
        ("bot.yml", f"exchange:\n  name: binance\n  api_key: {API_KEY}\n  secret_key: {SECRET}\n"),
        ("binance.yml", f"connector: binance\n\nbinance_api_key: {API_KEY}\nbinance_api_secret: {SECRET}\n"),
        ("bot.ini", f"\ufeff[binance]\r\nkey = {API_KEY}\r\nsecret = {SECRET}\r\n"),
    ],
)
def test_a_file_gives_the_pair_and_is_left_as_it_is(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_bytes(text.encode())
    found = only(str(file), {})
    assert found.api_key == Secret(API_KEY)
    assert found.secret == Secret(SECRET)
    assert found.place == found.path == str(file)
    assert file.read_bytes() == text.encode()


@pytest.mark.parametrize(
    "environ",
    [
        {"BINANCE_API_KEY": API_KEY, "BINANCE_API_SECRET": SECRET, "HOME": "/root", "AWS_SECRET_ACCESS_KEY": "x"},
        {"BINANCE_KEY": API_KEY, "BINANCE_SECRET_KEY": SECRET, "BINANCE_API_URL": "https://x"},
        {"FREQTRADE__EXCHANGE__KEY": API_KEY, "FREQTRADE__EXCHANGE__SECRET": SECRET},
    ],
)
def test_so_does_the_environment(environ: dict[str, str]) -> None:
    found = only("environment", environ)
    assert (found.api_key, found.secret) == (Secret(API_KEY), Secret(SECRET))
    assert not found.path
    assert "AWS" not in found.place


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("DEBUG=1\n", "holds no API key with its secret"),
        ("", "holds no API key with its secret"),
        (FREQTRADE % ("", ""), "holds no key"),
        (f"BINANCE_API_KEY={API_KEY}\n", "holds no secret"),
        (f"BINANCE_API_SECRET={SECRET}\n", "holds no API key"),
        (f"A_KEY={API_KEY}\nB_KEY={SECRET}\nA_SECRET={SECRET[::-1]}\nB_SECRET={API_KEY[::-1]}\n", "holds several keys"),
        (
            f"connector: binance\nbinance_api_key: {'7b22' + 'ab' * 100}\nbinance_api_secret: {'7b22' + 'cd' * 100}",
            "as in Hummingbot",
        ),
        (HUMMINGBOT_BEFORE_2022, "as in Hummingbot"),
    ],
)
def test_what_is_not_one_pair_is_told_and_not_taken(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(IntakeError) as refused:
        only(str(tmp_path / "file"), {})
    assert said in refused.value.what
    told = " ".join(refused.value.sentences())
    assert API_KEY[:8] not in told
    assert SECRET[:8] not in told


def test_the_one_key_of_the_usual_places_is_taken_also_where_two_of_them_hold_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"KEY={API_KEY}\nSECRET={SECRET}\n")
    (tmp_path / "config.json").write_text("{}")
    looked = search({"PWD": str(tmp_path), "BINANCE_API_KEY": API_KEY, "BINANCE_API_SECRET": SECRET})
    assert [one.listed for one in looked.found] == [
        f"…{API_KEY[-4:]} in {tmp_path}/.env, lines 1, 2, KEY and SECRET",
        f"…{API_KEY[-4:]} in the environment, BINANCE_API_KEY and BINANCE_API_SECRET",
    ]
    found = take(looked, "live")
    assert found.secret == Secret(SECRET)
    other = next(one for one in looked.found if one is not found)
    assert not other.secret, "the other one is wiped"
    assert search({}).found == ()


def test_of_several_keys_none_is_taken_and_each_is_named_masked(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"KEY={API_KEY}\nSECRET={SECRET}\n")
    (tmp_path / "config.json").write_text(json.dumps({"key": SECRET, "secret": API_KEY}))
    looked = search({"PWD": str(tmp_path)})
    with pytest.raises(IntakeError) as refused:
        take(looked, "live")
    assert f"…{API_KEY[-4:]} in {tmp_path}/.env, lines 1, 2, KEY and SECRET." in refused.value.why
    assert f"…{SECRET[-4:]} in {tmp_path}/config.json" in refused.value.why
    assert API_KEY[:8] not in str(looked) + refused.value.why
    assert not any(one.secret for one in looked.found), "all are wiped"


@pytest.mark.parametrize("is_escaped", [True, False])
def test_a_private_key_is_read_with_the_api_key_beside_it(tmp_path: Path, is_escaped: bool) -> None:
    pem = generate_ed25519().private_pem.reveal().strip()
    shown = pem.replace("\n", "\\n") if is_escaped else pem
    (tmp_path / ".env").write_text(f'BINANCE_API_KEY={API_KEY}\nBINANCE_PRIVATE_KEY="{shown}"\n')
    for found in (
        only(str(tmp_path / ".env"), {}),
        only("environment", {"BINANCE_API_KEY": API_KEY, "BINANCE_PRIVATE_KEY": shown}),
    ):
        assert found.api_key == Secret(API_KEY)
        assert found.pem == Secret(pem)
        assert pem.splitlines()[1] not in found.described() + str(found)


def test_a_secret_beside_a_private_key_is_more_than_one_key(tmp_path: Path) -> None:
    pem = generate_ed25519().private_pem.reveal()
    (tmp_path / ".env").write_text(f"KEY={API_KEY}\nSECRET={SECRET}\n{pem}")
    with pytest.raises(IntakeError, match="holds several keys"):
        only(str(tmp_path / ".env"), {})


def test_copies_are_named_by_file_and_line_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"X=1\nKEY={API_KEY}\n\nSECRET={SECRET}\n")
    (tmp_path / ".bashrc").write_text(f"export BINANCE_API_SECRET={SECRET}\n")
    (tmp_path / ".profile").write_text("nothing\n")
    noted = tmp_path / "config.json"
    noted.write_text(FREQTRADE % (API_KEY, SECRET))
    environ = {"HOME": str(tmp_path), "OLD": f"x{SECRET}", "OTHER": "y"}
    looked = copies_of(hmac_credentials(), environ, [str(noted), str(tmp_path / "gone")])
    found = looked.found
    assert looked.unknown == ()
    assert sorted(found) == sorted(
        [
            f"{noted}, lines 6, 7",
            f"{tmp_path}/.bashrc, line 1",
            f"{tmp_path}/.env, lines 2, 4",
            "the environment variable OLD",
        ]
    )
    assert API_KEY[:8] not in str(looked)
    assert SECRET[:8] not in str(found)


def test_a_file_whose_key_only_the_bot_can_read_is_told_as_not_known(tmp_path: Path) -> None:
    connector = tmp_path / "conf" / "connectors" / "binance.yml"
    connector.parent.mkdir(parents=True)
    connector.write_text(f"connector: binance\nbinance_api_key: {'7b22' + 'ab' * 100}\n")
    before = tmp_path / "encrypted_binance_api_key.json"
    before.write_text(HUMMINGBOT_BEFORE_2022)
    looked = copies_of(hmac_credentials(), {"PWD": str(tmp_path)}, [str(before)])
    assert looked.found == ()
    assert [str(file) in told for file, told in zip((before, connector), looked.unknown, strict=True)] == [True, True]
    assert "only the bot's password opens" in looked.unknown[0]
    connector.write_text(f"connector: binance\nbinance_api_key: {API_KEY}\n")
    assert copies_of(hmac_credentials(), {"PWD": str(tmp_path)}).found == (f"{connector}, line 2",)


def test_a_file_is_read_and_its_permissions_are_judged(tmp_path: Path) -> None:
    file = tmp_path / "key.env"
    file.write_text(f"BINANCE_API_KEY={API_KEY}\nBINANCE_API_SECRET={SECRET}\n")
    file.chmod(0o600)
    (one,) = read_source(f" '{file}' ", {}).found
    assert (one.path, one.warning) == (str(file), "")
    file.chmod(0o644)
    (exposed,) = read_source(str(file), {}).found
    assert "chmod 600" in exposed.warning


def test_what_is_no_text_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_text("x" * (LARGEST_FILE + 1))
    der = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "der").write_bytes(der + b"\xff")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "journal.sqlite3").touch()
    (tmp_path / "bot.env").symlink_to("journal.sqlite3")
    for name, said in (
        ("missing", "cannot read"),
        ("pipe", "not an ordinary file"),
        (".", "not an ordinary file"),
        ("large", "larger than"),
        ("der", "is not text"),
        ("a\0b", "cannot read"),
        ("circle", "cannot read"),
        ("journal.sqlite3-shm", "the wizard's records"),
        ("bot.env", "the wizard's records"),
    ):
        with pytest.raises(WizardError) as refused:
            read_source(str(tmp_path / name), {})
        assert said in refused.value.what
        assert all(sentence.isprintable() for sentence in refused.value.sentences())


@pytest.mark.parametrize("damaged", ["BINANCE_API_KEY", "BINANCE_API_SECRET", "FREQTRADE__EXCHANGE__KEY"])
def test_a_variable_that_is_not_utf_8_is_named_and_never_shown(damaged: str) -> None:
    environ = {"BINANCE_API_KEY": API_KEY, "BINANCE_API_SECRET": SECRET, damaged: f"{SECRET[:40]}\udcff\udcfe"}
    with pytest.raises(IntakeError) as caught:
        only("environment", environ)
    told = " ".join(caught.value.sentences())
    assert f"{damaged} is not text in UTF-8" in told
    assert SECRET[:10] not in told
    assert search(environ).found == ()


@pytest.mark.parametrize("path", ["~nobody-of-that-name/key.pem", "~nobody-of-that-name"])
def test_the_home_of_nobody_holds_no_file(path: str) -> None:
    with pytest.raises(FileError) as caught:
        read_source(path, {})
    assert caught.value.code == "file.missing"
    assert "no user of that name" in caught.value.why


def test_in_a_deleted_directory_there_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(FileError) as caught:
        read_source("key.pem", {})
    assert caught.value.code == "file.missing"
    assert "directory no longer exists" in caught.value.why


@pytest.mark.parametrize("endless", ["/dev/zero", "/dev/urandom", "/proc/self/mem"])
def test_what_has_no_end_is_refused_at_once(tmp_path: Path, endless: str) -> None:
    (tmp_path / "link").symlink_to(endless)
    for path in (endless, str(tmp_path / "link")):
        with pytest.raises(WizardError) as caught:
            read_source(path, {})
        assert caught.value.advice
