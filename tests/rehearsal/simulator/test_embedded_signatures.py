from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from embedded_client import (
    ACCOUNT,
    EVERYTHING,
    NOW,
    ORDER_TEST,
    Ed25519Signer,
    HmacSigner,
    Host,
    RsaSigner,
    Signer,
    public_pem,
    refusal,
)

from wizard.rehearsal.simulator.keys import hmac_verifier

STAMP = f"timestamp={round(NOW * 1000)}"
KINDS = ["hmac", "ed25519", "rsa"]


async def register(host: Host, kind: str, pem: str) -> str:
    answer = await host.page("POST", "/keys", {"kind": kind, "public_key": pem, "permissions": EVERYTHING})
    assert answer.status_code == 201, answer.text
    assert answer.json()["secret"] is None
    return str(answer.json()["api_key"])


async def signer_of(host: Host, kind: str) -> Signer:
    if kind == "hmac":
        return await host.hmac_key()
    if kind == "ed25519":
        ed = ed25519.Ed25519PrivateKey.generate()
        return Ed25519Signer(await register(host, kind, public_pem(ed)), ed)
    private = rsa.generate_private_key(65537, 2048)
    return RsaSigner(await register(host, kind, public_pem(private)), private)


def flipped(signature: str, kind: str) -> str:
    raw = bytearray(bytes.fromhex(signature) if kind == "hmac" else base64.b64decode(signature))
    raw[len(raw) // 2] ^= 1
    return raw.hex() if kind == "hmac" else base64.b64encode(raw).decode()


async def answer_to(host: Host, signer: Signer, signature: str, payload: str = STAMP) -> tuple[int, int | None]:
    answer = await host.raw("GET", ACCOUNT, signer.api_key, f"{payload}&signature={quote(signature, safe='')}")
    return answer.status_code, answer.json().get("code")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_signature_is_accepted_and_one_flipped_bit_is_not(host: Host, kind: str) -> None:
    signer = await signer_of(host, kind)
    signature = signer.sign(STAMP.encode())
    assert await answer_to(host, signer, signature) == (200, None)
    assert await answer_to(host, signer, flipped(signature, kind)) == (400, -1022)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_signature_over_another_payload_is_refused(host: Host, kind: str) -> None:
    signer = await signer_of(host, kind)
    signature = signer.sign(STAMP.encode())
    assert await answer_to(host, signer, signature, f"{STAMP}&recvWindow=6000") == (400, -1022)


@pytest.mark.parametrize("kind", KINDS)
async def test_another_key_s_signature_is_refused(host: Host, kind: str) -> None:
    signer, stranger = await signer_of(host, kind), await signer_of(host, kind)
    assert await answer_to(host, signer, stranger.sign(STAMP.encode())) == (400, -1022)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("garbage", ["x", "=", "é", "0" * 64, "A" * 88, "not base64 at all", "\n"])
async def test_garbage_is_a_wrong_signature_and_not_a_crash(host: Host, kind: str, garbage: str) -> None:
    assert await answer_to(host, await signer_of(host, kind), garbage) == (400, -1022)


async def test_an_hmac_signature_may_be_in_capitals(host: Host) -> None:
    signer = await signer_of(host, "hmac")
    assert await answer_to(host, signer, signer.sign(STAMP.encode()).upper()) == (200, None)


async def test_a_missing_signature_is_named(host: Host, key: HmacSigner) -> None:
    for query in (STAMP, f"{STAMP}&signature="):
        answer = await host.raw("GET", ACCOUNT, key.api_key, query)
        assert refusal(answer) == (400, -1102)
        assert "'signature'" in answer.json()["msg"]


ORDER = f"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&{STAMP}"


@pytest.mark.parametrize(
    ("query", "body"),
    [
        (ORDER + "&signature={}", ""),
        ("signature={}&" + ORDER, ""),
        (ORDER.replace("&side", "&signature={}&side"), ""),
        ("", ORDER + "&signature={}"),
        ("", "signature={}&" + ORDER),
        (ORDER, "signature={}"),
        ("signature={}", ORDER),
        ("symbol=BTCUSDT&side=BUY", f"type=MARKET&quantity=1&{STAMP}&signature={{}}"),
        (f"type=MARKET&signature={{}}&{STAMP}", "quantity=1&symbol=BTCUSDT&side=BUY"),
    ],
)
async def test_parameters_and_signature_may_stand_anywhere(host: Host, key: HmacSigner, query: str, body: str) -> None:
    signature = key.sign(unsigned(query) + unsigned(body))
    answer = await host.raw("POST", ORDER_TEST, key.api_key, query.format(signature), body.format(signature))
    assert (answer.status_code, answer.json()) == (200, {})


def unsigned(part: str) -> bytes:
    return "&".join(piece for piece in part.split("&") if not piece.startswith("signature=")).encode()


async def test_query_and_body_are_joined_without_a_separator(host: Host, key: HmacSigner) -> None:
    query, body = "symbol=BTCUSDT&side=BUY&type=MARKET", f"quantity=1&{STAMP}"
    signature = key.sign(f"{query}&{body}".encode())
    answer = await host.raw("POST", ORDER_TEST, key.api_key, query, f"{body}&signature={signature}")
    assert refusal(answer) == (400, -1022)


async def test_the_query_counts_where_the_body_says_otherwise(host: Host, key: HmacSigner) -> None:
    query, body = f"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&{STAMP}", "symbol=NOPE"
    signature = key.sign((query + body).encode())
    answer = await host.raw("POST", ORDER_TEST, key.api_key, f"{query}&signature={signature}", body)
    assert answer.json() == {}


async def test_the_payload_is_verified_as_it_was_sent(host: Host, key: HmacSigner) -> None:
    encoded = f"newClientOrderId=a%2Db&{STAMP}"
    assert (await host.sealed(key, ACCOUNT, encoded)).status_code == 200
    over_decoded = key.sign(f"newClientOrderId=a-b&{STAMP}".encode())
    answer = await host.raw("GET", ACCOUNT, key.api_key, f"{encoded}&signature={over_decoded}")
    assert refusal(answer) == (400, -1022)


async def test_text_beyond_ascii_must_be_percent_encoded_before_it_is_signed(host: Host, key: HmacSigner) -> None:
    for text, status in ((quote("é"), 200), ("é", 400)):
        body = f"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&newClientOrderId={text}&{STAMP}"
        signature = key.sign(body.encode())
        answer = await host.raw("POST", ORDER_TEST, key.api_key, "", f"{body}&signature={signature}")
        assert answer.status_code == status
    assert refusal(answer) == (400, -1022)


@pytest.mark.parametrize(
    ("payload", "signature"),
    [
        (
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
        ),
        (
            "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC"
            "&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
        ("timestamp=1578963600000", "d84e6641b1e328e7b418fff030caed655c266299c9355e36ce801ed14631eed4"),
    ],
)
def test_the_documented_hmac_examples_verify(payload: str, signature: str) -> None:
    verify = hmac_verifier("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")
    assert verify(payload.encode(), signature)
