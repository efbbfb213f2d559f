from __future__ import annotations

import pytest

from wizard.custody.backends import Verdict, first_secure, judge, line_to_change
from wizard.custody.keyring_worker.protocol import Origin


@pytest.mark.parametrize(
    ("backend", "verdict"),
    [
        ("keyring.backends.SecretService.Keyring", Verdict.SECURE),
        ("keyring.backends.libsecret.Keyring", Verdict.SECURE),
        ("keyring.backends.kwallet.DBusKeyring", Verdict.SECURE),
        ("keyring.backends.macOS.Keyring", Verdict.SECURE),
        ("keyring.backends.Windows.WinVaultKeyring", Verdict.SECURE),
        ("keyring.backends.null.Keyring", Verdict.NULL),
        ("keyring.backends.fail.Keyring", Verdict.FAIL),
        ("keyrings.alt.file.PlaintextKeyring", Verdict.PLAINTEXT),
        ("keyrings.cryptfile.file.PlaintextKeyring", Verdict.PLAINTEXT),
        ("keyring_insecure_backend.Anything", Verdict.PLAINTEXT),
        ("keyrings.alt.file.EncryptedKeyring", Verdict.WEAK),
        ("keyrings.alt.Windows.RegistryKeyring", Verdict.WEAK),
        ("keyrings.alt.Google.DocsKeyring", Verdict.WEAK),
        ("keyrings.efile.encryptedfile.EncryptedFile", Verdict.WEAK),
        ("keyrings.onepassword.keyring.OnePasswordKeyring", Verdict.NULL),
        ("keyring.backends.chainer.ChainerBackend", Verdict.UNKNOWN),
        ("keyring.backends.SecretService.Keyring2", Verdict.UNKNOWN),
        ("keyring.backends.SecretService", Verdict.UNKNOWN),
        ("mine.keyring.backends.SecretService.Keyring", Verdict.UNKNOWN),
        ("gsheet_keyring.Keyring", Verdict.UNKNOWN),
        ("", Verdict.UNKNOWN),
    ],
)
def test_each_backend_has_its_verdict(backend: str, verdict: Verdict) -> None:
    assert judge(backend).verdict is verdict
    assert judge(backend).is_secure is (verdict is Verdict.SECURE)


def test_a_backend_name_cannot_write_to_the_terminal() -> None:
    assert "\x1b" not in judge("evil\x1b]52;c;aGk=\x07.Keyring").backend


def test_a_chain_is_pinned_to_its_first_secure_leaf() -> None:
    chain = tuple(
        map(
            judge, ["bitwarden_keyring.BitwardenBackend", "keyring.backends.kwallet.DBusKeyring", "keyrings.alt.file.X"]
        )
    )
    pinned = first_secure(chain)
    assert pinned is not None
    assert pinned.backend == "keyring.backends.kwallet.DBusKeyring"
    assert first_secure(chain[::2]) is None


@pytest.mark.parametrize(
    ("platform", "backend"),
    [
        ("linux", "keyring.backends.SecretService.Keyring"),
        ("darwin", "keyring.backends.macOS.Keyring"),
        ("win32", "keyring.backends.Windows.WinVaultKeyring"),
    ],
)
def test_the_line_to_change_names_the_systems_own_store(platform: str, backend: str) -> None:
    assert f"PYTHON_KEYRING_BACKEND={backend}" in line_to_change(Origin.ENVIRONMENT, "", platform)
    in_file = line_to_change(Origin.CONFIG, "/home/a/keyringrc.cfg", platform)
    assert "/home/a/keyringrc.cfg" in in_file
    assert f"default-keyring={backend}" in in_file
    assert judge(backend).is_secure
