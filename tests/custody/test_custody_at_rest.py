from __future__ import annotations

import os
from pathlib import Path

import pytest

from wizard.custody.worker.at_rest import look
from wizard.custody.worker.protocol import AtRest

NOBODY = 0
ENCRYPTED = b"GnomeKeyring\n\r\0\n\0\0\0\0"


def lay(directory: Path, name: str, data: bytes) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.keyring").write_bytes(data)


@pytest.mark.parametrize(
    ("data", "seen"), [(ENCRYPTED, AtRest.ENCRYPTED), (b"[keyring]\n", AtRest.PLAIN), (b"", AtRest.PLAIN)]
)
def test_the_first_bytes_tell(tmp_path: Path, data: bytes, seen: AtRest) -> None:
    lay(tmp_path / ".local/share/keyrings", "login", data)
    assert look("/org/freedesktop/secrets/collection/login", NOBODY, {"HOME": str(tmp_path)}) is seen


def test_the_directories_and_names_are_gnome_keyring_s_own(tmp_path: Path) -> None:
    path = "/org/freedesktop/secrets/collection/My_5fKeys_20_c3_bc"
    lay(tmp_path / ".gnome2/keyrings", "My_Keys ü", ENCRYPTED)
    environ = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    assert look(path, NOBODY, environ) is AtRest.ENCRYPTED  # the place of old, while there is no new one
    lay(tmp_path / "data/keyrings", "My_Keys ü", b"[keyring]\n")
    assert look(path, NOBODY, environ) is AtRest.PLAIN


def test_the_keyring_s_own_environment_counts_and_not_ours(tmp_path: Path) -> None:
    lay(tmp_path / "keyrings", "login", b"[keyring]\n")
    assert look("/x/login", os.getpid(), {"HOME": "/nonexistent", "XDG_DATA_HOME": str(tmp_path)}) is AtRest.UNKNOWN


def test_what_cannot_be_read_is_unknown_and_nothing_is_waited_for(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    assert look("/x/login", NOBODY, environ) is AtRest.UNKNOWN
    place = tmp_path / ".local/share/keyrings"
    (place / "login.keyring").mkdir(parents=True)
    assert look("/x/login", NOBODY, environ) is AtRest.UNKNOWN
    os.mkfifo(place / "pipe.keyring")
    assert look("/x/pipe", NOBODY, environ) is AtRest.UNKNOWN
    lay(tmp_path, "outside", b"[keyring]\n")
    assert look("/x/_2e_2e_2f_2e_2e_2f_2e_2e_2foutside", NOBODY, environ) is AtRest.UNKNOWN
