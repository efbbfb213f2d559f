"""Copies of a private key between PEM frames are found by its public half; what cannot be read is said."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.exchange.signing import generate_ed25519
from wizard.intake import copies
from wizard.intake.copies import copies_of
from wizard.intake.private_keys import import_pem

API_KEY = "Ap1K" * 16
PKCS8, PKCS1, OPENSSH = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL, PrivateFormat.OpenSSH


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def credentials(key: rsa.RSAPrivateKey) -> Credentials:
    pair = import_pem(Secret(spelled(key, PKCS8)))
    return Credentials(KeyKind.RSA, Secret(API_KEY), pair.private_pem)


def spelled(key: rsa.RSAPrivateKey, form: PrivateFormat) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def found_in(directory: Path, credentials: Credentials, data: str | bytes) -> list[str]:
    file = directory / "copy"
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    looked = copies_of(credentials, {}, [str(file)])
    assert looked.unknown == ()
    return [place.removeprefix(str(file)) for place in looked.found]


@pytest.mark.parametrize("form", [PKCS8, PKCS1, OPENSSH])
def test_each_format_of_a_pem_is_found_at_the_line_where_it_begins(
    tmp_path: Path, key: rsa.RSAPrivateKey, credentials: Credentials, form: PrivateFormat
) -> None:
    pem = spelled(key, form)
    assert found_in(tmp_path, credentials, f"# mine\n\n{pem}") == [", line 3"]
    assert found_in(tmp_path, credentials, pem.replace("\n", "\r\n")) == [", line 1"]
    indented = "key: |\n" + "".join(f"    {line}\n" for line in pem.splitlines())
    assert found_in(tmp_path, credentials, indented) == [", line 2"]
    assert found_in(tmp_path, credentials, f"X=1\nPRIVATE_KEY={json.dumps(pem)}\n") == [", line 2"]
    assert found_in(tmp_path, credentials, pem.encode("utf-16")) == [", line 1"]


def test_a_file_that_is_not_all_text_is_searched_too(tmp_path: Path, credentials: Credentials) -> None:
    data = b"caf\xe9 \x00\n" + f"key={API_KEY}\n{credentials.signing.reveal()}".encode()
    assert found_in(tmp_path, credentials, data) == [", lines 2, 3"]


def test_an_ed25519_key_and_its_api_key_are_found(tmp_path: Path) -> None:
    pair = generate_ed25519()
    credentials = Credentials(KeyKind.ED25519, Secret(API_KEY), pair.private_pem)
    loaded = load_pem_private_key(pair.private_pem.reveal().encode(), None)
    ssh = loaded.private_bytes(Encoding.PEM, OPENSSH, NoEncryption()).decode()
    assert found_in(tmp_path, credentials, f"API={API_KEY}\n{ssh}") == [", lines 1, 2"]
    looked = copies_of(credentials, {"PEM": pair.private_pem.reveal(), "X": "y"})
    assert looked.found == ("the environment variable PEM",)


def test_the_key_of_somebody_else_is_no_copy(tmp_path: Path, credentials: Credentials) -> None:
    assert found_in(tmp_path, credentials, generate_ed25519().private_pem.reveal()) == []
    assert found_in(tmp_path, credentials, "-----BEGIN PRIVATE KEY-----\nnot base64\n-----END PRIVATE KEY-----") == []


def test_what_cannot_be_looked_into_is_said_to_be_not_known(
    tmp_path: Path, key: rsa.RSAPrivateKey, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "LARGEST_SEARCHED", 10_000)
    os.mkfifo(tmp_path / ".env")
    (tmp_path / ".bashrc").write_text("x" * 10_001)
    locked = key.private_bytes(Encoding.PEM, PKCS8, BestAvailableEncryption(b"p")).decode()
    (tmp_path / "own.pem").write_text(locked)
    looked = copies_of(credentials, {"HOME": str(tmp_path)}, [str(tmp_path / "own.pem"), str(tmp_path / "gone")])
    assert looked.found == ()
    assert sorted(looked.unknown) == [
        f"{tmp_path}/.bashrc is larger than 10000 bytes",
        f"{tmp_path}/.env is not an ordinary file",
        f"{tmp_path}/own.pem holds an encrypted private key",
    ]
    assert looked.sentences()[0].endswith("The key may be there too.")


def test_a_file_that_cannot_be_read_is_said_to_be_not_known(tmp_path: Path, credentials: Credentials) -> None:
    (tmp_path / ".env").symlink_to(".env")
    assert copies_of(credentials, {"HOME": str(tmp_path)}).unknown == (f"The wizard cannot read {tmp_path}/.env",)


@pytest.mark.timeout(20)  # a search that begins anew at each takes minutes
def test_a_file_full_of_beginnings_holds_nobody_up(tmp_path: Path, credentials: Credentials) -> None:
    # A search holds the interpreter: while it runs no deadline strikes and no screen answers.
    beginnings = "-----BEGIN PRIVATE KEY-----\n" * 7000
    assert found_in(tmp_path, credentials, beginnings + credentials.signing.reveal()) == [", line 7001"]
