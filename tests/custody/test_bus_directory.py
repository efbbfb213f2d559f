"""What a killed wizard left of its bus is deleted by the next one; nothing else in that directory is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wizard.custody.bus_directory import BusDirectory, remove_left_over

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="such a bus is started on Linux only")
LIVE = """
import sys
from wizard.custody.bus_directory import BusDirectory
print(BusDirectory().path, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def aged(path: Path) -> Path:
    os.utime(path, (0, 0))
    return path


def test_the_directory_of_a_killed_wizard_is_deleted_and_that_of_a_living_one_is_not(temporary: Path) -> None:
    environ = {**os.environ, "TMPDIR": str(temporary)}
    other = subprocess.Popen([sys.executable, "-c", LIVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ)
    assert other.stdin is not None
    assert other.stdout is not None
    left = Path(other.stdout.readline().decode().strip())
    (left / "keyring").mkdir()
    aged(left)
    remove_left_over()
    assert left.is_dir(), "its wizard lives"
    other.kill()
    other.wait()
    remove_left_over()
    assert not left.exists()
    other.stdin.close()
    other.stdout.close()


def test_one_s_own_directory_is_never_left_over(temporary: Path) -> None:
    own = BusDirectory()
    remove_left_over()
    assert own.path.is_dir()
    own.remove()
    assert list(temporary.iterdir()) == []


def test_a_directory_that_is_only_being_made_is_left_alone_and_an_old_one_only_where_it_is_empty(
    temporary: Path,
) -> None:
    new, old, full = (temporary / f"kw-bus-{name}" for name in ("new", "old", "full"))
    for path in (new, old, full):
        path.mkdir(mode=0o700)
    (full / "bus").touch()
    aged(old)
    aged(full)
    remove_left_over()
    assert (new.is_dir(), old.exists(), full.is_dir()) == (True, False, True)


def test_neither_a_link_nor_what_others_can_enter_is_followed_or_deleted(temporary: Path) -> None:
    target = temporary / "target"
    target.mkdir(mode=0o700)
    (target / "owner").touch()
    (target / "precious").touch()
    (temporary / "kw-bus-link").symlink_to(target)
    shared = temporary / "kw-bus-shared"
    shared.mkdir()
    shared.chmod(0o755)
    (shared / "owner").touch()
    within = temporary / "kw-bus-within"
    within.mkdir(mode=0o700)
    (within / "owner").symlink_to(target / "owner")
    (temporary / "kw-bus-file").touch()
    remove_left_over()
    assert (target / "precious").exists()
    assert sorted(path.name for path in temporary.iterdir()) == [
        *("kw-bus-file", "kw-bus-link", "kw-bus-shared", "kw-bus-within"),
        "target",
    ]
