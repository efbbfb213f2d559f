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
from urllib.parse import quote, urlsplit

import pytest

from tests.clients.surroundings import PATIENCE, Exchange
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
    private, public = folder / "private.pem", folder / "public.pem"
    openssl("genpkey", *generate, "-out", private)
    openssl("pkey", "-in", private, "-pubout", "-out", public)
    command = {
        "ed25519": lambda payload: openssl("pkeyutl", "-sign", "-rawin", "-inkey", private, "-in", payload),
        "rsa": lambda payload: openssl("dgst", "-sha256", "-sign", private, payload),
    }[kind]
    return Signer(exchange.register(kind, public.read_text())["api_key"], command, base64_text)


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
    connection = http.client.HTTPConnection(urlsplit(exchange.base_url).netloc, timeout=PATIENCE)
    target = f"{path}?{query}&signature={quote(signer.write(signature), safe='')}"
    connection.request("GET", target, headers={"X-MBX-APIKEY": signer.api_key})
    answer = connection.getresponse()
    try:
        return answer.status, json.loads(answer.read()).get("code", 0)
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
