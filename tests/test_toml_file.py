"""A settings file: every value with its type, every complaint with its line, no complaint with the value."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wizard.core.errors import WizardError
from wizard.core.settings import load
from wizard.egress.services import load_services

SECRET = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
VALUES = {
    "a text": f'"{SECRET}"',
    "an empty text": '""',
    "NUL": '"\\u0000"',
    "bidi": '"\\u202e"',
    "a whole number": "7",
    "a negative number": "-1",
    "zero": "0",
    "a huge number": "9" * 400,
    "a number with a point": "1.5",
    "infinity": "inf",
    "no number": "nan",
    "true": "true",
    "a list": "[1, 2]",
    "a list of lists": '[["a"]]',
    "an empty list": "[]",
    "a table": "{a = 1}",
    "a date": "1979-05-27",
    "a moment": "1979-05-27T07:32:00Z",
    "a time": "07:32:00",
}
KEYS = {
    "custody": ("place", "deadline", "openbao"),
    "rules": ("max_entries", "tolerated_ranges"),
    "environments.production": (
        *("site", "host", "source_address", "proxy", "uses_futures", "hosts", "bots"),
        *("max_entries", "tolerated_ranges", "max_minutes_with_two_keys"),
    ),
    "environments.production.bots.freqtrade": ("restart", "check"),
}
CUSTOM = ("base_url", "websocket_api_url", "stream_url", "futures_url", "has_sapi", "key_page")
SERVICE = ("operator", "url", "parser", "note", "enabled")
FINE = {
    *(("deadline", kind) for kind in ("a whole number", "a number with a point")),
    ("max_entries", "a whole number"),
    *(("max_minutes_with_two_keys", kind) for kind in ("a whole number", "a number with a point")),
    *(("proxy", kind) for kind in ("a text", "an empty text", "NUL", "bidi")),
    ("host", "an empty text"),
    *((key, "true") for key in ("uses_futures", "has_sapi", "enabled")),
    *(("hosts", kind) for kind in ("an empty list",)),
    *(("tolerated_ranges", kind) for kind in ("an empty list",)),
    *((key, "an empty text") for key in ("websocket_api_url", "stream_url", "futures_url", "key_page", "note")),
    *((key, kind) for key in ("operator", "note") for kind in ("a text", "NUL", "bidi")),
}
"""What makes sense, or is judged where it is used."""


def refusal(file: Path, text: str, *, services: bool = False) -> WizardError | None:
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    try:
        if services:
            load_services(file)
        else:
            load(file)
    except WizardError as error:
        return error
    return None


def assert_named(error: WizardError | None, key: str, line: int) -> None:
    assert error is not None
    assert error.code == "settings.invalid"
    assert key in error.what
    assert error.what.endswith(f", line {line}")
    assert error.why
    assert error.advice
    assert all(sentence.isprintable() for sentence in error.sentences())
    assert SECRET[:20] not in " ".join(error.sentences())


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_of_a_wrong_type_is_named_with_its_line_and_never_repeated(tmp_path: Path, kind: str) -> None:
    for table, keys in KEYS.items():
        for key in keys:
            error = refusal(tmp_path / "config.toml", f"# a comment\n[{table}]\n\n{key} = {VALUES[kind]}\n")
            if (key, kind) in FINE:
                assert error is None, key
            else:
                assert_named(error, key, 4)
    for key in CUSTOM:
        # TOML lets nobody write a key twice.
        base_url = "" if key == "base_url" else 'base_url = "https://api.example"'
        text = f'[environments.a]\nsite = "custom"\n{base_url}\n{key} = {VALUES[kind]}\n'
        error = refusal(tmp_path / "config.toml", text)
        if (key, kind) in FINE:
            assert error is None, key
        else:
            assert_named(error, key, 4)
    for key in SERVICE:
        others = {"operator": '"O"', "url": '"https://ip.example"', "parser": '"plain"'}
        text = "\n".join(f"{name} = {value}" for name, value in {**others, key: VALUES[kind]}.items())
        error = refusal(tmp_path / "services.toml", f"[mine]\n{text}\n", services=True)
        if (key, kind) in FINE:
            assert error is None, key
        else:
            assert_named(error, key, 2 + list({**others, key: ""}).index(key))


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("table", ["custody", "rules", "environments", "environments.production"])
def test_what_is_no_table_is_named_with_its_line(tmp_path: Path, table: str, kind: str) -> None:
    error = refusal(tmp_path / "config.toml", f"\n{table} = {VALUES[kind]}\n")
    assert error is not None
    assert error.what.endswith(", line 2")
    assert SECRET[:20] not in " ".join(error.sentences())


@pytest.mark.parametrize(
    ("text", "name", "line", "advice"),
    [
        ("[custody]\ndeadlin = 3\n", "custody.deadlin", 2, "Did you mean deadline?"),
        ("[rules]\n\nmax_entrys = 3\n", "rules.max_entrys", 3, "Did you mean max_entries?"),
        ('[environments.a]\nsiet = "demo"\n', "environments.a.siet", 2, "Did you mean site?"),
        ('[environments.a]\nsite = "custom"\nbase_uri = "x"\n', "environments.a.base_uri", 3, "Did you mean base_url?"),
        (
            '[environments.a]\nbase_url = "https://api.example"\n',
            "environments.a.base_url",
            2,
            "Choose from bots, deliver, host, hosts,",
        ),
        ('[environments.a]\nsite = "custom"\nhost = "api1.binance.com"\n', "environments.a.host", 3, "hosts?"),
        ("[environments.a.bots.b]\nrestrat = []\n", "environments.a.bots.b.restrat", 2, "Did you mean restart?"),
        (
            "[environments.a]\nmax_minutes_with_keys = 3\n",
            "environments.a.max_minutes_with_keys",
            2,
            "two_keys?",
        ),
        ("# mine\n[enviroments.a]\n", "enviroments", 2, "Did you mean environments?"),
        ("deadline = 3\n[custody]\n", "deadline", 1, "Choose from custody, environments, policy, rules."),
        ("custody = {plase = 3}\n", "custody.plase", 1, "Did you mean place?"),
        (f"[rules]\n{SECRET} = 3\n", "what looks like a key", 2, "Choose from max_entries, tolerated_ranges."),
    ],
)
def test_a_setting_that_nobody_knows_is_named_with_its_line_and_the_nearest_known_one(
    tmp_path: Path, text: str, name: str, line: int, advice: str
) -> None:
    error = refusal(tmp_path / "config.toml", text)
    assert_named(error, f"{name} in ", line)
    assert error is not None
    assert advice in error.advice


@pytest.mark.parametrize(
    ("text", "line", "why", "advice"),
    [
        ("[environments.a.bots.freqtrade]", 1, "names no program", '"freqtrade.service"].'),
        ('[environments.a.bots.b]\ncheck = ["x"]', 1, "names no program", "Write restart = ["),
        ('[environments.a.bots.b]\nrestart = [""]', 2, "names no program", "Write restart = ["),
        ('[environments.a.bots.b]\nrestart = ["x"]\ncheck = []', 3, "names no program", '"is-active", "b.service"].'),
        ('[environments.a.bots.b]\nrestart = ["x", "\\u0000"]', 2, "no argument can have", "Write restart = ["),
        (f'[environments.a.bots.b]\nrestart = ["x", "--key={SECRET}"]', 2, "looks like a key", "Take the key out"),
        ('[environments.a.bots."a b"]\nrestart = ["x"]', 1, "Letters, digits, - and _", "Rename the bot."),
    ],
)
def test_a_bot_that_could_not_be_restarted_is_refused(
    tmp_path: Path, text: str, line: int, why: str, advice: str
) -> None:
    error = refusal(tmp_path / "config.toml", text)
    assert_named(error, "environments.a.bots", line)
    assert error is not None
    assert why in error.why
    assert advice in error.advice


@pytest.mark.parametrize(
    ("text", "name", "line", "advice"),
    [
        ("shiped = false\n", "shiped", 1, "Did you mean shipped?"),
        ("[ipify]\nenable = false\n", "ipify.enable", 2, "Did you mean enabled?"),
    ],
)
def test_so_is_one_among_the_echo_services(tmp_path: Path, text: str, name: str, line: int, advice: str) -> None:
    error = refusal(tmp_path / "services.toml", text, services=True)
    assert_named(error, f"{name} in ", line)
    assert error is not None
    assert advice in error.advice


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('environments = {a = {site = "kraken"}}', 1),
        ('[environments]\na.site = "binance.com"\na.hosts = [\n  "bot-1",\n  3,\n]\n', 3),
        ('[rules]\n\n[environments.a]\n[environments.b]\nmax_entries = 5\nuses_futures = "no"\n', 6),
        ('[environments.a]\nsite = "custom"\n', 1),
        ('[environments."a b"]\n', 1),
        ('["environments"."a"]\nproxy = """\nhosts = 1\n"""\nhosts = 1\n', 5),
    ],
)
def test_the_line_is_right_however_the_file_is_laid_out(tmp_path: Path, text: str, line: int) -> None:
    for end in ("\n", "\r\n"):
        error = refusal(tmp_path / "config.toml", text.replace("\n", end))
        assert error is not None
        assert error.what.endswith(f", line {line}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[rules]\nx = " + "9" * 5000, "Line 2 has a number with too many digits"),
        ("[rules]\nx = " + "[" * 5000 + "]" * 5000, "Line 2 has too many"),
        ("[rules]\nx = " + "{a=" * 5000, "Line 2 has too many"),
        ("a = 1\nb = 2\n# \udcff\n", "Line 3 is not text in UTF-8"),
        ("a = 1\nb = \n", "line 2"),
        (f"a = {SECRET}", "line 1"),
        ("a" * 2_000_000, "more than 1048576 bytes"),
        ("\0", "not TOML"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    for services in (False, True):
        error = refusal(tmp_path / "config.toml", text, services=services)
        assert error is not None
        assert error.code == "settings.unreadable"
        told = " ".join(error.sentences())
        assert said in told
        assert SECRET[:20] not in told
        assert told.isprintable()


def make_pipe(file: Path) -> None:
    os.mkfifo(file)


def make_directory(file: Path) -> None:
    file.mkdir()


def make_endless(file: Path) -> None:
    file.symlink_to("/dev/zero")


def make_memory(file: Path) -> None:
    file.symlink_to("/proc/self/mem")


def make_huge(file: Path) -> None:
    with file.open("wb") as opened:
        opened.truncate(10 * 2**30)


@pytest.mark.parametrize("make", [make_pipe, make_directory, make_endless, make_memory, make_huge])
def test_what_is_no_file_of_settings_is_told_at_once(tmp_path: Path, make: object) -> None:
    make(tmp_path / "config.toml")  # type: ignore[operator]
    for read in (load, load_services):
        with pytest.raises(WizardError) as caught:
            read(tmp_path / "config.toml")
        assert caught.value.why
        assert caught.value.advice
