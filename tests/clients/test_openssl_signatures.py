"""Key pairs and signatures made by the `openssl` command, sent by a bare HTTP client.

Nothing of this project, and none of the libraries that it uses, has a part in what is signed here.
"""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

from tests.clients.surroundings import HERE, PATIENCE, Exchange
from tests.clients.table import ACCOUNT, RESTRICTIONS

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")
BAD_SIGNATURE = (400, -1022)


@dataclass(frozen=True)
class Signer:
    """An API key and what signs for it: the raw signature over a file."""

    api_key: str
    sign: Callable[[Path], bytes]
    write: Callable[[bytes], str]
    """How this kind of signature is written in a request."""


def openssl(*arguments: str | Path) -> bytes:
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=PATIENCE).stdout


def base64_text(signature: bytes) -> str:
    return base64.b64encode(signature).decode()


def asymmetric(exchange: Exchange, folder: Path, kind: str, generate: tuple[str, ...]) -> Signer:
    public, command = pair(folder, kind, generate)
    return Signer(exchange.register(kind, public)["api_key"], command, base64_text)


def pair(folder: Path, kind: str, generate: tuple[str, ...]) -> tuple[str, Callable[[Path], bytes]]:
    """Return the public key of a new pair, and what signs with the private one."""
    private, public = folder / "private.pem", folder / "public.pem"
    openssl("genpkey", *generate, "-out", private)
    openssl("pkey", "-in", private, "-pubout", "-out", public)
    command = {
        "ed25519": lambda payload: openssl("pkeyutl", "-sign", "-rawin", "-inkey", private, "-in", payload),
        "rsa": lambda payload: openssl("dgst", "-sha256", "-sign", private, payload),
    }[kind]
    return public.read_text(), command


def symmetric(exchange: Exchange) -> Signer:
    made = exchange.register("hmac", None)
    # The secret stands in the arguments: it opens nothing but an exchange that ends with this test.
    return Signer(
        made["api_key"],
        lambda payload: openssl("dgst", "-sha256", "-hmac", made["secret"], "-binary", payload),
        bytes.hex,
    )


@pytest.fixture(params=["hmac", "ed25519", "rsa-2048", "rsa-4096"])
def signer(request: pytest.FixtureRequest, exchange: Exchange, tmp_path: Path) -> Signer:
    kind, _, bits = request.param.partition("-")
    if kind == "hmac":
        return symmetric(exchange)
    generate = ("-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}") if bits else ("-algorithm", "ed25519")
    return asymmetric(exchange, tmp_path, kind, generate)


def ask(exchange: Exchange, path: str, signer: Signer, query: str, signature: bytes) -> tuple[int, int]:
    """Return the HTTP status and the code of the answer, 0 where it has none."""
    status, answer = send(exchange, "GET", f"{path}?{signed(signer, query, signature)}", signer.api_key)
    return status, answer.get("code", 0)


def signed(signer: Signer, text: str, signature: bytes) -> str:
    return f"{text}&signature={quote(signer.write(signature), safe='')}"


def send(exchange: Exchange, method: str, target: str, api_key: str, body: str | None = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(exchange.base_url).netloc, timeout=PATIENCE)
    headers = {"X-MBX-APIKEY": api_key, "Content-Type": "application/x-www-form-urlencoded"}
    connection.request(method, target, body, headers)
    answer = connection.getresponse()
    try:
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def flipped(signature: bytes, bit: int) -> bytes:
    number = int.from_bytes(signature, "big") ^ (1 << bit)
    return number.to_bytes(len(signature), "big")


def test_a_signature_by_openssl_is_accepted_and_one_flipped_bit_is_not(
    exchange: Exchange, signer: Signer, tmp_path: Path
) -> None:
    query = f"recvWindow=60000&timestamp={time.time_ns() // 1_000_000}"
    payload = tmp_path / "payload"
    payload.write_text(query)
    signature = signer.sign(payload)
    for path in (ACCOUNT, RESTRICTIONS):
        assert ask(exchange, path, signer, query, signature) == (200, 0)
        for bit in (0, len(signature) * 4, len(signature) * 8 - 1):
            assert ask(exchange, path, signer, query, flipped(signature, bit)) == BAD_SIGNATURE
    assert ask(exchange, ACCOUNT, signer, query.replace("60000", "59999"), signature) == BAD_SIGNATURE


KEYS_V2 = "/sapi/v2/sub-account/subAccountApi"


@pytest.mark.parametrize(("kind", "algorithm"), [("ed25519", "ed25519"), ("rsa", "RSA")])
def test_a_master_account_makes_a_key_of_a_pair_by_openssl_with_all_in_the_body(
    kind: str, algorithm: str, exchange: Exchange, signer: Signer, tmp_path: Path
) -> None:
    email = f"bot+{signer.api_key[:8]}@example.com"
    exchange.open_sub_account(email)
    (folder := tmp_path / "new").mkdir()
    public, sign = pair(folder, kind, ("-algorithm", algorithm))
    form = {"email": email, "apiName": "rotated", "status": 2, "ipAddress": HERE, "canTrade": "true"}
    form |= {"canFixApiTrading": str(kind == "ed25519").lower(), "publicKey": public}
    payload = tmp_path / "payload"
    payload.write_text(text := urlencode({**form, "timestamp": time.time_ns() // 1_000_000}, quote_via=quote))
    body = signed(signer, text, signer.sign(payload))
    status, refused = send(exchange, "POST", f"{KEYS_V2}?{body}", signer.api_key)
    assert (status, refused["code"]) == (400, -9000)
    status, made = send(exchange, "POST", KEYS_V2, signer.api_key, body)
    assert (status, made["ipList"], made["canFixApiTrading"]) == (200, [HERE], kind == "ed25519")
    payload.write_text(query := f"timestamp={time.time_ns() // 1_000_000}")
    assert ask(exchange, ACCOUNT, Signer(made["apiKey"], sign, base64_text), query, sign(payload)) == (200, 0)
    tampered = body.replace("canTrade=true", "canTrade=false")
    status, refused = send(exchange, "POST", KEYS_V2, signer.api_key, tampered)
    assert (status, refused["code"]) == BAD_SIGNATURE
