"""Where configuration and state lie: a directory of one's own, or words."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ordinary_user import ORDINARY, only_root
from wizard.core.errors import WizardError
from wizard.core.settings import Paths, load, paths


def refused(environ: dict[str, str]) -> WizardError:
    with pytest.raises(WizardError) as caught:
        paths(environ)
    assert caught.value.code == "settings.directory"
    assert caught.value.why
    assert caught.value.advice
    return caught.value


def home(directory: Path | str) -> dict[str, str]:
    return {"KEY_WIZARD_HOME": str(directory)}


def foreign(directory: Path) -> Path:
    directory.mkdir()
    os.chown(directory, ORDINARY, ORDINARY)
    return directory


def link_to_foreign(directory: Path) -> Path:
    directory.symlink_to(foreign(directory.with_name("target")))
    return directory


def group_writable(directory: Path) -> Path:
    directory.mkdir()
    directory.chmod(0o770)
    return directory


def world_writable(directory: Path) -> Path:
    directory.mkdir()
    directory.chmod(0o1777)
    return directory


def a_file(directory: Path) -> Path:
    directory.write_text("no directory")
    return directory


def with_foreign_state(directory: Path) -> Path:
    directory.mkdir()
    foreign(directory / "state")
    return directory


def with_world_writable_config(directory: Path) -> Path:
    directory.mkdir()
    world_writable(directory / "config")
    return directory


@pytest.mark.parametrize("make", [group_writable, world_writable, a_file, with_world_writable_config])
def test_a_directory_into_which_others_can_put_files_is_refused(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    error = refused(home(make(tmp_path / "home")))
    assert str(tmp_path / "home") in error.what


@only_root
@pytest.mark.parametrize("make", [foreign, link_to_foreign, with_foreign_state])
def test_a_directory_of_another_user_is_refused(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    error = refused(home(make(tmp_path / "home")))
    assert "another user" in error.why
    assert list(tmp_path.rglob("config.toml")) == []


@pytest.mark.skipif(os.name != "posix", reason="on Windows rights come from the user's profile directory")
def test_settings_that_others_can_change_start_nothing(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[environments.a]\nsite = "demo"\n')
    file.chmod(0o664)  # as with a umask of 002, where each user has a group alone
    assert "a" in load(file).environments
    file.chmod(0o646)
    with pytest.raises(WizardError, match="Other users can change"):
        load(file)


@only_root
def test_settings_of_another_user_start_nothing_also_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "config.toml").symlink_to(tmp_path / "theirs")
    (tmp_path / "theirs").write_text('[environments.a]\nsite = "demo"\n')
    os.chown(tmp_path / "theirs", ORDINARY, ORDINARY)
    with pytest.raises(WizardError) as caught:
        load(tmp_path / "config.toml")
    assert caught.value.code == "settings.exposed"


@pytest.mark.parametrize("directory", ["/", "//", "/..", "/tmp", "~nobody-of-that-name/x"])
def test_a_directory_of_the_whole_system_or_of_nobody_is_refused(directory: str) -> None:
    refused(home(directory))
    assert not Path("/config").exists()


def test_a_deleted_working_directory_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert "no longer exists" in refused(home("relative")).why
    assert paths(home(tmp_path)).config == tmp_path / "config", "an absolute path needs no working directory"


def test_ones_own_directory_is_taken_also_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path / "own")
    for directory in ("own", "link", "missing"):
        paths(home(tmp_path / directory)).create()


def test_what_a_link_leads_to_is_never_changed(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir(mode=0o755)
    (tmp_path / "state").symlink_to(tmp_path / "photos")
    with pytest.raises(WizardError) as caught:
        Paths(tmp_path / "config", tmp_path / "state").create()
    assert str(tmp_path / "photos") in caught.value.advice
    assert (tmp_path / "photos").stat().st_mode & 0o777 == 0o755
    (tmp_path / "photos").chmod(0o700)
    Paths(tmp_path / "config", tmp_path / "state").create()


def test_ones_own_directory_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o775)
    Paths(tmp_path / "config", tmp_path / "state").create()
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("config", "state")} == {0o700}
