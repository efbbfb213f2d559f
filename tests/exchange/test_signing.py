"""Signatures against Binance's published examples, and keys that cannot sign."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_public_key,
)
from hypothesis import given
from hypothesis import strategies as st

from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.exchange.signing import (
    KeyPair,
    SigningKeyError,
    generate_ed25519,
    pair_of,
    public_pem,
    read_private_key,
    rest_query,
    sign,
    signed_query,
    websocket_payload,
)

VECTORS = json.loads((Path(__file__).parent / "signature_vectors.json").read_text("utf-8"))["vectors"]


def credentials_of(vector: dict[str, str]) -> Credentials:
    return Credentials(KeyKind(vector["kind"]), Secret(vector["api_key"]), Secret(vector["signing"]))


def vector(name: str) -> dict[str, str]:
    return next(one for one in VECTORS if one["id"] == name)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> Secret:
    protection = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection).decode())


@pytest.mark.parametrize("published", VECTORS, ids=[one["id"] for one in VECTORS])
def test_a_published_payload_gets_its_published_signature(published: dict[str, str]) -> None:
    assert sign(credentials_of(published), published["payload"]) == published["expected_signature"]


ORDER = {
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": 1,
    "price": "0.1",
    "recvWindow": 5000,
    "timestamp": 1499827319559,
}


@pytest.mark.parametrize(("symbol", "name"), [("LTCBTC", "hmac-rest-ascii"), ("１２３４５６", "hmac-rest-nonascii")])
def test_rest_parameters_become_the_published_payload(symbol: str, name: str) -> None:
    assert rest_query({"symbol": symbol, **ORDER}) == vector(name)["payload"]


def test_websocket_parameters_become_the_published_payload_sorted_and_unencoded() -> None:
    published = vector("hmac-wsapi-nonascii")
    params = dict(reversed([pair.split("=", 1) for pair in published["payload"].split("&")]))
    assert websocket_payload(params) == published["payload"]


def test_booleans_are_written_as_json_writes_them() -> None:
    assert rest_query({"a": True, "b": False, "c": 1}) == "a=true&b=false&c=1"
    assert websocket_payload({"omitZeroBalances": True, "apiKey": "k"}) == "apiKey=k&omitZeroBalances=true"


def test_the_signature_in_a_query_is_percent_encoded_and_decodes_to_the_signature() -> None:
    published = vector("rsa-2048-rest")
    query = signed_query(credentials_of(published), {"symbol": "LTCBTC", **ORDER})
    payload, _, signature = query.partition("&signature=")
    assert payload == published["payload"]
    assert not set("+/=") & set(signature)
    assert signature.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=") == published["expected_signature"]


@given(st.text(max_size=40).filter(lambda text: text.isprintable()))
def test_what_a_new_key_signs_is_verified_by_its_public_half(payload: str) -> None:
    pair = generate_ed25519()
    signature = sign(Credentials(pair.kind, Secret("key"), pair.private_pem), payload)
    public = load_pem_public_key(pair.public_pem.encode())
    assert isinstance(public, ed25519.Ed25519PublicKey)
    public.verify(base64.b64decode(signature), payload.encode())
    assert len(signature) == 88


def test_a_new_pair_is_pkcs8_and_spki_and_no_two_are_the_same() -> None:
    one, other = generate_ed25519(), generate_ed25519()
    assert one.private_pem.reveal().startswith("-----BEGIN PRIVATE KEY-----\n")
    assert one.public_pem.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert one.private_pem != other.private_pem
    assert public_pem(one.private_pem) == one.public_pem
    assert one.private_pem.reveal()[30:60] not in repr(one)


def pair_of_pem(text: Secret) -> KeyPair:
    return pair_of(read_private_key(text))


def imported_vector() -> KeyPair:
    return pair_of_pem(Secret(vector("rsa-2048-rest")["signing"]))


def test_an_imported_rsa_key_keeps_its_public_half_and_signs_the_same() -> None:
    pair = imported_vector()
    published = vector("rsa-2048-rest")
    assert pair.kind is KeyKind.RSA
    signed = sign(Credentials(pair.kind, Secret("key"), pair.private_pem), published["payload"])
    assert signed == published["expected_signature"]


def test_an_rsa_key_of_another_size_or_kind_is_refused_on_import() -> None:
    with pytest.raises(SigningKeyError, match="1024 bits"):
        pair_of_pem(pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)))
    with pytest.raises(SigningKeyError, match="elliptic-curve"):
        pair_of_pem(pem(ec.generate_private_key(ec.SECP256R1())))


RSA_PEM = vector("rsa-2048-rest")["signing"]
ED25519_PEM = vector("ed25519-rest")["signing"]


@pytest.mark.parametrize(
    ("kind", "signing"),
    [
        (KeyKind.HMAC, ""),
        (KeyKind.ED25519, ""),
        (KeyKind.ED25519, "SENSITIVE text that is no PEM"),
        (KeyKind.ED25519, ED25519_PEM.replace("MC4C", "SENSITIVE")),
        (KeyKind.ED25519, ED25519_PEM[:60]),
        (KeyKind.ED25519, RSA_PEM),
        (KeyKind.RSA, ED25519_PEM),
        (KeyKind.RSA, RSA_PEM[: len(RSA_PEM) // 2]),
        (KeyKind.RSA, generate_ed25519().public_pem),
        (KeyKind.ED25519, "-----BEGIN PRIVATE KEY-----\nSENSITIVE\ud7ff€\n-----END PRIVATE KEY-----"),
    ],
)
def test_an_unusable_key_is_refused_without_a_word_of_it(kind: KeyKind, signing: str) -> None:
    with pytest.raises(SigningKeyError) as caught:
        sign(Credentials(kind, Secret("key"), Secret(signing)), "timestamp=1")
    told = " ".join((*caught.value.sentences(), repr(caught.value)))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert not any(line in told for line in signing.splitlines() if line and "-----" not in line)
    assert "SENSITIVE" not in told
