from __future__ import annotations

from pathlib import Path

import pytest

from wizard.custody.choosing import ChoiceNotWritten, choose_place
from wizard.settings import Place, load

ENVIRONMENT = '[environments.production]  # mine\nsite = "binance.com"\n'


@pytest.mark.parametrize(
    "text",
    [
        "",
        ENVIRONMENT,
        ENVIRONMENT.rstrip(),
        f"[custody]\ndeadline = 20 # slow\n{ENVIRONMENT}",
        f'[custody] # where\nplace = "keyring"\ndeadline = 20\n\n{ENVIRONMENT}',
        f"{ENVIRONMENT}[custody]\n",
    ],
)
def test_only_the_place_is_changed(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.toml"
    if text:
        file.write_text(text)
    before = load(file)
    choose_place(file, Place.ENCRYPTED_FILE)
    after = load(file)
    assert after.custody.place is Place.ENCRYPTED_FILE
    assert after.custody.deadline == before.custody.deadline
    assert after.environments == before.environments
    assert all(comment in file.read_text() for comment in ("# mine", "# slow", "# where") if comment in text)


@pytest.mark.parametrize("text", ["custody = {deadline = 20}\n", "custody.deadline = 20\n", "not toml"])
def test_a_file_laid_out_in_another_way_is_left_alone_and_the_line_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ChoiceNotWritten) as caught:
        choose_place(file, Place.ENCRYPTED_FILE)
    assert 'place = "encrypted-file"' in caught.value.advice
    assert file.read_text() == text
