from __future__ import annotations

import pytest

from wizard.custody import keyring_errors
from wizard.custody.backends import judge
from wizard.custody.keyring_errors import refused_backend
from wizard.custody.keyring_worker.protocol import Origin


@pytest.mark.parametrize(
    ("backend", "refusal"),
    [
        ("keyring.backends.SecretService.Keyring", ""),
        ("keyring.backends.libsecret.Keyring", ""),
        ("keyring.backends.kwallet.DBusKeyring", ""),
        ("keyring.backends.macOS.Keyring", ""),
        ("keyring.backends.Windows.WinVaultKeyring", ""),
        ("keyring.backends.null.Keyring", "null"),
        ("keyring.backends.fail.Keyring", "fail"),
        ("keyrings.alt.file.PlaintextKeyring", "plaintext"),
        ("keyrings.cryptfile.file.PlaintextKeyring", "plaintext"),
        ("keyring_insecure_backend.Anything", "unknown"),
        ("keyrings.alt.file.EncryptedKeyring", "unknown"),
        ("keyrings.efile.encryptedfile.EncryptedFile", "unknown"),
        ("keyring.backends.chainer.ChainerBackend", "unknown"),
        ("keyring.backends.SecretService.Keyring2", "unknown"),
        ("keyring.backends.SecretService", "unknown"),
        ("mine.keyring.backends.SecretService.Keyring", "unknown"),
        ("", "unknown"),
    ],
)
def test_only_a_backend_on_the_list_may_hold_a_secret(backend: str, refusal: str) -> None:
    assert judge(backend).refusal == refusal


def test_a_backend_name_cannot_write_to_the_terminal() -> None:
    assert "\x1b" not in judge("evil\x1b]52;c;aGk=\x07.Keyring").backend


@pytest.mark.parametrize(
    ("platform", "backend"),
    [
        ("linux", "keyring.backends.SecretService.Keyring"),
        ("darwin", "keyring.backends.macOS.Keyring"),
        ("win32", "keyring.backends.Windows.WinVaultKeyring"),
    ],
)
def test_the_line_to_change_names_the_systems_own_store(
    monkeypatch: pytest.MonkeyPatch, platform: str, backend: str
) -> None:
    monkeypatch.setattr(keyring_errors.sys, "platform", platform)  # type: ignore[attr-defined]
    stranger = judge("stranger.Keyring")
    assert f"PYTHON_KEYRING_BACKEND={backend}" in refused_backend(stranger, Origin.ENVIRONMENT, "").advice
    in_file = refused_backend(stranger, Origin.CONFIG, "/home/a/keyringrc.cfg").advice
    assert "/home/a/keyringrc.cfg" in in_file
    assert f"default-keyring={backend}" in in_file
    assert judge(backend).refusal == ""
