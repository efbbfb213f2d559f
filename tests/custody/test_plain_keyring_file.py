from __future__ import annotations

from pathlib import Path

import pytest

from wizard.custody.keyring_worker.secret_service import _is_plain_text

COLLECTIONS = "/org/freedesktop/secrets/collection"


def lay(directory: Path, name: str, data: bytes) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.keyring").write_bytes(data)


@pytest.mark.parametrize(("data", "is_plain"), [(b"GnomeKeyring\n\r\0\n\0\0\0\0", False), (b"[keyring]\n", True)])
def test_the_first_bytes_tell(tmp_path: Path, data: bytes, is_plain: bool) -> None:
    lay(tmp_path / ".local/share/keyrings", "login", data)
    assert _is_plain_text(f"{COLLECTIONS}/login", {"HOME": str(tmp_path)}) is is_plain
    assert not _is_plain_text(f"{COLLECTIONS}/another", {"HOME": str(tmp_path)})


def test_the_directory_and_the_name_are_gnome_keyring_s_own(tmp_path: Path) -> None:
    lay(tmp_path / "data/keyrings", "My_Keys ü", b"[keyring]\n")
    environ = {"HOME": "/nonexistent", "XDG_DATA_HOME": str(tmp_path / "data")}
    assert _is_plain_text(f"{COLLECTIONS}/My_5fKeys_20_c3_bc", environ)
