"""The throw-away keyring itself: where it cannot run, and what it leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import secret_service
from tests.custody.hung_bus import children


def test_without_the_daemons_tests_are_skipped_and_say_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(secret_service, "_IS_REQUIRED", False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install dbus gnome-keyring"):
        secret_service.require_daemons()


def test_where_the_daemons_are_required_tests_fail_without_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(secret_service, "_IS_REQUIRED", True)
    with pytest.raises(pytest.fail.Exception, match="dbus-daemon"):
        secret_service.require_daemons()


@pytest.mark.keyring
@pytest.mark.parametrize("mode", ["unlocked", "locked", "empty", "hung", "none"])
def test_the_throw_away_keyring_leaves_nothing_behind(mode: secret_service.Mode) -> None:
    before = children()
    with secret_service.secret_service(mode) as environ:
        home = Path(environ["HOME"])
        assert home.exists()
        assert children() != before
        assert all(value.startswith(str(home)) for name, value in environ.items() if name.startswith(("XDG_", "HOME")))
    assert children() == before
    assert not home.exists()
