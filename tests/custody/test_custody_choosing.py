from __future__ import annotations

from pathlib import Path

import pytest

from wizard.core.errors import WizardError
from wizard.core.settings import Custody, Place, load
from wizard.custody.custodian import Custodian

ENVIRONMENT = '[environments.production]  # mine\nsite = "binance.com"\n'


def choose_file(settings: Path) -> None:
    Custodian(Custody(), settings.with_name("encrypted"), settings).choose_encrypted_file()


@pytest.mark.parametrize(
    "text",
    [
        "",
        ENVIRONMENT,
        ENVIRONMENT.rstrip(),
        f"[custody]\ndeadline = 20 # slow\n{ENVIRONMENT}",
        f'[custody] # where\nplace = "keyring"\ndeadline = 20\n\n{ENVIRONMENT}',
        f"{ENVIRONMENT}[custody]\n",
        "custody = {deadline = 20} # where\n",
        "custody.deadline = 20 # slow\n",
        f"[custody]\r\ndeadline = 20 # slow\r\n\r\n{ENVIRONMENT}",
    ],
)
def test_only_the_place_is_changed(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.toml"
    if text:
        file.write_bytes(text.encode())
    before = load(file)
    choose_file(file)
    after = load(file)
    assert after.custody.place is Place.ENCRYPTED_FILE
    assert after.custody.deadline == before.custody.deadline
    assert after.environments == before.environments
    written = file.read_bytes().decode()
    kept = [line for line in text.split("\n") if line and "custody" not in line and "place" not in line]
    assert [line for line in written.split("\n") if line in kept] == kept
    assert all(comment in written for comment in ("# mine", "# slow", "# where") if comment in text)


@pytest.mark.parametrize("text", ["custody = 20\n", "[[custody]]\nplace = 3\n", "not toml"])
def test_a_file_that_cannot_be_changed_is_left_alone_and_the_line_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(WizardError) as caught:
        choose_file(file)
    assert 'place = "encrypted-file"' in caught.value.advice
    assert file.read_text() == text


def test_settings_that_are_a_link_stay_one_and_keep_their_rights(tmp_path: Path) -> None:
    real, file = tmp_path / "dotfiles.toml", tmp_path / "config" / "config.toml"
    file.parent.mkdir()
    real.write_text(ENVIRONMENT)
    real.chmod(0o640)
    file.symlink_to(real)
    choose_file(file)
    assert file.is_symlink()
    assert load(real).custody.place is Place.ENCRYPTED_FILE
    assert real.stat().st_mode & 0o777 == 0o640


def test_what_lies_under_a_name_that_might_be_written_to_is_left_alone(tmp_path: Path) -> None:
    file, precious = tmp_path / "config.toml", tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / ".config.toml.new").symlink_to(precious)
    choose_file(file)
    assert precious.read_text() == "mine"
    assert load(file).custody.place is Place.ENCRYPTED_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == [".config.toml.new", "config.toml", "precious"]


def test_settings_are_on_the_disk_before_they_are_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text(ENVIRONMENT)

    def fsync(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fsync)
    with pytest.raises(WizardError):
        choose_file(file)
    assert file.read_text() == ENVIRONMENT
    assert [each.name for each in tmp_path.iterdir()] == ["config.toml"]
