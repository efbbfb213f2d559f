"""Private keys from files and pastes: taken whole, or refused with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from wizard.core.credentials import KeyKind
from wizard.core.errors import FileError, WizardError
from wizard.core.secret import Secret
from wizard.exchange.signing import SigningKeyError
from wizard.intake.paste import IntakeError
from wizard.intake.private_keys import NEEDS_PASSPHRASE, import_pem, open_private_key

ED25519 = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)
PLAIN = NoEncryption()


def pem(key: object, form: PrivateFormat = PrivateFormat.PKCS8, passphrase: str = "") -> str:
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else PLAIN
    return key.private_bytes(Encoding.PEM, form, encryption).decode()  # type: ignore[attr-defined, no-any-return]


def public(key: object) -> str:
    return (  # type: ignore[no-any-return]
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()  # type: ignore[attr-defined]
    )


@pytest.mark.parametrize(
    ("key", "form", "kind"),
    [
        (ED25519, PrivateFormat.PKCS8, KeyKind.ED25519),
        (RSA, PrivateFormat.PKCS8, KeyKind.RSA),
        (RSA, PrivateFormat.TraditionalOpenSSL, KeyKind.RSA),
    ],
)
def test_a_private_key_becomes_pkcs8_with_its_public_half(key: object, form: PrivateFormat, kind: KeyKind) -> None:
    for text in (pem(key, form), pem(key, form).replace("\n", "\r\n"), f"\n  {pem(key, form)}\n"):
        pair = import_pem(Secret(text))
        assert pair.kind is kind
        assert pair.private_pem.reveal() == pem(key)
        assert pair.public_pem == public(key)


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_one_wants_its_passphrase(form: PrivateFormat) -> None:
    text = pem(RSA, form, "pâss wörd")
    with pytest.raises(WizardError, match="is encrypted") as missing:
        import_pem(Secret(text))
    with pytest.raises(WizardError, match="does not open") as wrong:
        import_pem(Secret(text), Secret("wrong"))
    assert missing.value.code == wrong.value.code == NEEDS_PASSPHRASE
    assert import_pem(Secret(text), Secret("pâss wörd")).private_pem.reveal() == pem(RSA)


@pytest.mark.parametrize(
    ("text", "said", "advice"),
    [
        (public(ED25519), "a public key", "private key of the same pair"),
        ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "a certificate", "private key"),
        (pem(ED25519, PrivateFormat.OpenSSH), "the format of OpenSSH", "ssh-keygen -p -m PKCS8"),
        (pem(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.TraditionalOpenSSL), "elliptic-curve", "Ed25519"),
        (pem(RSA)[:-40], "not one block", "from BEGIN to END"),
        (pem(RSA) + pem(RSA), "not base64", "from BEGIN to END"),
        ("garbage", "not one block", "one private key"),
        ("", "empty", "one private key"),
    ],
)
def test_anything_else_is_named_with_what_to_do(text: str, said: str, advice: str) -> None:
    with pytest.raises(IntakeError) as refused:
        import_pem(Secret(text))
    assert said in refused.value.what
    assert advice in refused.value.advice
    assert not any(
        line in str(refused.value.sentences())
        for line in text.splitlines()
        if line and "-" not in line and line != "garbage"
    )


def test_an_rsa_key_that_is_too_small_is_refused_by_its_size() -> None:
    with pytest.raises(SigningKeyError, match="1024 bits"):
        import_pem(Secret(pem(SMALL)))


def test_a_file_is_opened_with_a_warning_where_others_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(pem(RSA))
    file.chmod(0o644)
    key = open_private_key(str(file), Secret(), Secret())
    assert key.pair.private_pem.reveal() == pem(RSA)
    assert "chmod 600" in key.warning
    file.write_bytes(ED25519.private_bytes(Encoding.DER, PrivateFormat.PKCS8, PLAIN) + b"\xff")
    with pytest.raises(IntakeError, match="DER"):
        open_private_key(str(file), Secret(), Secret())


def test_a_key_that_is_given_in_the_place_of_a_path_is_not_repeated() -> None:
    body = "MC4CAQAwBQYDK2VwBCIEIOaaKIRWthisIsNoRealKeyButLooksLikeOne00"
    with pytest.raises(FileError) as caught:
        open_private_key(body, Secret(), Secret())
    assert body[:12] not in f"{caught.value} {caught.value.what} {caught.value.why} {caught.value.advice}"
