"""`config.toml`: what it may say, and what is said of what it may not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wizard.core.errors import UsageError, WizardError
from wizard.core.settings import Bot, OpenBao, Paths, load, paths
from wizard.core.sites import known_sites


def settings_of(tmp_path: Path, text: str) -> object:
    file = tmp_path / "config.toml"
    file.write_text(text, "utf-8")
    return load(file)


def test_without_a_file_production_is_binance_and_no_site_is_shared(tmp_path: Path) -> None:
    environments = load(tmp_path / "missing.toml").environments
    assert environments["production"].site.name == "binance.com"
    assert environments["production"].is_production
    assert len({environment.site.rest_url for environment in environments.values()}) == len(environments)


def test_the_settings_that_the_documentation_shows_are_known_ones(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text("utf-8")
    shown = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(shown) == 2
    for text in shown:
        settings_of(tmp_path, text)


def test_every_shipped_site_is_reached_over_tls() -> None:
    assert all(site.rest_url.startswith("https://") for site in known_sites().values())


def test_rules_of_an_environment_go_before_the_common_ones(tmp_path: Path) -> None:
    text = "[rules]\nmax_entries = 30\n[environments.a]\n[environments.b]\nmax_entries = 5\n"
    environments = settings_of(tmp_path, text).environments  # type: ignore[attr-defined]
    assert (environments["a"].rules.max_entries, environments["b"].rules.max_entries) == (30, 5)


def test_bots_are_commands_in_the_order_of_the_file_and_minutes_become_seconds(tmp_path: Path) -> None:
    bots = '[environments.a.bots.z]\nrestart = ["x", "-y"]\n[environments.a.bots.b]\nrestart = ["r"]\ncheck = ["c"]\n'
    text = f"[environments.a]\nmax_minutes_with_two_keys = 1.5\n{bots}[environments.b]\n"
    environments = settings_of(tmp_path, text).environments  # type: ignore[attr-defined]
    assert environments["a"].bots == (Bot("z", ("x", "-y")), Bot("b", ("r",), ("c",)))
    assert (environments["a"].two_keys_limit, environments["b"].two_keys_limit) == (90.0, 3600.0)
    assert environments["b"].bots == ()


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "environments = 3",
        "[environments]\nproduction = 3",
        '[environments."../up"]\n',
        '[environments.a]\nsite = "kraken"',
        '[environments.a]\nsite = "custom"',
        '[environments.a]\nsite = "custom"\nbase_url = "http://api.example"',
        '[environments.a]\nsite = "custom"\nbase_url = "http://127.0.0.1.evil.example"',
        '[environments.a]\nsource_address = "localhost"',
        "[environments.a]\nmax_entries = 0",
        '[rules]\nmax_entries = "many"',
        "rules = 3",
    ],
)
def test_what_makes_no_sense_is_said_and_nothing_else_happens(tmp_path: Path, text: str) -> None:
    with pytest.raises(WizardError) as caught:
        settings_of(tmp_path, text)
    assert caught.value.code == ("settings.unreadable" if text == "not toml" else "settings.invalid")


def test_an_unknown_environment_is_told_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path / "missing.toml").environment("prod")
    assert caught.value.code == "environment.unknown"
    assert "production" in caught.value.why


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://api.example", True),
        ("http://127.0.0.1:8000", True),
        ("http://localhost", True),
        ("http://127.0.0.1.evil.example", False),
        ("http://10.0.0.1", False),
        ("ftp://127.0.0.1", False),
        ("https://", False),
        ("https://api.example:443/prefix", True),
        ("https://[2001:db8::1]:8443", True),
        ("https://api.example:99999", False),
        ("https://api.example:0", False),
        ("https://api.example:-1", False),
        ("https://api.example:abc", False),
        ("https://api.example:" + "9" * 400, False),
        ("https://api.example:" + "9" * 5000, False),
        ("https://user:hunter2hunter2@api.example", False),
        ("https://api.example?key=hunter2hunter2", False),
        ("https://api.example/#hunter2hunter2", False),
        ("https://[::::]", False),
        ("https://[::1", False),
        ("https://::1", False),
        ("https://a..example", False),
        ("https://" + "a" * 64 + ".example", False),
        ("https://api.example/" + "a" * 100_000, False),
        ("https://" + "a." * 50_000 + "example", False),
        ("https:// api.example", False),
        ("https://api.example\\t", False),
        ("https://api.example\\u0000", False),
        ("https://api.example/\\u202e", False),
        ("https://аpi.example", False),
        ("//api.example", False),
    ],
)
def test_only_a_plain_url_is_taken_and_plain_http_for_this_machine_only(
    tmp_path: Path, url: str, is_safe: bool
) -> None:
    for key, others in (("base_url", ""), ("futures_url", 'base_url = "https://api.example"\n')):
        text = f'[environments.a]\nsite = "custom"\n{others}{key} = "{url}"\n'
        if is_safe:
            settings_of(tmp_path, text)
            continue
        with pytest.raises(WizardError) as caught:
            settings_of(tmp_path, text)
        told = " ".join(caught.value.sentences())
        assert f"{key} in " in told
        assert "hunter2" not in told
        assert len(told) < 600
        assert told.isprintable()


def test_a_scheme_in_capitals_is_the_same(tmp_path: Path) -> None:
    text = '[environments.a]\nsite = "custom"\nbase_url = "HTTPS://Api.example/"\n'
    assert settings_of(tmp_path, text).environments["a"].site.rest_url == "https://Api.example"  # type: ignore[attr-defined]


def test_directories_are_private(tmp_path: Path) -> None:
    own = Paths(tmp_path / "config", tmp_path / "state")
    own.create()
    assert {directory.stat().st_mode & 0o777 for directory in (own.config, own.state)} == {0o700}


def test_one_variable_moves_everything(tmp_path: Path) -> None:
    moved = paths({"KEY_WIZARD_HOME": str(tmp_path)})
    assert tmp_path in moved.config_file.parents
    assert tmp_path in moved.journal.parents


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WizardError, match="cannot use"):
        Paths(tmp_path / "file" / "config", tmp_path / "state").create()


@pytest.mark.parametrize(
    "text",
    [
        'custody = "keyring"',
        '[custody]\nplace = "plaintext"',
        "[custody]\nplace = 3",
        "[custody]\ndeadline = 0",
        "[custody]\ndeadline = true",
        '[custody]\ndeadline = "10"',
        "[custody]\ndeadline = nan",
        "[custody]\ndeadline = 1e9",
        '[custody]\nplace = "openbao"',
        *(
            f'[custody]\nplace = "openbao"\nopenbao = {{{inner}}}'
            for inner in (
                'url = "bao.example"',
                'url = "ftp://bao.example"',
                'url = "http://bao.example"',
                'url = "https://user:hunter2@bao.example"',
                'url = "https://bao.example/v1"',
                'url = "https://bao.example", path = "../other"',
                'url = "https://bao.example", mount = ""',
                'url = "https://bao.example", mount = "a//b"',
                'url = "https://bao.example", namespace = "a?b"',
                'url = "https://bao.example", role_id = 3',
                'url = "https://bao.example", token = "hunter2"',
            )
        ),
    ],
)
def test_a_place_or_a_deadline_that_makes_no_sense_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(WizardError) as caught:
        settings_of(tmp_path, text)
    assert caught.value.advice
    assert "hunter2" not in " ".join(caught.value.sentences())


def test_openbao_is_read_with_its_defaults(tmp_path: Path) -> None:
    text = '[custody]\nplace = "openbao"\n[custody.openbao]\nurl = "http://127.0.0.1:8200"\npath = "/team/keys/"\n'
    custody = settings_of(tmp_path, text).custody  # type: ignore[attr-defined]
    assert custody.openbao == OpenBao("http://127.0.0.1:8200", "secret", "team/keys")
